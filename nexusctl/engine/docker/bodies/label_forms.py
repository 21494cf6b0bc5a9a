"""What nexusctl's labels look like on what is a stack's: whatever says so and looks otherwise is somebody else's. Pure.

Somebody may have written them by hand, or a version may have that is not known yet. Nothing of them is believed then,
least of all an id or a name that goes into a call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal

from nexusctl.engine import labels
from nexusctl.model.engine_names import container_name, is_volume_name, network_name
from nexusctl.model.observed.live import Foreign, LiveSandbox
from nexusctl.model.values.from_json import is_absolute, is_name
from nexusctl.model.values.late_regex import late_regex

Listed = Mapping[str, Any]
Marks = Mapping[str, str]
Kind = Literal["container", "network", "volume"]

LAST = 1_000_000
"""The highest number of an amendment, a note or a past."""

LONGEST_TIME = 12
"""Digits of a number of seconds since 1970 that is still a date."""

_SHORT = 16
_ID = late_regex(r"[0-9a-f]{64}")
_FOLDER = late_regex(r"[0-9a-f]{32}")


def is_folder(name: str) -> bool:
    """Whether it is a name of a folder of secrets: whatever else a label says is no path of the host's memory."""
    return bool(_FOLDER.fullmatch(name))


def leave_malformed(stack: str, kind: Kind, entries: Iterable[Listed], found: list[Foreign]) -> list[Listed]:
    """The listed objects of a `kind`; those that say falsely that they are the stack's have none of its labels.

    They are added to `found`.
    """
    return [_judge(stack, kind, entry, found) for entry in entries]


def _judge(stack: str, kind: Kind, entry: Listed, found: list[Foreign]) -> Listed:
    marks = entry["Labels"] or {}
    if marks.get(labels.STACK) != stack:
        return entry
    name = _name_of(entry)
    if not (reason := find_fault(kind, name, marks)):
        return entry
    found.append(Foreign(kind=kind, name=name, reason=reason))
    return disclaim(entry)


def disclaim(entry: Listed) -> Listed:
    """`entry` without the labels of nexusctl."""
    kept = {key: value for key, value in entry["Labels"].items() if not key.startswith(labels.PREFIX)}
    return {**entry, "Labels": kept}


def find_copies(entries: Iterable[Listed], read_created: Callable[[str], float]) -> frozenset[str]:
    """The ids of listed containers with the birth of an older one: somebody has copied its labels.

    A list tells whole seconds. `read_created` is asked for the exact time where two were made in the same one.
    """
    families: dict[str, list[Listed]] = {}
    for entry in entries:
        if birth := entry["Labels"].get(labels.BIRTH, ""):
            families.setdefault(birth, []).append(entry)
    several = [family for family in families.values() if len(family) > 1]
    real = {_find_oldest(family, read_created) for family in several}
    return frozenset(str(entry["Id"]) for family in several for entry in family) - real


def _find_oldest(family: Collection[Listed], read_created: Callable[[str], float]) -> str:
    second = min(entry["Created"] for entry in family)
    oldest = [str(entry["Id"]) for entry in family if entry["Created"] == second]
    return oldest[0] if len(oldest) == 1 else min(oldest, key=lambda each: (read_created(each), each))


def set_apart(
    stack: str, sandboxes: Iterable[LiveSandbox], copies: Collection[str], found: list[Foreign]
) -> tuple[LiveSandbox, ...]:
    """The sandboxes that can be the stack's; what says so of which nobody can tell what it is is added to `found`.

    What has the name that nexusctl gives, which is unique, is the stack's whatever its record says.
    """
    kept: list[LiveSandbox] = []
    for live in sandboxes:
        reason = "its labels are a copy of an older container's" if live.id in copies else _doubt(live)
        final = container_name(stack, live.sandbox)
        named = live.id not in copies and (live.name == final or live.name.startswith(f"{final}_"))
        if reason and (live.gone or not named):
            found.append(Foreign(kind="container", name=live.name, reason=reason))
        else:
            kept.append(live)
    return tuple(kept)


def _doubt(live: LiveSandbox) -> str:
    if live.record is None:
        return f"its record cannot be read: {live.record_problem}"
    return "" if live.record.name == live.sandbox else f"its record is that of sandbox {live.record.name}"


def find_fault(kind: Kind, name: str, marks: Marks) -> str:
    """What is wrong with the labels of an object of a stack, as a phrase; empty for nothing."""
    role = marks.get(labels.ROLE, "")
    check = _CHECKS.get((kind, role))
    return check(name, marks) if check else ""


def _check_sandbox(_: str, marks: Marks) -> str:
    return _need(is_name(marks.get(labels.SANDBOX)), labels.SANDBOX, "is no name of a sandbox")


