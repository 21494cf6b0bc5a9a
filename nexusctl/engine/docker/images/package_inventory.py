"""The packages of a sandbox: what its managers say now, beside what they said after they installed them.

They said it first when the image was made: labels of the image hold that. What they said after they changed a live
sandbox stands on its amendment.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.command import Outcome
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import Unanswered
from nexusctl.errors import NotFound
from nexusctl.model.lockfile import BELOW
from nexusctl.model.observed.live import LivePackages
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.model.values.frozen import dataclass
from nexusctl.packages import MANAGERS
from nexusctl.packages.base import require_texts


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPackages:
    """What a manager said after installing: the versions of what was asked for, and all that was there, by its place.

    Of that the version is empty where nobody knows it. An inventory without any was written by an older nexusctl,
    which did not tell in which place a package lies below another one.
    """

    installed: Mapping[str, str] = field(default_factory=dict)
    inventory: Mapping[str, str] = field(default_factory=dict)


Ask = Callable[[tuple[str, ...], Mapping[str, str]], Outcome]
"""Runs a command with an environment where the packages were installed. May raise `Unanswered`."""

_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def read_packages(ask: Ask, chosen: PackageSet, known: InstalledPackages) -> LivePackages:
    """What `chosen`'s manager says now, beside what was `known` of it."""
    try:
        return _read_packages(ask, chosen, known)
    except Unanswered as error:
        return LivePackages(installed=known.installed, problem=str(error))


def _read_packages(ask: Ask, chosen: PackageSet, known: InstalledPackages) -> LivePackages:
    manager, named = MANAGERS[chosen.manager], _by_name(chosen, known)
    answer = ask(manager.query(named), manager.env)
    try:
        asked_for = require_texts({p.name: p.version for p in manager.read(answer.output, named)})
    except _UNREADABLE:
        last = (answer.output.strip().splitlines() or [f"exit code {answer.exit_code}"])[-1]
        return LivePackages(installed=known.installed, problem=last)
    added = _find_added(ask, named, answer, known.inventory)
    if manager.nests and any(known.inventory.values()):
        now = read_entries(ask(manager.inventory(), manager.env).output)
        added |= _find_nested(now, known.inventory)
    return LivePackages(asked_for=asked_for, installed=known.installed, added=added)


def _by_name(chosen: PackageSet, known: InstalledPackages) -> PackageSet:
    """`chosen`, where a lock alone says what is in it by the names that came of it.

    What a manager calls asked for hangs on files of the sandbox, and on what else has been installed since.
    """
    if chosen.packages or not known.installed:
        return chosen
    return PackageSet(manager=chosen.manager, packages=tuple(Package(name=name) for name in sorted(known.installed)))


def read_marks(wire: Wire, image_id: str) -> Mapping[str, str]:
    """The labels of an image; none where it is gone, though something still runs on it."""
    try:
        found: Mapping[str, str] | None = (wire.get(f"/images/{image_id}/json")["Config"] or {}).get("Labels")
    except NotFound:
        return {}
    return found or {}


def recall(manager: str, marks: Mapping[str, str], facts: str) -> InstalledPackages:
    """What is known of a manager's packages from the labels of a container's image, and from what came in place."""
    inventory = _entries(_list_texts(_read_label(marks, labels.IMAGE_INVENTORY, manager)))
    later = _read_label({"": facts}, "", manager)
    if not isinstance(later, dict) or not later:
        return InstalledPackages(
            installed=_map_texts(_read_label(marks, labels.IMAGE_PACKAGES, manager)), inventory=inventory
        )
    less = set(_list_texts(later.get("less")))
    kept = {place: version for place, version in inventory.items() if place not in less}
    more = _entries(_list_texts(later.get("more")))
    return InstalledPackages(installed=_map_texts(later.get("installed")), inventory=kept | more)


def encode_known(known: Mapping[str, InstalledPackages], marks: Mapping[str, str]) -> str:
    """What `recall` reads back as `facts` beside the same `marks`; a full inventory would be long."""
    facts = {}
    for manager, now in known.items():
        born = _entries(_list_texts(_read_label(marks, labels.IMAGE_INVENTORY, manager)))
        more = _lines({place: version for place, version in now.inventory.items() if born.get(place) != version})
        less = sorted(born.keys() - now.inventory.keys())
        facts[manager] = {"installed": dict(now.installed), "more": more, "less": less}
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def take_inventory(ask: Ask, manager: str) -> list[str]:
    """All that a manager knows of, a line each."""
    return _lines(read_entries(ask(MANAGERS[manager].inventory(), MANAGERS[manager].env).output))


def encode_inventory(found: Mapping[str, Sequence[str]]) -> str:
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def _read_everything(answer: Outcome, everything: PackageSet) -> dict[str, str]:
    try:
        return require_texts({p.name: p.version for p in MANAGERS[everything.manager].read(answer.output, everything)})
    except _UNREADABLE:
        return {}


def _find_added(ask: Ask, chosen: PackageSet, answer: Outcome, before: Mapping[str, str]) -> dict[str, str]:
    """What came after installing, without what only came because something else needs it."""
    if not before:
        return {}
    manager, everything = MANAGERS[chosen.manager], PackageSet(manager=chosen.manager)
    if manager.query(everything) != manager.query(chosen):
        answer = ask(manager.query(everything), manager.env)
    added = {n: v for n, v in _read_everything(answer, everything).items() if n not in before}
    if not added or not manager.roots():
        return added
    roots = read_names(ask(manager.roots(), manager.env).output)
    return {name: version for name, version in added.items() if name in roots}


def _find_nested(now: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """What came below another package after installing.

    Only where that package, and what it would find without the new one, are what they were: otherwise a manager may
    have brought it because another version needs it, and taking it away would break that one.
    """
    return {
        place: version
        for place, version in now.items()
        if version and place not in before and (above := place.rpartition(BELOW)[0])
        if before.get(above) and before[above] == now.get(above)
        if _found_above(place, before) == _found_above(place, now)
    }


def _found_above(place: str, inventory: Mapping[str, str]) -> tuple[str, str] | None:
    """Where a package finds the one of the same name, and in which version, if it does not lie at `place`."""
    above, _, name = place.rpartition(BELOW)
    while above:
        above = above.rpartition(BELOW)[0]
        found = f"{above}{BELOW}{name}" if above else name
        if found in inventory:
            return found, inventory[found]
    return None


def read_names(answer: str) -> set[str]:
    """The names in an answer to `inventory` or `roots`."""
    return {*read_entries(answer)}


def read_entries(answer: str) -> dict[str, str]:
    """The places in an answer to `inventory`, with the versions that it has."""
    return _entries(line.strip() for line in answer.splitlines() if line.strip())


def _entries(lines: Iterable[str]) -> dict[str, str]:
    rows = (line.partition("==") for line in lines)
    return {place: version for place, _, version in rows}


def _lines(entries: Mapping[str, str]) -> list[str]:
    return sorted(f"{place}=={version}" if version else place for place, version in entries.items())


def _map_texts(value: Any) -> dict[str, str]:
    """What of `value` maps names to versions: a label may hold anything."""
    return {n: v for n, v in value.items() if isinstance(v, str)} if isinstance(value, dict) else {}


def _list_texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _read_label(marks: Mapping[str, str], label: str, manager: str) -> Any:
    """Only nexusctl writes these labels; a damaged one tells nothing."""
    with contextlib.suppress(*_UNREADABLE):
        return json.loads(marks.get(label) or "{}").get(manager) or {}
    return {}
