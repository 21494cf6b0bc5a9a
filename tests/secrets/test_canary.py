"""Forty secrets through every source and every command, the failing ones too: none shows but where it was meant to.

Looked through is all that nexusctl prints, writes and logs, what the engine knows of the stack but for the variables
that a sandbox has, and what the processes that nexusctl starts have in their command lines and environments.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pyrage
import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run
from nexusctl.errors import EngineUnreachable
from nexusctl.model.secret import Secret
from nexusctl.secrets.conceal import make_conceal
from nexusctl.secrets.safe import Safe, write_safe
from tests.secrets.canaries import Canary, Nose, hatch
from tests.secrets.vault_server import TOKEN, Vault, serve_vault

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
KEPT = ("env", "file", "age", "vault", "command", "keyring")
SOURCES = (*KEPT, "variable", "parameter", "each")

# What no value of a canary is.
WRONG = ({"type": "integer"}, {"allowed": ["a"]}, {"pattern": "[a-z]"}, {"type": "map"})

# What Python runs first in every nexusctl here: it writes down each program that is started, before it begins.
LISTEN = """
import os, sys

def note(event, arguments):
    if event == "subprocess.Popen":
        _, argv, _, environ = arguments
        variables = [b"=".join(map(os.fsencode, pair)) for pair in (os.environ if environ is None else environ).items()]
        words = [argv] if isinstance(argv, (str, bytes)) else argv
        text = b"\\0".join(map(os.fsencode, words)) + b"\\n" + b"\\0".join(variables)
        with open("STARTED", "ab", buffering=0) as file:
            file.write(text.hex().encode() + b"\\n")
    elif event in ("os.exec", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn"):
        raise AssertionError(f"{event} starts programs unseen")

sys.addaudithook(note)
"""

BUG = """
import sys
from nexusctl.engine.docker.objects import containers
from nexusctl.__main__ import start
def create(wire, sandbox, placement, body, fill=None):
    raise ZeroDivisionError("a bug, with the values at hand")
containers._create = create
start()
"""


@dataclass
class Trail:
    """What a life of a stack left behind: `said` by command, `inside` what the sandboxes have."""

    folder: Path
    name: str
    wire: Wire
    vault: Vault
    identity: Any = field(default_factory=pyrage.x25519.Identity.generate)
    canaries: list[Canary] = field(default_factory=list)
    said: dict[str, bytes] = field(default_factory=dict)
    engine: dict[str, bytes] = field(default_factory=dict)
    processes: set[bytes] = field(default_factory=set)
    environ: dict[bytes, bytes] = field(default_factory=dict)
    events: list[bytes] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def work(self) -> Path:
        """The repository: the stack file and what belongs to it."""
        return self.folder / "work"

    @property
    def hidden(self) -> Path:
        """Where the values lie that are files of their owner; not looked through."""
        return self.folder / "hidden"

    def lay_out(self, image: str, generation: int) -> None:
        for folder in (self.home, self.work, self.hidden, self.folder / "tmp"):
            folder.mkdir(exist_ok=True)
        (self.hidden / "sitecustomize.py").write_text(LISTEN.replace("STARTED", str(self.hidden / "started")))
        self.canaries = hatch(generation)
        self.environ = {}
        desk, values, sealed, declared = {}, {}, {}, {}
        for number, canary in enumerate(self.canaries):
            source = source_of(canary)
            path = self.hidden / canary.name
            path.write_text(canary.value, newline="")
            desk[f"shop/{canary.name}"] = canary.value
            values[canary.name] = canary.value
            sealed[canary.name] = pyrage.encrypt(canary.value.encode(), [self.identity.to_public()])
            # What is no secret in the stack file would be any program's to see.
            if source == "env":
                self.environ[f"CANARY_{number}".encode()] = canary.value.encode()
            if source == "variable":
                self.environ[f"NEXUS_VAR_{canary.name}".encode()] = canary.value.encode()
            if source not in KEPT:
                continue
            where: dict[str, dict[str, Any]] = {
                "env": {"env": f"CANARY_{number}"},
                "file": {"file": str(path)},
                "age": {"age": "./nexus.secrets.json"},
                "vault": {"vault": "apps/shop"},
                "command": {"command": ["sh", "-c", 'sleep 0.1; cat "$0"', str(path)]},
                "keyring": {"keyring": "shop"},
            }
            declared[canary.name] = {**where[source], "trim": False}
        (self.hidden / "desk.json").write_text(json.dumps(desk))
        self.vault.values["", "secret", "apps/shop"] = values
        (self.work / "nexus.secrets.json").write_bytes(write_safe(Safe(
            recipients=(str(self.identity.to_public()),), values=sealed
        )))  # fmt: skip
        self.write_stack(declared, image)

    def write_stack(self, declared: dict[str, Any], image: str) -> None:
        names = list(declared)
        variables, given, each = (named(self.canaries, source) for source in ("variable", "parameter", "each"))
        wait = ["sleep", "infinity"]
        env = {f"V_{name}": f"x${{secret.{name}}}y" for name in names}
        env |= {f"V_{name}": f"x${{var.{name}}}y" for name in variables}
        taking = {"template": "./taker.yaml", "networks": []}
        sandboxes = {
            "files": {"image": image, "command": wait, "networks": [], "user": "daemon", "secrets": names},
            "vars": {"image": image, "command": wait, "networks": [], "env": env},
            "given": {**taking, "with": {name: f"${{file:../hidden/{name}}}" for name in given}},
            "each": {
                **taking,
                "for_each": {"one": {name: f"${{file:../hidden/{name}}}" for name in each}},
                "with": {name: f"${{each.value.{name}}}" for name in each},
            },
        }
        taker = {
            "name": "taker",
            "description": "takes",
            "image": image,
            "parameters": {name: {"sensitive": True, "default": "-"} for name in (*given, *each)},
            "defaults": {"command": wait, "env": {f"V_{name}": f"x${{param.{name}}}y" for name in (*given, *each)}},
        }
        (self.work / "taker.yaml").write_text(json.dumps(taker, indent=1))
        outputs: dict[str, Any] = {"where": "on ${stack.name}"}
        outputs |= {"all": {"value": "".join(f"${{var.{name}}}" for name in variables), "sensitive": True}}
        stack = {
            "name": self.name,
            "variables": {name: {"sensitive": True} for name in variables},
            "secrets": declared,
            "sandboxes": sandboxes,
            "outputs": outputs,
        }
        (self.work / "nexus.yaml").write_text(json.dumps(stack, indent=1))
        broken = {"image": image, "networks": [], "secrets": names, "env": {"PIN": "${secret.s00}"}}
        failing = {
            "startup": {**broken, "command": wait, "startup": "echo no; exit 3"},
            "task": {**broken, "kind": "task", "command": ["false"]},
            "gone": {**broken, "command": ["/nowhere/program"]},
        }
        (self.work / "failing.yaml").write_text(json.dumps({**stack, "sandboxes": {**sandboxes, **failing}}, indent=1))
        tell = "for f in /run/secrets/*; do cat $f; echo; done; env; exit 3"
        telling = {
            "startup": {**sandboxes["vars"], "secrets": names, "startup": tell},
            "task": {**sandboxes["vars"], "secrets": names, "kind": "task", "command": ["sh", "-c", tell]},
            "end": {**sandboxes["vars"], "secrets": names, "command": ["sh", "-c", tell]},
            "health": {**sandboxes["vars"], "secrets": names, "health": {"command": tell, "interval": 1, "retries": 1}},
        }
        (self.work / "telling.yaml").write_text(json.dumps({**stack, "sandboxes": telling}, indent=1))
        wrong = {
            "image": "${secret.s00}",
            "command": ["${secret.s01}", f"${{var.{variables[0]}}}"],
            "env": {"A": "${secret.s99}", "B": f"${{var.{variables[1]}.x}}"},
        }
        bad = {name: {"sensitive": True, **rule} for name, rule in zip(variables, WRONG, strict=False)}
        several = {**sandboxes["each"], "with": {name: f"<${{file:../hidden/{name}}}${{var.no}}>" for name in each}}
        stack |= {"variables": {**stack["variables"], **bad}, "sandboxes": {"wrong": wrong, "each": several}}
        (self.work / "wrong.yaml").write_text(json.dumps(stack, indent=1))

    def run(self, *arguments: str, code: int | None = 0, program: str = "", **environ: str) -> bytes:
        """What a command says on both streams; it ends with `code`, with any but 0 where that is None."""
        command = [sys.executable, *(("-c", program) if program else ("-m", "nexusctl"))]
        variables = {
            **{k: v for k, v in os.environb.items() if not k.startswith((b"NEXUS_", b"VAULT_", b"BAO_"))},
            **self.environ,
            b"HOME": os.fsencode(self.home),
            b"TMPDIR": os.fsencode(self.folder / "tmp"),
            b"PYTHONPATH": os.fsencode(f"{self.hidden}:{ROOT}"),
            b"PYTHON_KEYRING_BACKEND": b"tests.secrets.desk.Desk",
            b"NEXUS_TEST_DESK": os.fsencode(self.hidden / "desk.json"),
            b"NEXUS_AGE_IDENTITY": str(self.identity).encode(),
            b"VAULT_ADDR": self.vault.address.encode(),
            b"VAULT_TOKEN": TOKEN.encode(),
            b"EDITOR": b"true",
            **{key.encode(): value.encode() for key, value in environ.items()},
        }
        ended = subprocess.run(
            [*command, *arguments], cwd=self.work, env=variables, capture_output=True, stdin=subprocess.DEVNULL,
            timeout=300, check=False,
        )  # fmt: skip
        said = ended.stdout + ended.stderr
        assert (ended.returncode != 0) if code is None else ended.returncode == code, (arguments, said.decode())
        self.said[f"{len(self.said):02d} {' '.join(arguments)}"] = said
        return said

    def inspect(self, moment: str) -> None:
        """What the engine knows of the stack, without the variables of its sandboxes."""
        query = {"all": True, "filters": {"label": [f"{labels.STACK}={self.name}"]}}
        found: list[Any] = []
        for entry in self.wire.get("/containers/json", query):
            inspected = self.wire.get(f"/containers/{entry['Id']}/json")
            inspected["Config"].pop("Env")
            image = inspected["Image"]
            found += [entry, inspected, self.wire.get(f"/images/{image}/json")]
            found += [self.wire.get(f"/images/{image}/history"), self.wire.get(f"/containers/{entry['Id']}/changes")]
            with self.wire.open("GET", f"/containers/{entry['Id']}/logs", {"stdout": True, "stderr": True}) as log:
                found.append(log.read().decode(errors="replace"))
        found += [self.wire.get("/volumes", query), self.wire.get("/networks", query)]
        self.engine[moment] = json.dumps(found).encode() + json.dumps(found, ensure_ascii=False).encode()

    def files(self) -> dict[str, bytes]:
        """Everything that lies in the home, the repository and the folder for temporary files."""
        return {
            str(path): path.read_bytes()
            for top in (self.home, self.work, self.folder / "tmp")
            for path in top.rglob("*")
            if path.is_file()
        }


def source_of(canary: Canary) -> str:
    return SOURCES[int(canary.name[1:]) % len(SOURCES)]


def named(canaries: list[Canary], source: str) -> list[str]:
    return [canary.name for canary in canaries if source_of(canary) == source]


class Watch(threading.Thread):
    """Looks at all processes, again and again: at command lines, and at the environment of what nexusctl starts.

    What is gone between two looks is seen only by `LISTEN`, and only where nexusctl itself has started it.
    """

    def __init__(self, trail: Trail) -> None:
        super().__init__(daemon=True)
        self.trail = trail
        self.over = threading.Event()

    def run(self) -> None:
        own = os.getpid()
        while not self.over.wait(0.1):
            parents = {pid: parent for pid in Path("/proc").glob("[0-9]*") if (parent := _parent(pid))}
            ours = {int(pid.name) for pid, parent in parents.items() if parent == own}
            for pid, parent in parents.items():
                command = _read(pid / "cmdline")
                self.trail.processes.add(command)
                # nexusctl itself has the variables that its user gave it; nobody that it starts needs them. What it
                # starts is a copy of itself until it becomes another program, whose name is read first for that.
                if parent in ours and command != _read(Path(f"/proc/{parent}/cmdline")):
                    self.trail.processes.add(command + b"\n" + _read(pid / "environ"))


def _parent(pid: Path) -> int:
    stat = _read(pid / "stat").rpartition(b")")[2].split()
    return int(stat[1]) if len(stat) > 1 else 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


class Listener(threading.Thread):
    """Every event of the engine while it listens."""

    def __init__(self, trail: Trail) -> None:
        super().__init__(daemon=True)
        self.trail = trail
        self.answer = trail.wire.open("GET", "/events", {"since": time.time()}, timeout=1800)

    def run(self) -> None:
        # Until the connection is cut.
        with suppress(EngineUnreachable):
            for line in self.answer:
                self.trail.events.append(line)


@pytest.fixture(scope="module")
def trail(wire: Wire, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trail]:
    with serve_vault() as vault:
        made = Trail(tmp_path_factory.mktemp("canary"), f"canary-{uuid4().hex[:8]}", wire, vault)
        made.lay_out(base_image, 1)
        watch, listener = Watch(made), Listener(made)
        watch.start()
        listener.start()
        try:
            live(made, base_image)
            yield made
        finally:
            watch.over.set()
            watch.join()
            listener.answer.cut()
            made.run("destroy", "--stack", made.name, "--yes", "--volumes")
            # The last word is said when all else was looked through.
            assert leaks(made, made.said) == {}
            assert leaks(made, made.files()) == {}


def live(trail: Trail, image: str) -> None:
    """A life with everything in it that can go right and wrong."""
    for verb in (("validate",), ("validate", "--json"), ("config",), ("config", "--json"), ("config", "--origin")):
        trail.run(*verb)
    trail.run("validate", "-f", "wrong.yaml", code=1)
    trail.run("plan", "-f", "wrong.yaml", "--json", code=1)
    for form in ("json", "github"):
        trail.run("validate", "-f", "wrong.yaml", "--format", form, code=1)
    trail.run("plan")
    trail.run("plan", "--json")
    trail.run("plan", "--out", "first.plan")
    fail_to_read(trail)
    trail.run("apply", "--yes", program=BUG, code=70)
    trail.run("apply", "--yes", "-f", "failing.yaml", code=1)
    trail.run("apply", "--yes", "-f", "failing.yaml", "--json", "--on-failure", "rollback", code=1)
    trail.inspect("failed")
    told = trail.run("apply", "--yes", "-f", "telling.yaml", "--json", "--on-failure", "rollback", code=1)
    assert b"[redacted]" in told
    trail.run("apply", "--yes")
    trail.inspect("applied")
    for verb in (("plan", "--deep"), ("drift",), ("drift", "--json"), ("status",), ("status", "--json"), ("logs",)):
        trail.run(*verb)
    trail.run("exec", "files", "--", "false", code=1)
    for verb in (
        ("output",),
        ("output", "--json"),
        ("output", "where"),
        ("lock",),
        ("lock", "--update", "--yes", "--json"),
    ):
        trail.run(*verb)
    trail.run("plan", "--locked", "--json")
    trail.run("apply", "--yes", "--locked", "-f", "failing.yaml", code=1)
    (trail.work / "nexus.lock").unlink()
    applied = roll_back(trail, image)
    trail.run("plan", "--out", "second.plan")
    trail.lay_out(image, 2)
    trail.run("apply", "second.plan", "--json")
    trail.inspect("changed")
    for verb in (("list",), ("list", "--json"), ("rekey",), ("edit", "s02")):
        trail.run("secrets", *verb)
    trail.run("secrets", "edit", "s02", code=1, EDITOR="false")
    trail.run("import", "stack", trail.name, "--output", "imported.yaml", code=None)
    trail.run("unlock")
    trail.canaries = [*applied, *hatch(3), *trail.canaries]


def roll_back(trail: Trail, image: str) -> list[Canary]:
    """Other values that fail to be applied, so that what was there comes back; returns the canaries of that."""
    applied = trail.canaries
    trail.lay_out(image, 3)
    worse = json.loads((trail.work / "nexus.yaml").read_text())
    worse["sandboxes"]["files"]["restart"] = "always"
    worse["sandboxes"]["vars"]["command"] = ["false"]
    worse["sandboxes"]["vars"]["depends_on"] = ["files"]
    (trail.work / "worse.yaml").write_text(json.dumps(worse, indent=1))
    trail.run("apply", "--yes", "-f", "worse.yaml", "--on-failure", "rollback", code=1)
    trail.inspect("rolled back")
    trail.run("plan", "--json")
    return applied


def fail_to_read(trail: Trail) -> None:
    """Each source once where it does not answer."""
    trail.vault.sealed = True
    trail.run("apply", "--yes", code=1)
    trail.vault.sealed = False
    trail.run("apply", "--yes", code=1, VAULT_TOKEN="s.wrong")
    trail.run("apply", "--yes", "--json", code=1, NEXUS_AGE_IDENTITY=str(pyrage.x25519.Identity.generate()))
    trail.run("apply", "--yes", code=1, NEXUS_TEST_DESK="/nowhere")
    trail.run("apply", "--yes", code=1, PATH="/nowhere")
    trail.run("apply", code=1)
    held = trail.vault.values["", "secret", "apps/shop"]
    assert held
    trail.vault.values["", "secret", "apps/shop"] = {name: f"{value}\0" for name, value in held.items()}
    trail.run("apply", "--yes", code=1)
    trail.vault.values["", "secret", "apps/shop"] = held


def test_the_nose_finds_every_form_of_every_canary() -> None:
    for canary in hatch(3):
        nose = Nose([canary])
        value = f"--{canary.value[:400]}--"
        forms = [value, value.encode().hex(), value.encode().hex().upper(), quote(value), json.dumps(value)]
        if canary.kind != "pin":
            forms += [base64.b64encode(b"." * n + value.encode()).decode() for n in range(3)]
        assert [bool(nose.find(form.encode())) for form in forms] == [True] * len(forms), canary
        assert nose.find(f"a{canary.mark[:-1]}".encode()) == []


def test_no_line_that_a_program_prints_shows_a_canary() -> None:
    canaries = hatch(1)
    conceal = make_conceal(Secret(canary.value.encode()) for canary in canaries)
    for canary in canaries:
        lines = f"before {canary.value} behind".splitlines()
        if canary.kind == "long":
            # What prints such a line may be cut anywhere.
            lines += [f"before {canary.value[:100]}", f"{canary.value[-100:]} behind", canary.value[777:888]]
        assert Nose(canaries).find("\n".join(map(conceal, lines)).encode()) == []
    assert conceal("nothing of it") == "nothing of it"


def test_each_secret_is_where_it_was_meant_to_be(trail: Trail) -> None:
    for canary in hatch(2):
        hold_inside(trail, canary)


def hold_inside(trail: Trail, canary: Canary) -> None:
    """It is in the variable of the sandbox that its source is for and, where it is declared as a secret, in a file."""
    source = source_of(canary)
    if source in KEPT:
        assert read_inside(trail, "files", f"cat /run/secrets/{canary.name}") == canary.value.encode()
    sandbox = {"parameter": "given", "each": "each-one"}.get(source, "vars")
    assert read_inside(trail, sandbox, f'printf %s "$V_{canary.name}"') == f"x{canary.value}y".encode()


def read_inside(trail: Trail, sandbox: str, script: str) -> bytes:
    found = bytearray()
    container = f"{trail.name}_{sandbox}"
    run(trail.wire, container, ("/bin/sh", "-c", script), on_output=found.extend)
    return bytes(found)


def test_nothing_is_said(trail: Trail) -> None:
    assert leaks(trail, trail.said) == {}


def test_nothing_is_written(trail: Trail) -> None:
    files = trail.files()
    assert [name for name in files if "nexusctl-bug-" in name], "the log of the bug is among what is looked through"
    assert [name for name in files if name.endswith(".plan")]
    assert leaks(trail, files) == {}


def test_the_engine_knows_nothing_but_the_variables_of_a_sandbox(trail: Trail) -> None:
    assert leaks(trail, trail.engine) == {}
    assert any(trail.name.encode() in line for line in trail.events)
    assert leaks(trail, {"events": b"".join(trail.events)}) == {}


def test_no_process_shows_anything(trail: Trail) -> None:
    started = {bytes.fromhex(line) for line in (trail.hidden / "started").read_text().splitlines()}
    assert any(b"sleep 0.1; cat" in text for text in started), "the programs that print secrets were seen"
    assert any(b"-m\0nexusctl" in text for text in tuple(trail.processes)), "nexusctl itself was seen"
    # An editor is its user's own, and has what they have; in its words stands nothing either.
    started = {text.partition(b"\n")[0] if b"nexusctl-edit-" in text else text for text in started}
    for text in {*started, *tuple(trail.processes)}:
        program = text.partition(b"\n")[0].replace(b"\0", b" ").decode(errors="replace")
        assert leaks(trail, {program: text}) == {}


def leaks(trail: Trail, places: dict[str, bytes]) -> dict[str, list[str]]:
    nose = Nose(trail.canaries)
    found = {place: sorted(set(nose.find(text))) for place, text in places.items()}
    return {place: hits for place, hits in found.items() if hits}
