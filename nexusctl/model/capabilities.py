"""The Linux capabilities of a sandbox (capabilities(7)): which it has without a word, and which it may be given."""

from __future__ import annotations

from collections.abc import Collection

LEFT_OUT = ("AUDIT_WRITE", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SYS_CHROOT")
"""Those of Docker's default that a sandbox does not have.

With NET_RAW one could pass for its neighbours (ARP), the others serve what happens while an image is made. A low port
needs none on an engine since 20.10, which lets everybody have it.
"""

GIVEN = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETPCAP", "SETUID")
"""Those of Docker's default that it has."""

GRANTED = (*LEFT_OUT, "IPC_LOCK", "SYS_NICE", "SYS_PTRACE")
"""Those that a file may add: they reach no further than the sandbox and its networks."""

ALL = "ALL"


def settle_capabilities(
    add: Collection[str], drop: Collection[str], *, low_port: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What an engine adds to its default and what it drops from that, for the `cap_add` and `cap_drop` of a file.

    With `low_port` the sandbox publishes one below 1024.
    """
    if ALL in drop:
        return tuple(sorted(add)), (ALL,)
    kept = {*add, *(("NET_BIND_SERVICE",) if low_port else ())}
    dropped = {*(set(LEFT_OUT) - kept), *drop}
    return tuple(sorted(set(add) - {*LEFT_OUT, *GIVEN} - dropped)), tuple(sorted(dropped))
