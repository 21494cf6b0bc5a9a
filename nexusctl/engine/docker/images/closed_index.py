"""Whether a sandbox is out of reach of the package indexes that this machine is told of."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from nexusctl.packages import MANAGERS

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def is_index_closed(environ: Mapping[str, str]) -> bool:
    """Whether packages come by way of this machine itself, or of a proxy that asks for a password: out of reach of a
    sandbox in its own networks, which gets no passwords.
    """
    proxied = any(environ.get(name) or environ.get(name.lower()) for name in _PROXIES)
    if not proxied and not any(list_index_variables(environ)) and not _has_settings_file():
        return False
    # Few machines say anything about it, and what they say is read with certificates and all.
    from nexusctl.engine.docker.images.host_trust import host_trust  # noqa: PLC0415 - deferred: start-up time

    trust = host_trust()
    return trust.loopback or trust.secret_proxy


def list_index_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """The variables of `environ` that tell a manager where its indexes are.

    All such names begin with that of the manager, so that only those are loaded that somebody speaks of.
    """
    names = set(MANAGERS)
    for variable in environ:
        manager = variable.partition("_")[0].lower()
        if manager in names and environ[variable] and _tells_index(manager, variable):
            yield variable


def _tells_index(name: str, variable: str) -> bool:
    manager = MANAGERS[name]
    file = manager.settings_file
    return manager.spell(variable) in manager.index_addresses or bool(file and variable in file.variables)


def _has_settings_file() -> bool:
    """Whether somebody has told a manager more in a file, all of which are called after it."""
    return any(os.access(os.path.expanduser(f"~/.{name}rc"), os.R_OK) for name in MANAGERS)  # noqa: PTH111 - pathlib loads slowly
