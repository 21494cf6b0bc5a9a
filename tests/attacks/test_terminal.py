"""Nothing that others have said is a command to the terminal: forged labels and what programs print."""

from __future__ import annotations

import errno
import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest

from nexusctl.cli.terminal import program_output
from nexusctl.cli.terminal.streams import disarm
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from tests.attacks.test_binds import containers_of, nexusctl
from tests.ranges import make_network

WICKED = "x\x1b]0;owned\x07\x1b[2J\x9b31m\u202eY\u2066\x7f\rover"
"""A title, a cleared screen, a colour by C1, letters turned around, a deletion, and a line begun anew."""

OURS = re.compile(r"\x1b\[(?:[0-2]|3[1-6])m|\x1b\[\d+F\x1b\[J|\r?\n|\t")
"""Colours, and the rows of the board that are painted over."""


def on_terminal(folder: Path, *arguments: str, stdin: int | None = None) -> str:
    """All that a command writes on a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "nexusctl", *arguments]
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    environ.pop("NO_COLOR", None)
    said = bytearray()
    with subprocess.Popen(
        command, cwd=folder, stdin=theirs if stdin is None else stdin, stdout=theirs, stderr=theirs, env=environ
    ) as process:
        os.close(theirs)
        try:
            while data := os.read(ours, 1 << 16):
                said += data
        except OSError as error:
            # So the kernel says that nobody has the other end any more.
            if error.errno != errno.EIO:
                raise
        finally:
            os.close(ours)
        process.wait()
    return said.decode(errors="surrogateescape")


def commands_in(said: str) -> list[str]:
    """What is left that a terminal obeys."""
    return [letter for letter in OURS.sub("", said) if not letter.isprintable()]


@pytest.mark.engine
def test_forged_labels_and_what_a_program_prints_are_text_on_a_terminal(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    box = {"image": base_image, "command": ["sleep", "infinity"]}
    loud = {"image": base_image, "kind": "task", "command": ["printf", "%s\n", WICKED]}
    failing = {**loud, "command": ["sh", "-c", 'printf "%s\\n" "$1" >&2; exit 3', "sh", WICKED]}
    document = {"name": stack_name, "sandboxes": {"box": box}}
    file = tmp_path / "nexus.yaml"
    file.write_text(json.dumps(document))
    marks = {"dev.nexusctl.stack": stack_name}
    volume, network = f"{stack_name}_forged", ""
    try:
        assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
        record = wire.get(f"/containers/{stack_name}_box/json")["Config"]["Labels"]["dev.nexusctl.record"]
        spoiled = json.loads(record)
        spoiled["sandbox"].update(name=WICKED, group=WICKED, image=WICKED, env={WICKED: WICKED})
        for number, text in enumerate((json.dumps(spoiled), WICKED, record)):
            own = {
                "dev.nexusctl.role": "sandbox",
                "dev.nexusctl.sandbox": WICKED if number < 2 else "box",
                "dev.nexusctl.record": text,
                "dev.nexusctl.birth": f"{number}",
            }
            body = {"Image": base_image, "Cmd": ["true"], "Labels": {**marks, **own}}
            wire.post("/containers/create", body, {"name": f"{stack_name}_forged{number}"})
        own = {"dev.nexusctl.role": "volume", "dev.nexusctl.volume": WICKED}
        wire.post("/volumes/create", {"Name": volume, "Labels": {**marks, **own}})
        own = {"dev.nexusctl.role": "network", "dev.nexusctl.network": WICKED}
        network = make_network(wire, f"{stack_name}_forged", Labels={**marks, **own})
        document["sandboxes"] |= {"loud": loud, "failing": failing}
        file.write_text(json.dumps(document))
        verbs = [
            ("plan",), ("plan", "--deep"), ("plan", "--json"), ("status",), ("status", "--json"), ("drift",),
            ("apply", "--yes"), ("exec", WICKED, "true"), ("logs", WICKED), ("plan", "-f", WICKED),
            ("destroy", "--yes", "--volumes"),
        ]  # fmt: skip
        seen = {verb: on_terminal(tmp_path, *verb) for verb in verbs}
        assert {verb: commands_in(said) for verb, said in seen.items() if commands_in(said)} == {}
        assert f"{stack_name}_forged1" in seen[("plan",)], "what was forged is named"
        assert all("owned" in seen[verb] for verb in verbs if WICKED in verb), "what was typed is shown"
        assert re.search(r"^ +over\r?$", seen[("apply", "--yes")], re.MULTILINE), "what begins a line anew replaces it"
        # In a pipe, too, reports have none.
        piped = [nexusctl(tmp_path, *verb) for verb in (("plan",), ("status",), ("drift",))]
        assert [commands_in(done.stdout + done.stderr) for done in piped] == [[], [], []]
    finally:
        nexusctl(tmp_path, "destroy", "--yes", "--volumes", "--stack", stack_name, "--ignore-missing")
        for entry in containers_of(wire, stack_name):
            wire.delete(f"/containers/{entry}", {"force": True})
        with suppress(NotFound):
            wire.delete(f"/volumes/{volume}")
        with suppress(NotFound):
            wire.delete(f"/networks/{network}")


@pytest.mark.engine
def test_what_a_sandbox_prints_is_obeyed_only_where_that_is_asked_for(
    tmp_path: Path, stack_name: str, base_image: str
) -> None:
    script = """printf "$1\\n"; printf "$1\\n" >&2; printf '\\033[1;38;5;208mred\\033[0m\\r\\n'; exec sleep 1000"""
    loud = {"image": base_image, "command": ["sh", "-c", script, "sh", WICKED]}
    (tmp_path / "nexus.yaml").write_text(json.dumps({"name": stack_name, "sandboxes": {"loud": loud}}))
    say = ("sh", "-c", script.replace("exec sleep 1000", "exit 0"), "sh", WICKED)
    try:
        assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
        for verb in (("logs",), ("exec", "-T", "loud", *say)):
            said = on_terminal(tmp_path, *verb)
            assert r"x\x1b]0;owned\x07" in said
            assert "\x1b[1;38;5;208mred\x1b[0m\r" in said, "colours stay"
            assert commands_in(said.replace("\x1b[1;38;5;208m", "").replace("\r", "")) == []
            raw = on_terminal(tmp_path, verb[0], "--raw", *verb[1:])
            assert raw.count("\x1b]0;owned\x07") == 2
            piped = nexusctl(tmp_path, *verb)
            assert [text.count("\x1b]0;owned\x07") for text in (piped.stdout, piped.stderr)] == [1, 1]
        assert "\x1b]0;owned\x07" in on_terminal(tmp_path, "exec", "loud", *say), "a terminal of its own is obeyed"
        said = on_terminal(tmp_path, "cp", "loud:/etc/passwd", "-")
        assert "a terminal is no place for a tar stream" in said
        assert "root:" not in said
    finally:
        nexusctl(tmp_path, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")


@pytest.mark.engine
def test_what_a_run_prints_in_a_sandbox_is_not_obeyed_without_a_terminal_there(
    tmp_path: Path, stack_name: str, base_image: str
) -> None:
    box = {"image": base_image, "command": ["sleep", "infinity"]}
    (tmp_path / "nexus.yaml").write_text(json.dumps({"name": stack_name, "sandboxes": {"box": box}}))
    say = ("sh", "-c", 'printf "$1\\n"; printf "$1\\n" >&2', "sh", WICKED)
    said = on_terminal(tmp_path, "run", "--in", "box", "--", *say, stdin=subprocess.DEVNULL)
    assert said.count(r"\x1b]0;owned\x07") == 2
    assert commands_in(said) == []


@pytest.mark.parametrize("cuts", [1, 2, 3, 5, 1000])
def test_colours_and_characters_are_whole_however_their_bytes_are_cut(cuts: int) -> None:
    class Screen(StringIO):
        def isatty(self) -> bool:
            return True

    screen, text = Screen(), "\x1b[1;31mré\x1b[0m\x1b]0;t\x07\x1b[8mh\x1b[0;08mh\x1b[38;5;8mg\r\n\x1b["
    data = text.encode()
    with program_output.opened(screen) as out:
        for at in range(0, len(data), cuts):
            out.write(data[at : at + cuts])
    assert screen.getvalue() == ("\x1b[1;31mré\x1b[0m\\x1b]0;t\\x07\\x1b[8mh\\x1b[0;08mh\x1b[38;5;8mg\r\n\\x1b[")


def test_what_a_terminal_would_obey_is_shown_and_json_says_the_same() -> None:
    assert commands_in(disarm(WICKED)) == []
    assert disarm("\x1b[31mred\x1b[0m\ttab\n") == "\x1b[31mred\x1b[0m\ttab\n"
    assert "\x1b" not in disarm("\x1b[8mhidden\x1b[1F")
    assert json.loads(disarm(json.dumps(WICKED, ensure_ascii=False))) == WICKED
