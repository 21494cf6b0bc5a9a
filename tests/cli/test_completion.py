"""What a shell is told of a word that is to go on: by its protocol, and by real shells."""

from __future__ import annotations

import os
import pty
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from nexusctl.cli.completion.names import find_complete
from nexusctl.cli.completion.scripts import SCRIPTS
from nexusctl.cli.main import nexusctl
from tests.terminal import read_to_end

STACK = """\
name: shop
include: more.yaml
variables: {tag: {default: "1"}}
sandboxes:
  web: {image: "a:1", replicas: 2, profiles: [debug, all]}
  worker-1: {image: "a:1"}
outputs: {url: x, user: y}
"""
NOWHERE = {"DOCKER_HOST": "unix:///nowhere.sock"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nexus.yaml").write_text(STACK)
    (tmp_path / "more.yaml").write_text("sandboxes: {wide: {image: 'a:1'}}\n")
    (tmp_path / "wagon.txt").touch()
    return tmp_path


def ask(folder: Path, line: str, **more: str) -> list[str]:
    """What bash gets for the last word of `line`, with the kind of each."""
    word = line.rpartition(" ")[2]
    env = {**os.environ, **NOWHERE, "COMP_LINE": line, "COMP_CUR": word.rpartition("=")[2].rpartition(":")[2]}
    env = {**env, "_NEXUSCTL_COMPLETE": "bash_complete", **more}
    command = [sys.executable, "-m", "nexusctl"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("logs w", ["plain,web", "plain,worker-1", "plain,wide"]),
        ("logs web w", ["plain,worker-1", "plain,wide"]),
        ("exec we", ["plain,web"]),
        ("exec web s", []),
        ("stop --stack x w", ["plain,web", "plain,worker-1", "plain,wide"]),
        ("scale wo", ["open,worker-1="]),
        ("plan --target wo", ["plain,worker-1"]),
        ("plan --target=wo", ["plain,worker-1"]),
        ("explain wi", ["plain,wide"]),
        ("rename wi", ["plain,wide"]),
        ("signal exec_x T", ["plain,TERM", "plain,TSTP"]),
        ("executions r", ["plain,rm"]),
        ("cp wa", ["file,wa"]),
        ("cp web:/etc/", []),
        ("output ", ["plain,url", "plain,user"]),
        ("plan --profile d", ["plain,debug"]),
        ("plan --var t", ["open,tag="]),
        ("status --state heal", ["plain,healthy"]),
        ("kill --signal HU", ["plain,HUP"]),
        ("template show rea", ["plain,react"]),
        ("help ren", ["plain,rename"]),
        ("ren", ["plain,rename"]),
        ("template sh", ["plain,show"]),
        ("plan --det", ["plain,--detailed-exitcode"]),
        ("wait --for hea", ["plain,healthy"]),
    ],
)
def test_a_word_goes_on_as_the_files_say(folder: Path, line: str, found: list[str]) -> None:
    assert ask(folder, f"nexusctl {line}") == found


def test_a_word_behind_the_sign_that_ends_one_for_bash_is_its_rest_alone(folder: Path) -> None:
    assert ask(folder, "nexusctl plan --adopt-container=wo") == ["open,worker-1="]
    assert ask(folder, "nexusctl --no-such --stack") == []


def test_a_file_that_is_just_being_written_is_no_reason_to_be_loud(folder: Path) -> None:
    (folder / "nexus.yaml").write_text("name: shop\nsandboxes: {web: {")
    assert ask(folder, "nexusctl logs w") == []
    (folder / "nexus.yaml").unlink()
    assert ask(folder, "nexusctl logs w") == []


def test_an_engine_that_does_not_answer_keeps_nobody_from_what_the_file_says(folder: Path) -> None:
    path = folder / "mute.sock"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen()
        held: list[socket.socket] = []

        def hold() -> None:
            while True:
                try:
                    held.append(mute.accept()[0])
                except OSError:
                    return

        threading.Thread(target=hold, daemon=True).start()
        assert ask(folder, "nexusctl logs we", DOCKER_HOST=f"unix://{path}") == ["plain,web"]
        assert held
        for connection in held:
            connection.close()


