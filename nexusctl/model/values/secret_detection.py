"""Literals that look like secrets: they must not be copied into a file that goes into git."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?:PASSWORD|PASSWD|PASSPHRASE"
    r"|(?:^|[_.-])(?:PASS|PWD|PW|SECRET|TOKEN|CREDENTIAL|SALT"
    r"|(?:API|ACCESS|PRIVATE|ENCRYPTION|SIGNING|MASTER|ADMIN|AUTH|APP|JWT|SESSION|SERVICE|STORAGE|ACCOUNT)[_.-]?KEY))"
    r"S?(?:[_.-](?:KEY|HASH|BASE64|B64|BASE|VALUE))*$",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"  # a password in a URL
    r"|(?:^|[;?&\s])(?:password|passwd|pwd)=[^;&\s]"  # one among the settings of a connection
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\."
    r"|\b(?:gh[opsu]_|github_pat_|glpat-|xox[abpr]-|sk-|[sr]k_live_|AKIA|AIza|SG\.|npm_|pypi-|hf_|dckr_pat_)"
    r"[A-Za-z0-9_-]{10,}",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_HARMLESS = re.compile(r"(?:true|false|yes|no|on|off|[0-9]|)$", re.IGNORECASE)
_PAIR = re.compile(r"""(?P<name>[A-Za-z][\w.-]*)["']?\s*[:=]\s*["']?(?P<value>[^\s"',\[\]{}$&*]+)""")
_OPTION = re.compile(
    r"(?:^|\s)--?[a-z-]*(?:pass|passwd|password|secret|token|api-?key)(?:=|\s+)(?P<value>[^\s$/-]\S*)", re.IGNORECASE
)


def looks_secret(name: str, value: str) -> bool:
    """Whether the value of the variable `name` looks like something that nobody else should read."""
    if _HARMLESS.match(value):
        return False
    return holds_secret(value) or bool(_NAME.search(name) and not value.startswith("/"))


def holds_secret(value: str) -> bool:
    """Whether `value` tells by itself that something in it is a secret."""
    return bool(_VALUE.search(value))


def find_passwords(value: str) -> list[str]:
    """Those in addresses that `value` has."""
    return _PASSWORD.findall(value)


def tells_secret(line: str) -> bool:
    """Whether a line of a file has something in it that looks like a secret."""
    return holds_secret(line) or any(looks_secret(pair["name"], pair["value"]) for pair in _PAIR.finditer(line))


def takes_secret(command: str) -> bool:
    """Whether an option of `command` is given something that looks like a secret."""
    found = (option["value"] for option in _OPTION.finditer(command))
    return holds_secret(command) or any(not _HARMLESS.match(value) for value in found)
