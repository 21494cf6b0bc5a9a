"""Lists whose items exclude each other, such as two mounts with one target."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from nexusctl.config.document.node import Node
from nexusctl.config.document.problems import Problems, note

Item = TypeVar("Item")


def keep_first(
    placed: Iterable[tuple[Item | None, Node]],
    key: Callable[[Item], Hashable],
    complain: Callable[[Item], tuple[str, str]],
    problems: Problems,
) -> list[tuple[Item, Node]]:
    """The items of `placed` whose `key` none before them has, each with its place; a None is left out.

    Of the others `complain` says what is wrong and what to do, which is reported.
    """
    kept: dict[Hashable, tuple[Item, Node]] = {}
    for item, place in placed:
        if item is None:
            continue
        if (name := key(item)) in kept:
            problems.add(place, *complain(item), note("the other one is here", kept[name][1]))
        kept.setdefault(name, (item, place))
    return list(kept.values())