def walk(command: click.Command, words: str) -> Iterator[tuple[str, click.Command, click.Parameter]]:
    for parameter in command.params:
        yield words, command, parameter
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if inner := command.get_command(context, name):
                yield from walk(inner, f"{words} {name}")


def test_wherever_a_sandbox_a_stack_or_an_execution_is_named_its_name_is_known() -> None:
    words = ("NAME", "STACK", "ID", "SANDBOX")
    free = {
        # Containers of others, names that are to be new, and what is no name of a sandbox.
        "nexusctl import container", "nexusctl rename new", "nexusctl import stack file",
    }  # fmt: skip
    unknown = [
        f"{verb} {parameter.name}"
        for verb, command, parameter in walk(nexusctl, "nexusctl")
        if isinstance(parameter, click.Argument)
        and any(word in (parameter.metavar or "") for word in words)
        and find_complete(command, parameter) is None
        and not {verb, f"{verb} {parameter.name}"} & free
    ]
    assert unknown == []


def type_into(shell: list[str], folder: Path, begin: str, line: str) -> str:
    """What `line`, with a tab at its end, has become in an interactive shell: it prints it instead of running it."""
    home = folder / "home"
    home.mkdir()
    binaries = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {
        **os.environ,
        **NOWHERE,
        "HOME": str(home),
        "ZDOTDIR": str(home),
        "PATH": binaries,
        "PS1": "",
        "TERM": "dumb",
    }
    master, slave = pty.openpty()
    with subprocess.Popen(shell, cwd=folder, env=env, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        # Ctrl-A is the begin of the line for both, and what stands behind is there once it was completed.
        typed = f"{begin}\n{line}\t\x01echo '<'; printf '[%s]' \x05; echo '>'\nexit\n"
        os.write(master, typed.encode())
        seen = read_to_end(master).decode(errors="replace")
        process.wait(timeout=120)
    os.close(master)
    return seen


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], ". ./script"),
    "zsh": (["zsh", "-f", "-i"], "bindkey -e; autoload -Uz compinit; compinit -u -D; . ./script"),
}


@pytest.mark.parametrize("name", SHELLS)
def test_a_real_shell_completes(name: str, folder: Path) -> None:
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    (folder / "script").write_text(SCRIPTS[name])
    shell, begin = SHELLS[name]
    assert "[nexusctl][logs][worker-1]" in type_into(shell, folder, begin, "nexusctl logs wo")


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_a_real_fish_completes(folder: Path) -> None:
    binaries = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, **NOWHERE, "PATH": binaries, "HOME": str(folder)}
    script = SCRIPTS["fish"] + 'complete -C "nexusctl logs wo"; complete -C "nexusctl scale wi"\n'
    command = ["fish", "--no-config", "-c", script]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["worker-1", "wide="]


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_is_installed_once_and_read_by_a_shell_that_is_opened_then(name: str, folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    own = {"bash": home / ".bashrc", "zsh": home / ".zshrc"}.get(name)
    if own:
        own.write_text("alias x=y")
    env = {key: value for key, value in os.environ.items() if not key.startswith("XDG_") and key != "ZDOTDIR"}
    env = {**env, "HOME": str(home), "SHELL": f"/usr/bin/{name}"}

    def install(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nexusctl", "completion", "install", *words]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    assert "Wrote" in install().stderr
    files = {path: path.read_text() for path in home.rglob("*") if path.is_file()}
    assert SCRIPTS[name] in files.values()
    if own:
        assert files[own].startswith("alias x=y\n[ -r ")
    assert "there already" in install(name).stderr
    assert {path: path.read_text() for path in home.rglob("*") if path.is_file()} == files
    env["SHELL"] = "/bin/tcsh"
    assert "no completions are known for the shell tcsh" in install().stderr
