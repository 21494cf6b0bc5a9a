"""A plan that changes the files of a running interpreter, after which nothing follows, says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nexusctl.model.plan.plan import Plan
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.uploads_and_packages import Reaction, Upload, UploadFile
from nexusctl.plan.plan import make_plan
from tests.plan.live_file import as_applied
from tests.plan.worlds import IMAGE

WORDS = "{} goes on with what it has read before: `on_change: restart` in the upload starts it anew"
NODE = ("node", "/app/server.js")


def stack(
    digest: str, *, command: tuple[str, ...] | None = NODE, paths: str = "server.js lib.js", **more: Any
) -> Stack:
    files = tuple(UploadFile(path=path, digest=digest, mode=more.get("mode", 0o644)) for path in paths.split())
    upload = Upload(target="/app", files=files, on_change=more.get("on_change"))
    sandbox = Sandbox(name="a", group="a", image=IMAGE, command=command, uploads=(upload,))
    return Stack(name="shop", sandboxes={"a": sandbox})


def plan_of(before: Stack, after: Stack, **live: Any) -> Plan:
    applied = as_applied(before)
    found = tuple(replace(sandbox, **live) for sandbox in applied.sandboxes)
    return make_plan(after, replace(applied, sandboxes=found), frozenset({"uploads"}))


def notes(plan: Plan) -> tuple[str, ...]:
    (change,) = plan.changes
    assert change.action == "update"
    return change.notes


@pytest.mark.parametrize(
    ("command", "path", "name"),
    [
        (NODE, "lib.js", "node"),
        (("/usr/local/bin/python3.12", "-m", "app"), "app.py", "python3.12"),
        (("python3", "/app/run"), "run", "python3"),
        (("ruby", "a.rb"), "deep/b.rb", "ruby"),
        (("sh", "/app/loop"), "loop", "sh"),
        (("/bin/sh", "-c", "node server.js"), "server.js", "node"),
        (("/bin/sh", "-c", "exec python3 -m app"), "app.py", "python3"),
        (NODE, "index.html", ""),
        (("nginx", "-g", "daemon off;"), "a.js", ""),
        (("/bin/sh", "-c", "nginx"), "a.sh", ""),
        (("node", "--watch", "/app/server.js"), "server.js", ""),
        (("python3", "-m", "uvicorn", "app:app", "--reload"), "app.py", ""),
        (("sh", "-c", " "), "a.sh", ""),
        ((), "a.js", ""),
        (None, "a.js", ""),
    ],
)
def test_an_interpreter_goes_on_with_what_it_has_read(command: tuple[str, ...] | None, path: str, name: str) -> None:
    before, after = (stack(digest, command=command, paths=path) for digest in ("d1", "d2"))
    assert notes(plan_of(before, after)) == ((WORDS.format(name),) if name else ())


def test_it_is_said_once_for_many_files_and_also_of_those_that_go() -> None:
    assert notes(plan_of(stack("d1"), stack("d2"))) == (WORDS.format("node"),)
    assert notes(plan_of(stack("d1"), stack("d1", paths="server.js"))) == (WORDS.format("node"),)


def test_new_files_and_other_rights_are_nothing_that_it_has_read() -> None:
    assert notes(plan_of(stack("d1", paths="server.js"), stack("d1"))) == ()
    assert notes(plan_of(stack("d1"), stack("d1", mode=0o600))) == ()


@pytest.mark.parametrize(
    "reaction", [Reaction(restart=True), Reaction(signal="HUP"), Reaction(command=("true",))], ids=str
)
def test_where_something_follows_only_that_is_said(reaction: Reaction) -> None:
    after = stack("d2", on_change=reaction)
    assert not set(notes(plan_of(stack("d1"), after))) & {WORDS.format("node")}


def test_nothing_is_said_of_what_starts_anew_in_any_case() -> None:
    before, after = stack("d1"), stack("d2")
    assert notes(plan_of(before, after, state="paused")) == (WORDS.format("node"),)
    for live in ({"state": "exited", "exit_code": 1}, {"health": "unhealthy"}):
        assert WORDS.format("node") not in notes(plan_of(before, after, **live))
