"""The packages of a sandbox: what its managers say now, beside what they said when its image was made."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.base import Outcome
from nexusctl.model.live import LivePackages
from nexusctl.model.stack import PackageSet
from nexusctl.packages import MANAGERS

Ask = Callable[[tuple[str, ...], Mapping[str, str]], Outcome]
"""Runs a command with an environment where the packages were installed."""

_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


def read_packages(ask: Ask, chosen: PackageSet, marks: Mapping[str, str]) -> LivePackages:
    """What `chosen`'s manager says now; `marks` are the labels of the image that it was installed into."""
    manager = MANAGERS[chosen.manager]
    answer = ask(manager.query(chosen), manager.env)
    try:
        asked_for = {package.name: package.version for package in manager.read(answer.output, chosen)}
    except _UNREADABLE:
        last = (answer.output.strip().splitlines() or [f"exit code {answer.exit_code}"])[-1]
        return LivePackages(installed=dict(_read_label(marks, labels.IMAGE_PACKAGES, chosen.manager)), problem=last)
    return LivePackages(
        asked_for=asked_for,
        installed=dict(_read_label(marks, labels.IMAGE_PACKAGES, chosen.manager)),
        added=_find_added(ask, chosen, answer, frozenset(_read_label(marks, labels.IMAGE_INVENTORY, chosen.manager))),
    )


def take_inventory(ask: Ask, manager: str) -> list[str]:
    """The names of all that a manager knows of."""
    return sorted(_read_names(ask(MANAGERS[manager].inventory(), MANAGERS[manager].env)))


def encode_inventory(found: Mapping[str, Sequence[str]]) -> str:
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def _read_everything(answer: Outcome, everything: PackageSet) -> dict[str, str]:
    try:
        return {p.name: p.version for p in MANAGERS[everything.manager].read(answer.output, everything)}
    except _UNREADABLE:
        return {}


def _find_added(ask: Ask, chosen: PackageSet, answer: Outcome, before: frozenset[str]) -> dict[str, str]:
    """What came after installing, without what only came because something else needs it."""
    if not before:
        return {}
    manager, everything = MANAGERS[chosen.manager], PackageSet(manager=chosen.manager)
    if manager.query(everything) != manager.query(chosen):
        answer = ask(manager.query(everything), manager.env)
    added = {n: v for n, v in _read_everything(answer, everything).items() if n not in before}
    if not added or not manager.roots():
        return added
    roots = _read_names(ask(manager.roots(), manager.env))
    return {name: version for name, version in added.items() if name in roots}


def _read_names(answer: Outcome) -> set[str]:
    return {line.partition("==")[0].strip() for line in answer.output.splitlines() if line.strip()}


def _read_label(marks: Mapping[str, str], label: str, manager: str) -> Any:
    """Only nexusctl writes these labels; a damaged one tells nothing."""
    with contextlib.suppress(*_UNREADABLE):
        return json.loads(marks.get(label) or "{}").get(manager) or {}
    return {}
