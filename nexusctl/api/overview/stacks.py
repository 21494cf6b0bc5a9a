"""All stacks of an engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from nexusctl.api.overview.chosen import choose
from nexusctl.engine.base import Engine
from nexusctl.model.instance import split_name
from nexusctl.model.observed.listed import ListedSandbox, StackStatus


def list_all(engine: Engine, words: tuple[str, ...] = ()) -> tuple[StackStatus, ...]:
    """Those on this engine that `words`, globs of names, mean; all where none is given.

    Raises `InputError` for a word that means none, and `EngineError`.
    """
    return choose(
        summarize_stacks(engine.overview.list_sandboxes()),
        words,
        lambda one: one.name,
        lambda word: f"there is no stack {word} on this engine",
        "stacks",
    )


def summarize_stacks(listed: Mapping[str, Iterable[ListedSandbox]]) -> tuple[StackStatus, ...]:
    """A status for every stack, by name."""
    return tuple(_summarize(name, tuple(listed[name])) for name in sorted(listed))


def _summarize(name: str, own: tuple[ListedSandbox, ...]) -> StackStatus:
    stack, instance = split_name(name)
    return StackStatus(
        name=name,
        stack=stack,
        instance=instance,
        states=Counter(one.state for one in own),
        health=Counter(one.health for one in own if one.health != "none"),
        owners=tuple(sorted({one.maker for one in own if one.maker})),
        branch=max(((one.created_at, one.branch) for one in own if one.branch), default=(0, ""))[1],
        created_at=min((one.created_at for one in own if one.created_at), default=0),
    )
