"""The executions of one container: by a command where it runs, else from its archive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.calls import SHELLS
from nexusctl.engine.docker.exec.exec import Unanswered, ask
from nexusctl.engine.docker.executions.archive import read_files, read_log
from nexusctl.engine.docker.executions.entry import (
    LONGEST_META,
    FoundExecution,
    Home,
    judge,
    read_line,
    read_meta,
    read_seconds,
)
from nexusctl.engine.docker.executions.find import ROOTS, find_container, find_home, no_such
from nexusctl.engine.docker.executions.reader import LISTER
from nexusctl.engine.docker.executions.supervisor import ROOT
from nexusctl.errors import Conflict, EngineError, NotFound
from nexusctl.model.observed.execution import CONTAINER_DIGITS, ID, Execution

_FILE = re.compile(r"executions/(?P<id>exec_[0-9a-f]{28})/(?P<name>meta|end|bytes)\Z")

MOST = 10_000
"""So many of one sandbox are listed at most, whatever it says."""


def list_executions(wire: Wire, container_id: str, patience: float = 0.0) -> tuple[Execution, ...]:
    """All of one container, the oldest first; `patience` is how many seconds it has to answer, 0 for the usual ones.

    Raises `NotFound`, `EngineError`.
    """
    return _judge_all(wire, find_home(wire, container_id), patience=patience)


def count_running(wire: Wire, container_ids: Iterable[str]) -> dict[str, int]:
    """See `engine/executions.py`. The engine knows where somebody runs anything, so few sandboxes have to be asked."""
    found = {}
    for container_id in container_ids:
        try:
            busy = wire.get(f"/containers/{container_id}/json").get("ExecIDs")
            running = [one for one in list_executions(wire, container_id) if one.state == "running"] if busy else []
        except NotFound:
            continue
        if running:
            found[container_id] = len(running)
    return found


def show_execution(wire: Wire, execution_id: str) -> Execution:
    """Raises `NotFound`."""
    for found in _judge_all(wire, find_container(wire, execution_id), execution_id):
        return found
    raise no_such(execution_id)


def _judge_all(wire: Wire, home: Home, only: str = "", patience: float = 0.0) -> tuple[Execution, ...]:
    entries = sorted(
        _read_entries(wire, home, only, patience), key=lambda entry: entry.id[len("exec_") + CONTAINER_DIGITS :]
    )
    known = [entry for entry in entries if _belongs(entry.id, home) and only in ("", entry.id)]
    return tuple(found for entry in known[-MOST:] if (found := judge(entry, home)))


def _belongs(execution_id: str, home: Home) -> bool:
    """A container may be made of another one's files, and a sandbox may write what it likes."""
    return bool(ID.match(execution_id)) and execution_id[len("exec_") :].startswith(
        home.container_id[:CONTAINER_DIGITS]
    )


def _read_entries(wire: Wire, home: Home, only: str, patience: float) -> list[FoundExecution]:
    if home.running:
        try:
            for shell in SHELLS:
                words = (*shell, "-c", LISTER, "nexusctl", only or "exec_*", *ROOTS)
                outcome = ask(wire, home.container_id, words, timeout=patience)
                if outcome.exit_code == 0:
                    return [entry for line in outcome.output.splitlines() if (entry := read_line(line))]
        except (Conflict, Unanswered):
            # It is paused, or has ended meanwhile, or answers nobody.
            pass
    return list(_read_archive(wire, home, only))


def _read_archive(wire: Wire, home: Home, only: str) -> Iterator[FoundExecution]:
    where = f"{ROOT}/executions" + (f"/{only}" if only else "")
    files: dict[str, dict[str, str]] = {}
    begun: dict[str, float] = {}
    for path, data, written in read_files(wire, home.container_id, where, LONGEST_META):
        if match := _FILE.match(path if not only else f"executions/{path}"):
            files.setdefault(match["id"], {})[match["name"]] = data.decode(errors="replace")
            if match["name"] == "meta":
                begun[match["id"]] = written
    for name, found in files.items():
        if not _belongs(name, home):
            continue
        meta, _, process = found.get("meta", "").partition("\n")
        count = found.get("bytes", "").strip()
        entry = FoundExecution(
            id=name,
            meta=read_meta(meta),
            booted=read_seconds(process.split()[-1] if process.split() else ""),
            end=found.get("end", "").strip(),
            bytes=int(count) if count.isascii() and count.isdigit() and len(count) < 16 else -1,
            alive=None,
            # Nobody in it can be asked, and the two times are of one clock; some archives have whole seconds alone.
            former=begun.get(name, home.started_at) + 1 < home.started_at,
        )
        yield entry if entry.bytes >= 0 else replace(entry, bytes=_measure(wire, home, name))


def _measure(wire: Wire, home: Home, execution_id: str) -> int:
    """How long the log of one is that nobody has brought to its end."""
    try:
        return read_log(wire, home.container_id, execution_id).length
    except EngineError:
        return 0
