"""All stacks of an engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from nexusctl.api.overview.chosen import choose
from nexusctl.engine.base import Engine
from nexusctl.model.engine_names import run_lock
from nexusctl.model.instance import split_name
from nexusctl.model.observed.listed import ListedSandbox, StackStatus
from nexusctl.model.observed.lock_holder import LockHolder

_NOBODY: Mapping[str, LockHolder] = {}


def list_all(engine: Engine, words: tuple[str, ...] = ()) -> tuple[StackStatus, ...]:
    """Those on this engine that `words`, globs of names, mean, a stack with all its instances; all where none is given.

    Raises `InputError` for a word that means none, and `EngineError`.
    """
    return choose(
        summarize_stacks(engine.overview.list_sandboxes(), engine.overview.list_locks()),
        words,
        lambda one: (one.name, one.stack),
        lambda word: f"there is no stack {word} on this engine",
        "stacks",
    )


def summarize_stacks(
    listed: Mapping[str, Iterable[ListedSandbox]], locks: Mapping[str, LockHolder] = _NOBODY
) -> tuple[StackStatus, ...]:
    """A status for every stack, by name, with who holds its lock, or has it for a run, by `locks`."""
    return tuple(
        _summarize(name, tuple(listed[name]), locks.get(name) or locks.get(run_lock(name))) for name in sorted(listed)
    )


def _summarize(name: str, own: tuple[ListedSandbox, ...], lock: LockHolder | None) -> StackStatus:
    stack, instance = split_name(name)
    return StackStatus(
        name=name,
        stack=stack,
        instance=instance,
        states=Counter(one.state for one in own),
        health=Counter(one.health for one in own if one.health != "none"),
        owners=tuple(sorted({one.maker for one in own if one.maker})),
        branch=max(((one.created_at, one.branch) for one in own if one.branch), default=(0, ""))[1],
        held=tuple(one for one in own if one.held),
        lock=lock,
        created_at=min((one.created_at for one in own if one.created_at), default=0),
    )
