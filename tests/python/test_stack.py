"""The Python door: what a program does with a stack, and what a test suite gets of one."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nexusctl import Stack
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.labels import STACK
from nexusctl.errors import InputError
from nexusctl.model.plan.event import AnyEvent, Finished, Left, Planned
from nexusctl.stack import ApplyFailed, CommandFailed

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "python.md"
FILE = """
name: {name}
variables: {{mode: {{default: calm}}, size: {{type: integer, default: 1}}}}
sandboxes:
  web:
    image: {image}
    command: [sleep, infinity]
    env: {{MODE: "${{var.mode}}", SIZE: "${{var.size}}"}}
    volumes: ["data:/data"]
  other: {{image: "{image}", command: [sleep, infinity]}}
volumes: {{data: }}
outputs: {{mode: "${{var.mode}}"}}
"""


@pytest.fixture
def file(tmp_path: Path, stack_name: str) -> Path:
    return tmp_path / "nexus.yaml"


def left(wire: Wire, stack: str) -> list[object]:
    query = {"filters": {"label": [f"{STACK}={stack}"]}}
    containers = wire.get("/containers/json", {"all": True, **query})
    return [*containers, *wire.get("/networks", query), *(wire.get("/volumes", query)["Volumes"] or [])]


@pytest.mark.engine
def test_a_program_plans_applies_looks_and_destroys(file: Path, stack_name: str, base_image: str, wire: Wire) -> None:
    file.write_text(FILE.format(name=stack_name, image=base_image))
    stack = Stack.load(file, vars={"mode": "wild", "size": 3})
    assert stack.name == stack_name
    assert stack.sandboxes == ("web", "other")
    assert [change.action for change in stack.plan().changes if change.kind == "sandbox"] == ["create", "create"]
    events: list[AnyEvent] = []
    try:
        done = stack.apply(targets=["web"], on_event=events.append)
        assert isinstance(events[0], Planned)
        assert events[0].plan is done
        assert isinstance(events[-2] if stack.output("mode") else None, Finished)
        assert {status.name: status.state for status in stack.status()} == {"web": "running", "other": "absent"}
        said = stack.exec("web", "echo $MODE $SIZE; echo oh >&2; exit 3")
        assert (said.exit_code, said.stdout, said.stderr) == (3, "wild 3\n", "oh\n")
        with pytest.raises(CommandFailed, match="exited with 3") as failed:
            stack.exec("web", ["sh", "-c", "echo why; exit 3"], check=True)
        assert failed.value.diagnostics[0].output == ("why",)
        assert stack.output("mode") == "wild"
        with pytest.raises(InputError, match="publishes no port"):
            stack.endpoint("web")
        stack.apply()
        assert stack.plan(deep=True).empty
        assert stack.apply().empty
    finally:
        events.clear()
        stack.destroy(volumes=True, on_event=events.append)
    assert isinstance(events[-1], Left)
    assert left(wire, stack_name) == []


@pytest.mark.engine
def test_as_a_context_manager_it_is_there_inside_and_gone_afterwards(
    file: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    file.write_text(FILE.format(name=stack_name, image=base_image))

    def divide() -> None:
        with Stack.load(file) as stack:
            assert stack.exec("web", ["cat", "/proc/1/comm"]).exit_code == 0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        divide()
    assert left(wire, stack_name) == []


@pytest.mark.engine
def test_a_stack_that_was_there_before_is_not_destroyed_by_a_context_manager(
    file: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    file.write_text(FILE.format(name=stack_name, image=base_image))
    stack = Stack.load(file)
    stack.apply()
    try:
        before = left(wire, stack_name)
        with pytest.raises(InputError, match="is there already"), stack:
            pass
        assert len(left(wire, stack_name)) == len(before)
    finally:
        stack.destroy(volumes=True)


@pytest.mark.engine
def test_what_fails_is_an_exception_with_its_words_and_leaves_nothing_of_a_context_manager(
    file: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    text = FILE.format(name=stack_name, image=base_image).replace("[sleep, infinity]", "[sh, -c, 'echo no; exit 9']", 1)
    file.write_text(text)
    with pytest.raises(ApplyFailed, match="web") as failed, Stack.load(file):
        pass
    assert "no" in failed.value.diagnostics[0].output
    assert left(wire, stack_name) == []


@pytest.mark.engine
def test_it_works_in_a_thread_that_gets_no_signals(file: Path, stack_name: str, base_image: str, wire: Wire) -> None:
    file.write_text(FILE.format(name=stack_name, image=base_image))
    seen: list[str] = []

    def work() -> None:
        with Stack.load(file) as stack:
            seen.append(stack.exec("web", "echo here").stdout)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["here\n"]


def test_every_mistake_of_a_file_is_told_when_it_is_loaded(file: Path) -> None:
    file.write_text("name: x\nsandboxes:\n  a: {imge: y}\n  b: {template: nodee}\n")
    with pytest.raises(InputError) as wrong:
        Stack.load(file)
    assert len(wrong.value.diagnostics) >= 2


def test_the_command_line_does_not_load_it() -> None:
    program = "import sys, nexusctl, nexusctl.cli.main; print('nexusctl.stack' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.engine
def test_a_test_suite_gets_a_stack_by_the_fixture_as_the_page_says(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert {name for name, _ in blocks} == {"conftest.py", "test_shop.py"}
    for name, text in blocks:
        (tmp_path / name).write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "nexus.yaml").write_text(FILE.format(name=stack_name, image=base_image))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert left(wire, stack_name) == []
