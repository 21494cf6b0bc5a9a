"""Literals that look like secrets: they must not be copied into a file that goes into git."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|SECRET|TOKEN|CREDENTIALS?|(?:API|ACCESS|PRIVATE|ENCRYPTION|SIGNING)_?KEY)"
    r"(?:S)?(?:_(?:KEY|HASH|BASE64|B64|VALUE))?$",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"  # a password in a URL
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|^(?:gh[opsu]_|github_pat_|glpat-|xox[abpr]-|sk-|AKIA)[A-Za-z0-9_-]{10,}",
)
_HARMLESS = re.compile(r"(?:true|false|yes|no|on|off|[0-9]|)$", re.IGNORECASE)


def looks_secret(name: str, value: str) -> bool:
    """Whether the value of the variable `name` looks like something that nobody else should read."""
    if "${" in value or _HARMLESS.match(value):
        return False
    return bool(_VALUE.search(value)) or bool(_NAME.search(name) and not value.startswith("/"))
