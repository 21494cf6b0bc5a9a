"""`nexusctl secrets`: what is encrypted opens for its recipients only, and no value ever lies about."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest

from nexusctl.secrets.safe import Safe, read_safe

CANARY = "canary-4711\n$x ünï"


@dataclass
class Person:
    """Somebody with an identity of their own, in the folder that all share."""

    folder: Path
    name: str

    @property
    def home(self) -> Path:
        return self.folder / self.name

    def run(self, *arguments: str, given: str = "", code: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run(
            [str(Path(sys.executable).parent / "nexusctl"), "secrets", *arguments],
            cwd=self.folder,
            input=given,
            capture_output=True,
            text=True,
            env={**clean_environment(), "HOME": str(self.home), **environ},
            check=False,
            timeout=240,
        )
        assert ended.returncode == code, ended.stderr
        return ended

    def keygen(self) -> str:
        self.home.mkdir(exist_ok=True)
        return self.run("keygen").stdout.strip()

    def open(self, name: str) -> str:
        text = (self.home / ".config/nexusctl/identity.txt").read_text().splitlines()[-1]
        return pyrage.decrypt(safe(self.folder).values[name], [pyrage.x25519.Identity.from_str(text)]).decode()


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("NEXUS_", "EDITOR", "VISUAL"))}


def safe(folder: Path) -> Safe:
    return read_safe((folder / "nexus.secrets.json").read_bytes(), "x")


@pytest.fixture
def one(tmp_path: Path) -> Person:
    person = Person(tmp_path, "one")
    person.keygen()
    return person


def editor(folder: Path, script: str) -> str:
    """A program that gets the file as its first argument."""
    path = folder / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_value_goes_in_by_standard_input_and_comes_out_for_its_recipient(one: Person) -> None:
    said = one.run("encrypt", "pin", given=CANARY)
    assert one.open("pin") == CANARY
    assert CANARY not in said.stdout + said.stderr
    assert "canary" not in (one.folder / "nexus.secrets.json").read_text()


def test_adding_a_value_takes_no_identity_and_touches_no_other_line(one: Person) -> None:
    one.run("encrypt", "pin", given="1")
    before = (one.folder / "nexus.secrets.json").read_text().splitlines()
    stranger = Person(one.folder, "stranger")
    stranger.run("encrypt", "api_key", given="2")
    after = (one.folder / "nexus.secrets.json").read_text().splitlines()
    assert [line for line in before if line not in after] == []
    assert one.open("api_key") == "2"


def test_a_new_file_can_be_for_somebody_else(one: Person, tmp_path: Path) -> None:
    other = Person(tmp_path, "other")
    key = other.keygen()
    one.run("encrypt", "pin", "--recipient", key, given="1")
    assert other.open("pin") == "1"
    with pytest.raises(pyrage.DecryptError):
        one.open("pin")
    said = one.run("encrypt", "pin2", "--recipient", "age1nonsense", given="1", code=1)
    assert "is not for `age1nonsense`" in said.stderr


def test_list_shows_names_and_recipients_and_needs_no_identity(one: Person) -> None:
    one.run("encrypt", "pin", given=CANARY)
    one.run("encrypt", "api_key", given=CANARY)
    stranger = Person(one.folder, "stranger")
    assert stranger.run("list").stdout.splitlines() == ["api_key", "pin"]
    document = json.loads(stranger.run("list", "--json").stdout)
    assert document == {
        "format_version": "1.0", "secrets": ["api_key", "pin"], "recipients": list(safe(one.folder).recipients)
    }  # fmt: skip


def test_rekey_lets_one_in_and_another_out(one: Person, tmp_path: Path) -> None:
    other = Person(tmp_path, "other")
    key = other.keygen()
    one.run("encrypt", "pin", given=CANARY)
    mine = safe(tmp_path).recipients[0]
    assert "is not encrypted for you" in other.run("rekey", "--add", key, code=1).stderr
    one.run("rekey", "--add", key)
    assert (one.open("pin"), other.open("pin")) == (CANARY, CANARY)
    other.run("rekey", "--remove", mine)
    assert other.open("pin") == CANARY
    with pytest.raises(pyrage.DecryptError):
        one.open("pin")
    assert "is not among the recipients" in other.run("rekey", "--remove", mine, code=1).stderr
    assert "no public key" in other.run("rekey", "--add", "nonsense", code=1).stderr


def test_edit_shows_the_value_and_takes_the_new_one(one: Person) -> None:
    one.run("encrypt", "pin", given=CANARY)
    seen = one.folder / "seen"
    program = editor(one.folder, f'cat "$1" >{seen}; stat -c "%a %n" "$1" "${{1%/*}}" >>{seen}.modes; printf new >"$1"')
    one.run("edit", "pin", EDITOR=program)
    assert seen.read_text() == CANARY
    modes = [line.split() for line in Path(f"{seen}.modes").read_text().splitlines()]
    assert [mode for mode, _ in modes] == ["600", "700"]
    assert all(path.startswith("/dev/shm/nexusctl-edit-") and not Path(path).exists() for _, path in modes)
    assert one.open("pin") == "new"


@pytest.mark.parametrize(
    ("script", "said", "code"),
    [
        ("exit 0", "is as it was", 0),
        ("exit 3", "ended with exit code 3", 1),
        (': >"$1"', "the value is empty", 1),
        ('touch "$1~" "${1%/*}/.x.swp"; exit 1', "ended with exit code 1", 1),
    ],
)
def test_an_edit_that_comes_to_nothing_changes_nothing_and_leaves_nothing(
    one: Person, script: str, said: str, code: int
) -> None:
    one.run("encrypt", "pin", given=CANARY)
    before = (one.folder / "nexus.secrets.json").read_bytes()
    note = one.folder / "folder"
    program = editor(one.folder, f'echo "${{1%/*}}" >{note}\n{script}')
    ended = one.run("edit", "pin", EDITOR=program, code=code)
    assert said in ended.stderr
    assert (one.folder / "nexus.secrets.json").read_bytes() == before
    assert not Path(note.read_text().strip()).exists()
    assert "canary" not in ended.stdout + ended.stderr


def test_an_edit_keeps_what_others_put_in_meanwhile(one: Person) -> None:
    one.run("encrypt", "pin", given=CANARY)
    nexusctl = Path(sys.executable).parent / "nexusctl"
    add = f"printf other | {nexusctl} secrets encrypt"
    one.run("edit", "pin", EDITOR=editor(one.folder, f'{add} token; printf new >"$1"'))
    assert [one.open("token"), one.open("pin")] == ["other", "new"]
    ended = one.run("edit", "pin", EDITOR=editor(one.folder, f'{add} pin; printf newer >"$1"'), code=1)
    assert "somebody else changed `pin` meanwhile" in ended.stderr
    assert one.open("pin") == "other"


def test_values_that_go_in_at_once_are_all_kept(one: Person) -> None:
    one.run("encrypt", "first", given="x")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: one.run("encrypt", f"s{number}", given="x"), range(8)))
    assert set(safe(one.folder).values) == {"first", *(f"s{number}" for number in range(8))}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_edit_that_is_interrupted_leaves_nothing(one: Person, number: signal.Signals) -> None:
    one.run("encrypt", "pin", given=CANARY)
    note = one.folder / "folder"
    program = editor(one.folder, f'echo "${{1%/*}}" >{note}.new; mv {note}.new {note}; exec sleep 1000')
    running = subprocess.Popen(
        [str(Path(sys.executable).parent / "nexusctl"), "secrets", "edit", "pin"],
        cwd=one.folder,
        env={**clean_environment(), "HOME": str(one.home), "EDITOR": program},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not note.exists():
        assert running.poll() is None
        time.sleep(0.02)
    os.killpg(running.pid, number)
    assert running.wait(240) != 0
    assert not Path(note.read_text().strip()).exists()


@pytest.mark.parametrize("given", ["", "\n", "\r\n"])
def test_an_empty_value_is_never_kept(one: Person, given: str) -> None:
    one.run("encrypt", "pin", given=CANARY)
    before = (one.folder / "nexus.secrets.json").read_bytes()
    assert "the value is empty" in one.run("encrypt", "pin", given=given, code=1).stderr
    assert "the value is empty" in one.run("edit", "fresh", EDITOR="true", code=1).stderr
    assert (one.folder / "nexus.secrets.json").read_bytes() == before


def test_nobody_is_locked_out_with_the_last_recipient(one: Person) -> None:
    one.run("encrypt", "pin", given=CANARY)
    (key,) = safe(one.folder).recipients
    said = one.run("rekey", "--remove", key, code=1).stderr
    assert said == "error: nobody would be left who can read them\nhelp: let somebody else in with `--add KEY`\n"
    assert one.open("pin") == CANARY


@pytest.mark.parametrize("verb", ["list", "rekey"])
def test_a_file_that_is_not_there_is_said_with_the_command_that_begins_one(one: Person, verb: str) -> None:
    said = one.run(verb, code=1).stderr
    assert "there is no file `nexus.secrets.json`" in said
    assert "`nexusctl secrets encrypt NAME` begins one" in said


def test_an_identity_is_ones_own_and_is_never_overwritten(one: Person) -> None:
    file = one.home / ".config/nexusctl/identity.txt"
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    assert "is there already" in one.run("keygen", code=1).stderr
    assert file.read_bytes() == before


@pytest.mark.parametrize("arguments", [("list",), ("rekey",), ("edit", "pin"), ("encrypt", "a b"), ("encrypt", "pin")])
def test_what_cannot_be_done_is_an_error_with_advice(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    nobody = Person(tmp_path, "nobody")
    said = nobody.run(*arguments, given="x", code=2 if "a b" in arguments else 1).stderr
    assert "help: " in said or "use letters" in said
    assert not (tmp_path / "nexus.secrets.json").exists()
