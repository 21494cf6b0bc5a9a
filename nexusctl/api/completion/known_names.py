"""Names that may be meant by the beginning of one: of the files at hand, and of what is live. Nothing here raises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from nexusctl.api import connection
from nexusctl.api.inspection import find_sandboxes
from nexusctl.api.planning import empty_stack
from nexusctl.config.document import node
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.reader import read_source
from nexusctl.config.read.yaml_parser import compose_any
from nexusctl.engine.base import Engine
from nexusctl.errors import NexusError
from nexusctl.model.load_request import STDIN
from nexusctl.model.trust import OURS
from nexusctl.model.values.frozen import dataclass

PATIENCE = 1.0
"""Seconds for an engine, after which nothing of it is known: somebody waits with a finger on a key."""

_MOST_FILES = 20

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """What stack files declare, as it is written there; `stack` is empty where they do not say it in plain words."""

    stack: str = ""
    sandboxes: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


class _Gathered:
    def __init__(self) -> None:
        self.stack = ""
        self.names: dict[str, list[str]] = {}


def read_declared(files: Iterable[Path]) -> KnownNames:
    """Of the files and those that they include; nothing is worked in, fetched or run, and one that is broken is left
    out.
    """
    found = _Gathered()
    waiting, seen = [path for path in files if path != STDIN], set[Path]()
    while waiting and len(seen) < _MOST_FILES:
        path = waiting.pop(0)
        if path.absolute() not in seen:
            seen.add(path.absolute())
            waiting += _gather(path, found)
    names = {section: tuple(dict.fromkeys(words)) for section, words in found.names.items()}
    return KnownNames(
        stack=found.stack,
        sandboxes=names.get("sandboxes", ()),
        outputs=names.get("outputs", ()),
        variables=names.get("variables", ()),
        profiles=names.get("profiles", ()),
    )


def list_live(patience: float = PATIENCE) -> Mapping[str, tuple[str, ...]]:
    """The names of the sandboxes of every stack on the engine; nothing where it does not answer in time."""

    def ask(engine: Engine) -> Mapping[str, tuple[str, ...]]:
        listed = engine.overview.list_sandboxes()
        return {stack: tuple(dict.fromkeys(one.sandbox for one in own)) for stack, own in listed.items()}

    return _ask(ask, patience) or {}


def list_execution_ids(stack: str, patience: float = PATIENCE) -> tuple[str, ...]:
    """Those of the executions in the sandboxes of that stack, the newest first."""
    # Few completions need it.
    from nexusctl.api.everyday.executions import listing  # noqa: PLC0415 - deferred: start-up time

    def ask(engine: Engine) -> tuple[str, ...]:
        found = listing(engine, find_sandboxes(engine, empty_stack(stack), ()))
        return tuple(execution.id for execution in reversed(found))

    return _ask(ask, patience) or ()


def _ask(question: Callable[[Engine], _Answer], patience: float) -> _Answer | None:
    answers: list[_Answer] = []

    def run() -> None:
        try:
            answers.append(question(connection.connect()))
        except NexusError:
            return

    # Nobody waits for the thread of one that does not answer, also not when the process ends.
    asking = threading.Thread(target=run, name="completion", daemon=True)
    asking.start()
    asking.join(patience)
    return answers[0] if answers else None


def _gather(path: Path, found: _Gathered) -> list[Path]:
    """Add what one file declares; returns the files that it includes."""
    problems = Problems()
    try:
        tree = compose_any(read_source(path, trust=OURS), problems)
    except NexusError:
        return []
    if not isinstance(tree, node.Mapping):
        return []
    for section in ("sandboxes", "outputs", "variables"):
        found.names.setdefault(section, []).extend(_keys(tree.values.get(section)))
    found.names.setdefault("profiles", []).extend(_list_profiles(tree.values.get("sandboxes")))
    name = _text(tree.values.get("name"))
    found.stack = name if name and "${" not in name else found.stack
    include = tree.values.get("include")
    listed = include.items if isinstance(include, node.Sequence) else [include]
    return [path.parent / text for item in listed if (text := _text(item)) and "${" not in text]


def _list_profiles(sandboxes: node.Node | None) -> Iterable[str]:
    for spec in sandboxes.values.values() if isinstance(sandboxes, node.Mapping) else ():
        profiles = spec.values.get("profiles") if isinstance(spec, node.Mapping) else None
        if isinstance(profiles, node.Sequence):
            yield from filter(None, map(_text, profiles.items))


def _keys(section: node.Node | None) -> Iterable[str]:
    # A `+` before a key says that what is below is appended.
    return [key.lstrip("+") for key in section.values] if isinstance(section, node.Mapping) else ()


def _text(found: node.Node | None) -> str:
    return found.value if isinstance(found, node.Scalar) and isinstance(found.value, str) else ""
