"""Whatever an engine, its labels and its sandboxes say: every verb answers, or says in words what it cannot read.

`python -m tests.fuzz.answers SECONDS`
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from nexusctl.api import execution, inspection, planning
from nexusctl.api.importing import importing
from nexusctl.engine import labels
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.engine.docker.exec import calls as commands
from nexusctl.errors import NexusError
from nexusctl.model.observed.lock_holder import LockHolder
from nexusctl.model.plan.step import UpdateContainer
from nexusctl.model.stack import Stack
from nexusctl.render.diagnostic import render_diagnostics
from nexusctl.render.event import event_document
from nexusctl.render.plan.plan import plan_document, render_plan
from nexusctl.render.status import render_status
from nexusctl.run.interrupt import Interrupt
from tests.fuzz.canned import Canned, CannedWire, pack

EXAMPLES = 100
FILE = """
name: demo
volumes: {data: {}}
networks: {default: {}}
sandboxes:
  app:
    image: "nexusctl/node:d12e543c709d"
    command: [sleep, inf]
    packages: {npm: ["ms@2.1.2"]}
    uploads: [{content: "b\\n", target: /srv/app/a, owner: games}]
    volumes: ["data:/data"]
    ports: [8080]
  job: {image: "nexusctl/base:1", kind: task, command: ["true"]}
"""

CHANGED = """
name: demo
volumes: {data: {}}
secrets: {key: {file: ./key.txt}}
sandboxes:
  app:
    template: node
    command: [sleep, inf]
    packages: [ms@2.1.1]
    uploads: [{content: "b\\n", target: /srv/app/a, owner: games}]
    secrets: [key]
    volumes: ["data:/data"]
    ports: [8080]
    health: {command: ["true"]}
  job: {template: base, kind: task, command: ["true"]}
