"""Objects that say they are a stack's, and records that anybody may have written: they hinder nothing but themselves.

`python -m tests.fuzz.forged SECONDS`
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from nexusctl.api import planning
from nexusctl.api.importing import importing
from nexusctl.engine import labels
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.errors import NexusError
from nexusctl.model.stack import Stack
from nexusctl.render.plan.plan import plan_document
from tests.fuzz.answers import JUNK, VERBS, ask, keep_playing
from tests.fuzz.canned import RECORDED, Canned, CannedWire

APP = "0" * 63 + "1"
"""The id of the container that the canned engine has for `app`."""

PATHS = (
    "../../x",
    "/x",
    "a/../../x",
    "..",
    ".",
    "",
    "x\0y",
    "~/x",
    "./x",
    "a//b",
    "-x",
    "--o=/x",
    "x" * 300,
    "\x1b[2J",
)
"""What somebody writes who wants to get out of a folder, or into a command."""

_REAL = json.loads(RECORDED["answers"]["GET /containers/json"][0]["Labels"][labels.RECORD])["sandbox"]
_SHAPES: dict[str, Any] = {
    "template": "node",
    "user": "node",
    "working_dir": "/app",
    "secrets": [{"name": "key", "secret": "key", "digest": "scrypt:00"}],
    "packages": [{"manager": "npm", "packages": [{"name": "ms", "version": "2"}], "lock_name": "package-lock.json",
                  "lock_files": [{"path": "package-lock.json", "digest": "00", "mode": 420}]}],
    "uploads": [{"target": "/srv/app", "owner": "games", "ignore": ["*.log"], "on_change": {"signal": "HUP"},
                 "files": [{"path": "a", "digest": "00", "mode": 420}, {"path": "b", "digest": "", "mode": 511,
                            "kind": "link", "link": "a"}]}],
    "mounts": [{"kind": "bind", "source": "/srv", "target": "/srv"}, {"kind": "volume", "source": "d", "target": "/d"}],
    "depends_on": [{"sandbox": "job", "condition": "completed"}],
    "health": {"command": ["true"], "interval": 1.0},
    "env": {"A": "1", "PASSWORD": "hunter2hunter", "B": {"parts": ["x", {"secret": "key", "digest": "scrypt:00"}]}},
    "lifecycle": {"ignore": ["env.A"]},
    "metadata": {"team": "x"},
    "networks": ["default", "other"],
    "aliases": {"default": ["x"]},
    "cap_add": ["NET_RAW"],
    "resources": {"memory": 1, "cpus": 0.5, "pids": 9},
    "stop_grace_period": 3,
    "start_timeout": 3,
    "timeout": 3,
}  # fmt: skip
_ROLES = ("sandbox", "courier", "network", "volume", "amendment", "note", "end", "secrets", "adoption", "lock", "", "x")


def main(seconds: float) -> int:
    """Returns how many engines were asked; raises what hindered something."""
    return keep_playing(play, seconds)


def play(stack: Stack, number: int, how: settings) -> None:
    """Forge objects and records in ways that the seed `number` leads to."""
    clean = _plan(Canned(), stack)

    @seed(number)
    @how
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        if data.draw(st.booleans()):
            _hold_records(stack, data)
        else:
            _hold_objects(stack, clean, data)

    hold()


def _hold_objects(stack: Stack, clean: Any, data: st.DataObject) -> None:
    engine = Canned()
    forged = {_forge(engine, number, data) for number in range(data.draw(st.integers(1, 3)))}
    foreign = {found.name for found in DockerEngine(CannedWire(engine)).observe(stack).foreign}
    if forged <= foreign:
        assert _plan(engine, stack) == clean
    for verb in VERBS[:6]:
        ask(verb, engine, stack)


def _plan(engine: Canned, stack: Stack) -> Any:
    return plan_document(planning.prepare(DockerEngine(CannedWire(engine)), stack, deep=True).plan)


def _forge(engine: Canned, number: int, data: st.DataObject) -> str:
    """Put an object among what `engine` lists; returns its name."""
    name = f"forged{number}"
    marks = {labels.STACK: stack_name(data), labels.ROLE: data.draw(st.sampled_from(_ROLES))}
    names = st.sampled_from(["app", "job", "ghost", "default", "data", *PATHS])
    pool: dict[str, st.SearchStrategy[str]] = {
        labels.SANDBOX: names,
        labels.NETWORK: names,
        labels.VOLUME: names | names.map(lambda text: f"app:{text}"),
        labels.RECORD: st.builds(json.dumps, JUNK) | _records(data).map(json.dumps),
        labels.CONTAINER: st.sampled_from([APP, "f" * 64, APP[:12], *PATHS]),
        labels.SEQUENCE: st.sampled_from(["1", "9", "0", "-1", "²", "9" * 30, "x", ""]),
        labels.SECRETS: st.sampled_from(["a" * 32, *PATHS]),
        labels.ADOPTED: st.sampled_from(["volume:x", "network:", "network:../..", "x", ""]),
        labels.BIRTH: st.sampled_from(["", "x"]),
        labels.BIRTH_NAME: names,
        labels.PACKAGE_FACTS: st.builds(json.dumps, JUNK),
    }
    for label, texts in pool.items():
        if data.draw(st.integers(0, 2)):
            marks[label] = data.draw(texts)
    answers = engine.answers
    kind = data.draw(st.sampled_from(["container", "volume", "network"]))
    if kind == "container":
        entry = copy.deepcopy(answers["GET /containers/json"][0])
        identity = f"{number + 7:064x}"
        answers["GET /containers/json"].append({**entry, "Id": identity, "Names": [f"/{name}"], "Labels": marks})
        inside = copy.deepcopy(answers[f"GET /containers/{APP}/json"])
        inside["Config"]["Labels"] = marks
        answers[f"GET /containers/{identity}/json"] = {**inside, "Id": identity, "Name": f"/{name}"}
    elif kind == "volume":
        answers["GET /volumes"]["Volumes"].append({"Name": name, "Labels": marks, "Driver": "local"})
    else:
        entry = copy.deepcopy(answers["GET /networks"][0])
        answers["GET /networks"].append({**entry, "Id": f"{number + 7:064x}", "Name": name, "Labels": marks})
    return name


def stack_name(data: st.DataObject) -> str:
    return data.draw(st.sampled_from(["demo", "demo", "demo", "other", "../x"]))


def _records(data: st.DataObject) -> st.SearchStrategy[Any]:
    """Records by their grammar, with something hostile at one of their leaves, or nothing."""
    fields = data.draw(st.sets(st.sampled_from(sorted(_SHAPES)), max_size=5))
    sandbox = {**_REAL, **{name: copy.deepcopy(_SHAPES[name]) for name in sorted(fields)}}
    for _ in range(data.draw(st.integers(0, 2))):
        sandbox = _spoil_leaf(sandbox, data)
    return st.just({"version": data.draw(st.sampled_from([1, 1, 1, 0, 2, "1", None])), "sandbox": sandbox})


def _spoil_leaf(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, dict) and value:
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: _spoil_leaf(value[key], data)}
    if isinstance(value, list) and value:
        number = data.draw(st.integers(0, len(value) - 1))
        return [*value[:number], _spoil_leaf(value[number], data), *value[number + 1 :]]
    if isinstance(value, str):
        return data.draw(st.sampled_from(PATHS) | st.text(max_size=6) | JUNK)
    return data.draw(st.sampled_from([-1, 0, 2**62, 10**12, -0.5]) | JUNK)


def _hold_records(stack: Stack, data: st.DataObject) -> None:
    """An import of what a record says writes nothing outside of its folder, and every verb has words for it."""
    engine = Canned()
    record = json.dumps(data.draw(_records(data)))
    for entry in engine.answers["GET /containers/json"]:
        if entry["Id"] == APP:
            entry["Labels"][labels.RECORD] = record
    engine.answers[f"GET /containers/{APP}/json"]["Config"]["Labels"][labels.RECORD] = record
    for verb in VERBS[:6]:
        ask(verb, engine, stack)
    with tempfile.TemporaryDirectory(prefix="nexusctl-fuzz-") as folder:
        into = Path(folder) / "deep" / "inside" / "nexus.yaml"
        into.parent.mkdir(parents=True)
        with suppress(NexusError):
            importing.write(importing.read_stack(DockerEngine(CannedWire(engine)), stack.name), into)
        outside = [path for path in Path(folder).rglob("*") if path.is_file() and into.parent not in path.parents]
        assert outside == [], record


if __name__ == "__main__":
    print(f"{main(float(sys.argv[1])):,} engines with something forged were asked")
