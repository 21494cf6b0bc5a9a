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
from pathlib import Path

import pytest

from nexusctl.cli.terminal.streams import disarm
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import NotFound
from tests.attacks.test_binds import containers_of, nexusctl
from tests.ranges import make_network

WICKED = "x\x1b]0;owned\x07\x1b[2J\x9b31m\u202eY\u2066\x7f\rover"
"""A title, a cleared screen, a colour by C1, letters turned around, a deletion, and a line begun anew."""

OURS = re.compile(r"\x1b\[(?:[0-2]|3[1-6])m|\x1b\[\d+F\x1b\[J|\r?\n|\t")
"""Colours, and the rows of the board that are painted over."""


def on_terminal(folder: Path, *arguments: str) -> str:
    """All that a command writes on a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "nexusctl", *arguments]
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    environ.pop("NO_COLOR", None)
    said = bytearray()
    with subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as process:
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
def test_the_log_of_a_sandbox_is_its_own_and_goes_out_as_it_is(
    tmp_path: Path, stack_name: str, base_image: str
) -> None:
    """As with `docker logs`: programs paint there, and whoever asks for it asks for that."""
    loud = {"image": base_image, "kind": "task", "command": ["printf", "%s\n", WICKED]}
    (tmp_path / "nexus.yaml").write_text(json.dumps({"name": stack_name, "sandboxes": {"loud": loud}}))
    try:
        assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
        assert "\x1b]0;owned\x07" in on_terminal(tmp_path, "logs")
    finally:
        nexusctl(tmp_path, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")


def test_what_a_terminal_would_obey_is_shown_and_json_says_the_same() -> None:
    assert commands_in(disarm(WICKED)) == []
    assert disarm("\x1b[31mred\x1b[0m\ttab\n") == "\x1b[31mred\x1b[0m\ttab\n"
    assert "\x1b" not in disarm("\x1b[8mhidden\x1b[1F")
    assert json.loads(disarm(json.dumps(WICKED, ensure_ascii=False))) == WICKED