"""

JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -1, 2**63, 1e308, float("inf"), float("nan"), "²", "٣", "0" * 5000, "9" * 5000]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "/", "..", "../../etc", "\x1b[2J", "\udc80", "a\nb", "a@b@c", "x" * 70000, "[" * 20000]),
    st.lists(st.integers() | st.text(max_size=3) | st.none(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=3),
)
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
LETTERS = st.sampled_from(
    ["\0", "\n", " ", ":", "zz", "-1", "9" * 30, "/", "==", "[" * 9000, "{", '"', "\x80", "é", ""]
)


def main(seconds: float) -> int:
    """Returns how many engines were asked; raises what was no answer."""
    return keep_playing(play, seconds)


def keep_playing(play: Callable[[Stack, int, settings], None], seconds: float) -> int:
    """Play round after round for so long; returns how many engines were asked in them."""
    commands.EXIT_PATIENCE = 0.01
    end, rounds = time.monotonic() + seconds, 0
    with tempfile.TemporaryDirectory(prefix="nexusctl-fuzz-") as folder:
        path = Path(folder) / "nexus.yaml"
        path.write_text(FILE)
        stack = planning.load(path)
        while time.monotonic() < end:
            play(stack, rounds, QUIET)
            rounds += 1
    return rounds * EXAMPLES


def play(stack: Stack, number: int, how: settings) -> None:
    """Ask engines that were spoilt in ways that the seed `number` leads to."""

    @seed(number)
    @how
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        engine = Canned()
        for _ in range(data.draw(st.integers(1, 3))):
            spoil(engine, data)
        for verb in VERBS:
            # What derives the digests of secrets takes its time.
            if verb is not _apply or not data.draw(st.integers(0, 9)):
                ask(verb, engine, stack)

    hold()


def ask(verb: Callable[[DockerEngine, Stack], str], engine: Canned, stack: Stack) -> None:
    """Only errors with words may come of it."""
    try:
        said = verb(DockerEngine(CannedWire(engine)), stack)
    except NexusError as error:
        said = render_diagnostics(error.diagnostics, color=False)
        assert said.startswith("error: ")
    assert isinstance(said, str)


def _plan(engine: DockerEngine, stack: Stack) -> str:
    plan = planning.prepare(engine, stack, deep=True).plan
    return render_plan(plan) + json.dumps(plan_document(plan))


def _drift(engine: DockerEngine, stack: Stack) -> str:
    return render_plan(inspection.find_drift(engine, stack))


def _status(engine: DockerEngine, stack: Stack) -> str:
    return render_status(inspection.status(engine, stack))


def _destroy(engine: DockerEngine, stack: Stack) -> str:
    return render_plan(planning.plan(engine, planning.empty_stack(stack.name), remove_volumes=True))


def _import(engine: DockerEngine, stack: Stack) -> str:
    return json.dumps(importing.read_stack(engine, stack.name).document)


def _unlock(engine: DockerEngine, stack: Stack) -> str:
    return str(engine.unlock(stack.name))


def _lock(engine: DockerEngine, stack: Stack) -> str:
    holder = LockHolder(stack=stack.name, owner="me")
    with engine.lock(stack.name, holder, timeout=0.0, report=str):
        return ""


def _apply(engine: DockerEngine, _: Stack) -> str:
    """What changes in place in the sandbox that was recorded: its secrets, its packages and its files."""
    with tempfile.TemporaryDirectory(prefix="nexusctl-fuzz-") as folder:
        (Path(folder) / "key.txt").write_text("another")
        (Path(folder) / "nexus.yaml").write_text(CHANGED)
        stack = planning.load(Path(folder) / "nexus.yaml")
        basis, known = planning.read_secrets(engine, planning.prepare(engine, stack))
        steps = tuple(step for step in basis.plan.steps if isinstance(step, UpdateContainer))
        events = execution.apply(engine, replace(basis.plan, steps=steps), Interrupt(), known)
        return json.dumps([event_document(event) for event in events])


VERBS = (_plan, _drift, _status, _destroy, _import, _unlock, _apply, _lock)


def spoil(engine: Canned, data: st.DataObject) -> None:
    """Put something else in the place of a part of what the engine says."""
    ways = [_spoil_answer, _spoil_answer, _spoil_label, _spoil_record, _spoil_record, _spoil_command, _spoil_bytes]
    data.draw(st.sampled_from(ways))(engine, data)


def _spoil_answer(engine: Canned, data: st.DataObject) -> None:
    call = data.draw(st.sampled_from(sorted(engine.answers)))
    engine.answers[call] = _replace(engine.answers[call], data)


def _spoil_label(engine: Canned, data: st.DataObject) -> None:
    found = [marks for marks in _find_labels(engine.answers) if marks]
    marks = data.draw(st.sampled_from(found))
    name = data.draw(st.sampled_from(sorted(marks)))
    text = marks[name]
    try:
        changed = json.dumps(_replace(json.loads(text), data))
    except ValueError:
        changed = str(data.draw(JUNK))
    marks[name] = data.draw(st.sampled_from([changed, text[: len(text) // 2], f"{text}{text}"]) | JUNK.map(str))


def _spoil_record(engine: Canned, data: st.DataObject) -> None:
    found = [marks for marks in _find_labels(engine.answers) if marks and marks.get(labels.RECORD)]
    marks = data.draw(st.sampled_from(found))
    try:
        document = json.loads(marks[labels.RECORD])
    except (ValueError, TypeError, RecursionError):
        return
    marks[labels.RECORD] = json.dumps(_replace(document, data))


def _spoil_command(engine: Canned, data: st.DataObject) -> None:
    said = data.draw(st.sampled_from(engine.commands))
    text = said["output"]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    said["output"] = text[:start] + data.draw(LETTERS | st.text(max_size=5)) + text[end:]
    said["exit_code"] = data.draw(st.sampled_from([said["exit_code"], 0, 1, 127, -1]))


def _spoil_bytes(engine: Canned, data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        tape = bytearray(pack("/srv/app"))
        for _ in range(data.draw(st.integers(1, 8))):
            tape[data.draw(st.integers(0, len(tape) - 1))] = data.draw(st.integers(0, 255))
        engine.tar = bytes(tape[: data.draw(st.sampled_from([len(tape), 512, 700, 0]))])
        return
    call = data.draw(st.sampled_from(sorted(engine.answers)))
    bodies = [b"<html>", b"null", b"[]", b"{}", b"7", b'"x"', b"\xff\xfe", b"[" * 20000, b"NaN", b"", b"1" * 5000]
    engine.raw[call] = data.draw(st.sampled_from(bodies))


def _find_labels(value: Any) -> list[dict[str, str]]:
    if isinstance(value, list):
        return [found for item in value for found in _find_labels(item)]
    if not isinstance(value, dict):
        return []
    own = [value["Labels"]] if isinstance(value.get("Labels"), dict) else []
    return own + [found for item in value.values() for found in _find_labels(item)]


def _replace(value: Any, data: st.DataObject) -> Any:
    """`value` with junk in the place of one of its parts, or without it, or with one more."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 9)):
        key = data.draw(st.sampled_from(sorted(value)))
        rest = {name: item for name, item in value.items() if name != key}
        change = data.draw(st.sampled_from(["in it", "in it", "in it", "gone", "more"]))
        if change == "in it":
            return {**rest, key: _replace(value[key], data)}
        return rest if change == "gone" else {**value, data.draw(st.text(max_size=4)): data.draw(JUNK)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 9)):
        number = data.draw(st.integers(0, len(value) - 1))
        return [*value[:number], _replace(value[number], data), *value[number + 1 :]]
    return data.draw(JUNK)


if __name__ == "__main__":
    print(f"{main(float(sys.argv[1])):,} engines were asked")
