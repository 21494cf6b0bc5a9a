"""Fields of a sandbox that a container has from its birth on, each as the engine is told it, and tells it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from nexusctl.model.capabilities import ALL, GIVEN, LEFT_OUT
from nexusctl.model.stack import Sandbox, Ulimit
from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.late_regex import late_regex

Inspected = Mapping[str, Any]
Section = Literal["Config", "HostConfig"]

_USUAL_OPTIONS = {"", "rw", "nosuid", "nodev", "noexec", "rprivate", "tmpcopyup"}
_PODMANS = "rlimit_"
_USUAL_SHM_SIZES = (0, 65_536_000, 67_108_864)
"""Podman's and Docker's, where nobody says another one."""
_OPTION = late_regex("size=[0-9]{1,12}[kKmMgG]?|mode=[0-7]{3,5}|[ug]id=[0-9]{1,9}|exec")
_OTHERS_NETWORK = ("host", "container:")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSetting:
    """Where an engine has it: under `key` in `section`. `read` takes all that it says of a container."""

    section: Section
    key: str
    write: Callable[[Any], Any]
    read: Callable[[Inspected], Any]


def write_settings(sandbox: Sandbox, section: Section) -> dict[str, Any]:
    """The part of a body for `section`, without what the sandbox does not state."""
    stated = ((setting, getattr(sandbox, field)) for field, setting in SETTINGS.items() if setting.section == section)
    return {setting.key: setting.write(value) for setting, value in stated if value}


def read_settings(seen: Inspected) -> dict[str, Any]:
    """By field what an inspected container has, and what a sandbox says that has no more than every container."""
    return {field: setting.read(seen) for field, setting in SETTINGS.items()}


def read_placed_settings(seen: Inspected) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """As `read_settings`, with what a stack file can say only, and remarks on the rest."""
    found, lost = read_settings(seen), []
    if any(str(entry["Name"]).lower().startswith(_PODMANS) for entry in seen["HostConfig"].get("Ulimits") or ()):
        # It tells all that a container has, whoever has chosen them.
        found["ulimits"] = {}
    if found["shm_size"] in _USUAL_SHM_SIZES:
        found["shm_size"] = None
    for target, options in found["tmpfs"].items():
        placed = [option for option in options.split(",") if _OPTION.fullmatch(option)]
        if further := [option for option in options.split(",") if option and option not in placed]:
            found["tmpfs"] |= {target: ",".join(placed)}
            lost.append((f"tmpfs {target}", f"the option {', '.join(further)} has no place in a stack file"))
    return found, lost


def read_capabilities(seen: Inspected, record: Sandbox | None) -> dict[str, Any]:
    """By field, sorted: those taken away, and all others that a file may add.

    What a record both adds and drops it drops, and that is no loss.
    """
    added, dropped = (
        {str(name).upper().removeprefix("CAP_") for name in seen["HostConfig"].get(key) or ()}
        for key in ("CapAdd", "CapDrop")
    )
    # Podman writes out what is dropped with all.
    if ALL in dropped or added | dropped >= {*LEFT_OUT, *GIVEN}:
        dropped |= {ALL, *LEFT_OUT, *GIVEN}
    usual = {*LEFT_OUT, *GIVEN} - dropped
    both = {*record.cap_add} & {*record.cap_drop} if record else set()
    return {"cap_add": tuple(sorted(added | usual | both)), "cap_drop": tuple(sorted(dropped))}


def _read_hostname(seen: Inspected) -> str | None:
    """None for one that the engine has chosen."""
    found = str(seen["Config"].get("Hostname") or "")
    chosen = not found or found == seen["Id"][:12] or seen["HostConfig"]["NetworkMode"].startswith(_OTHERS_NETWORK)
    return None if chosen else found


def _read_read_only(seen: Inspected) -> bool:
    return bool(seen["HostConfig"].get("ReadonlyRootfs"))


def _read_tmpfs(seen: Inspected) -> dict[str, str]:
    """Without what engines add by themselves."""
    found = seen["HostConfig"].get("Tmpfs") or {}
    return {target: ",".join(sorted({*said.split(",")} - _USUAL_OPTIONS)) for target, said in sorted(found.items())}


def _read_shm_size(seen: Inspected) -> int:
    return int(seen["HostConfig"].get("ShmSize") or 0)


def _write_ulimits(value: Mapping[str, Ulimit]) -> list[dict[str, Any]]:
    return [{"Name": name, "Soft": limit.soft, "Hard": limit.hard} for name, limit in value.items()]


def _read_ulimits(seen: Inspected) -> dict[str, Ulimit]:
    found = {
        str(entry["Name"]).lower().removeprefix(_PODMANS): Ulimit(soft=entry["Soft"], hard=entry["Hard"])
        for entry in seen["HostConfig"].get("Ulimits") or ()
    }
    return dict(sorted(found.items()))


def _read_extra_hosts(seen: Inspected) -> tuple[str, ...]:
    return tuple(sorted(map(str, seen["HostConfig"].get("ExtraHosts") or ())))


def _read_dns(seen: Inspected) -> tuple[str, ...]:
    return tuple(map(str, seen["HostConfig"].get("Dns") or ()))


SETTINGS: Mapping[str, EngineSetting] = {
    "hostname": EngineSetting(section="Config", key="Hostname", write=str, read=_read_hostname),
    "tmpfs": EngineSetting(section="HostConfig", key="Tmpfs", write=dict, read=_read_tmpfs),
    "shm_size": EngineSetting(section="HostConfig", key="ShmSize", write=int, read=_read_shm_size),
    "ulimits": EngineSetting(section="HostConfig", key="Ulimits", write=_write_ulimits, read=_read_ulimits),
    "extra_hosts": EngineSetting(section="HostConfig", key="ExtraHosts", write=list, read=_read_extra_hosts),
    "dns": EngineSetting(section="HostConfig", key="Dns", write=list, read=_read_dns),
    "read_only": EngineSetting(section="HostConfig", key="ReadonlyRootfs", write=bool, read=_read_read_only),
}
"""By field; `TABLE` of the plan says how each is compared and imported."""