def _check_courier(_: str, marks: Marks) -> str:
    return _need(is_folder(marks.get(labels.SECRETS, "")), labels.SECRETS, "is no folder of secrets")


def _check_network(name: str, marks: Marks) -> str:
    network = marks.get(labels.NETWORK, "")
    fits = is_name(network) and name == network_name(marks[labels.STACK], network)
    return _need(fits, labels.NETWORK, "is no name of this network")


def _check_volume(name: str, marks: Marks) -> str:
    """One of the file has the one name that nexusctl gives it; a sandbox's own may be called otherwise."""
    volume = marks.get(labels.VOLUME, "")
    fits = _is_volume(volume) and (":" in volume or is_volume_name(marks[labels.STACK], volume, name))
    return _need(fits, labels.VOLUME, "is no name of this volume")


def _is_volume(text: str) -> bool:
    """Whether it is the name of a volume of the file, or SANDBOX:TARGET of one that a sandbox has for itself."""
    name, colon, target = text.partition(":")
    return is_name(name) and (not colon or is_absolute(target))


def _check_end(name: str, marks: Marks) -> str:
    return _check_end_of(name, marks, "end")


def _check_end_of(name: str, marks: Marks, role: str) -> str:
    return _check_container(name, marks, role, numbered=False) or _check_sandbox(name, marks)


def _check_hold(name: str, marks: Marks) -> str:
    state, since = marks.get(f"{labels.HOLD}state"), marks.get(f"{labels.HOLD}since", "")
    fits = state in ("stopped", "paused") and since.isascii() and since.isdigit() and len(since) < LONGEST_TIME
    return _check_end_of(name, marks, "hold") or _need(fits, f"{labels.HOLD}state", "is no state since a time")


def _check_extension(name: str, marks: Marks) -> str:
    until = marks.get(f"{labels.EXTENSION}until", "")
    if not (until.isascii() and until.isdigit() and len(until) < LONGEST_TIME):
        return f"its label {labels.EXTENSION}until is no time"
    return _check_end_of(name.removesuffix(f"_{until}"), marks, "extension")


def _check_past(name: str, marks: Marks) -> str:
    return _check_container(name, marks, "past", numbered=True) or _check_sandbox(name, marks)


def _check_note(name: str, marks: Marks) -> str:
    return _check_container(name, marks, "note", numbered=True)


def _check_amendment(name: str, marks: Marks) -> str:
    return _check_container(name, marks, "amendment", numbered=True) or _check_sandbox(name, marks)


def _check_container(name: str, marks: Marks, role: str, *, numbered: bool) -> str:
    container, number = marks.get(labels.CONTAINER, ""), marks.get(labels.SEQUENCE, "")
    if not _ID.fullmatch(container):
        return f"its label {labels.CONTAINER} is no container"
    if numbered and not 0 < labels.read_number(number) <= LAST:
        return f"its label {labels.SEQUENCE} is no number"
    expected = f"nexusctl_{role}_{container[:_SHORT]}{f'_{number}' if numbered else ''}"
    return "" if name == expected else f"nexusctl would call it {expected}"


def _check_secrets(name: str, marks: Marks) -> str:
    folder = marks.get(labels.SECRETS, "")
    return _need(is_folder(folder) and name.endswith(f"_{folder}"), labels.SECRETS, "is no folder of secrets")


def _check_adoption(_: str, marks: Marks) -> str:
    kind, _colon, key = marks.get(labels.ADOPTED, "").partition(":")
    own = {"network": labels.NETWORK, "volume": labels.VOLUME}.get(kind, "")
    fits = bool(key) and _is_volume(marks.get(own, "")) and (kind == "volume" or ":" not in marks[own])
    return _need(fits, labels.ADOPTED, "names nothing that can be taken over")


def _need(fits: bool, label: str, words: str) -> str:
    return "" if fits else f"its label {label} {words}"


_CHECKS: Mapping[tuple[str, str], Callable[[str, Marks], str]] = {
    ("container", "sandbox"): _check_sandbox,
    ("container", "courier"): _check_courier,
    ("network", "network"): _check_network,
    ("volume", "volume"): _check_volume,
    ("volume", "amendment"): _check_amendment,
    ("volume", "note"): _check_note,
    ("volume", "end"): _check_end,
    ("volume", "hold"): _check_hold,
    ("volume", "extension"): _check_extension,
    ("volume", "past"): _check_past,
    ("volume", "secrets"): _check_secrets,
    ("volume", "adoption"): _check_adoption,
}
"""By kind and role. A lock is one whatever it says, for it must never be overlooked."""


def _name_of(entry: Listed) -> str:
    if "Names" in entry:
        return str(next(iter(entry["Names"] or ()), "")).lstrip("/")
    return str(entry["Name"])
