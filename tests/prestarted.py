"""`python -m nexusctl` in a process of its own that begins where each process of its verb comes to.

The start of Python and the imports of its verb are half of what a short command takes of the processor. So one process
for each verb starts as `python -m nexusctl` does, imports the verb's module as the group does, and forks for each
command, which goes on as if it had just come there itself. What it loads later, it loads anew.

Two take turns, in which the same text has another hash, as in any two processes: what goes by the order of a set shows.

Not for tests of the start itself, of a terminal, of signals and limits.
"""

from __future__ import annotations

import io
import itertools
import marshal
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess, Popen
from typing import Any

from nexusctl.cli.main import _MODULES, _VERBS

NEXUSCTL = [sys.executable, "-m", "nexusctl"]

_HOUSE = Path(__file__).parents[1]
_SIZE = 1 << 16
_ENVIRON = dict(os.environ)
_OF_THE_START = ("PYTHON", "LANG", "LC_", "LD_", "MALLOC_", "PATH", "TZ")
"""What the variables begin with that Python goes by when it starts, or a module when it is loaded."""


def run(
    command: Sequence[str | Path],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str | bytes | None = None,  # noqa: A002 - as `subprocess.run` has it
    stdin: int | None = None,
    capture_output: bool,
    text: bool = False,
    timeout: float | None = None,
    check: bool = False,
) -> CompletedProcess[Any]:
    """As `subprocess.run`, for `NEXUSCTL` with words."""
    assert (*command[:3],) == (*NEXUSCTL,)
    assert capture_output
    assert stdin in (None, DEVNULL)
    words = [str(word) for word in command[3:]]
    environ = dict(os.environ if env is None else env)
    if _of_the_start(environ) != _of_the_start(_ENVIRON):
        given: dict[str, Any] = {"stdin": DEVNULL} if input is None else {"input": input}
        return subprocess.run(
            command, cwd=cwd, env=environ, text=text, capture_output=True, timeout=timeout, check=check, **given
        )
    started = _Command(words, str(Path(cwd or ".").absolute()), environ, has_input=input is not None)
    fed = (input.encode() if isinstance(input, str) else input) or b""
    try:
        code, *said = started.follow(fed, timeout)
    except TimeoutError as error:
        os.kill(started.pid, signal.SIGKILL)
        raise subprocess.TimeoutExpired(command, timeout or 0) from error
    finally:
        started.close()
    done = CompletedProcess(
        command, code, *(io.TextIOWrapper(io.BytesIO(data)).read() if text else data for data in said)
    )
    if check:
        done.check_returncode()
    return done


class _Starter:
    """A process that forks, and those that it forks for verbs; they begin when one is asked for, and go with this."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: Popen[bytes] | None = None
        self._name = ""
        self._modules: set[str] = set()

    def connect(self, verb: str) -> socket.socket:
        with self._lock:
            if not self._process:
                self._begin()
            if verb not in _VERBS:
                return _connect(self._name)
            module = f"nexusctl.cli.commands.{_MODULES.get(verb, verb)}"
            if module not in self._modules:
                with _connect(self._name) as asked:
                    asked.send(module.encode())
                    assert asked.recv(_SIZE), "the process that forks has ended"
                self._modules.add(module)
        return _connect(f"{self._name}.{module}")

    def _begin(self) -> None:
        self._name = f"nexusctl-test-{os.getpid()}-{id(self)}"
        command = [sys.executable, "-m", "tests.forking", self._name]
        self._process = Popen(command, cwd=_HOUSE, env=_ENVIRON, stdin=PIPE, stdout=PIPE, bufsize=0)
        assert self._process.stdout
        assert self._process.stdout.read(1), "the process that forks has not begun"


_TURNS = itertools.cycle((_Starter(), _Starter()))


class _Command:
    """One that has begun, with the ends of its pipes."""

    def __init__(self, words: list[str], folder: str, environ: dict[str, str], *, has_input: bool) -> None:
        (their_in, our_in), (our_out, their_out), (our_err, their_err) = os.pipe(), os.pipe(), os.pipe()
        self._fed, self._said = our_in, (our_out, our_err)
        with open(their_in), open(their_out, "w"), open(their_err, "w"), open(os.devnull) as nothing:
            self._client = next(_TURNS).connect(words[0] if words else "")
            handed = their_in if has_input else nothing.fileno()
            message = marshal.dumps((words, folder, environ))
            socket.send_fds(self._client, [message], [handed, their_out, their_err])
        self.pid = int(self._client.recv(_SIZE))

    def follow(self, fed: bytes, timeout: float | None) -> tuple[int, bytes, bytes]:
        """Feed it, and wait for its exit code and for the end of what it says; `TimeoutError` where it takes longer."""
        until = time.monotonic() + timeout if timeout else None
        rest, code, said = memoryview(fed), b"", {number: bytearray() for number in self._said}
        with selectors.DefaultSelector() as waiting:
            for source in (self._client, *self._said):
                waiting.register(source, selectors.EVENT_READ)
            os.set_blocking(self._fed, False)
            waiting.register(self._fed, selectors.EVENT_WRITE)
            while waiting.get_map():
                ready = waiting.select(None if until is None else max(until - time.monotonic(), 0))
                if not ready:
                    raise TimeoutError
                for key, _ in ready:
                    if key.fd == self._fed:
                        rest = self._feed(rest)
                        if not rest:
                            waiting.unregister(self._fed)
                            os.close(self._fed)
                            self._fed = -1
                    elif key.fileobj is self._client:
                        code = self._client.recv(_SIZE)
                        waiting.unregister(self._client)
                    elif data := os.read(key.fd, _SIZE):
                        said[key.fd] += data
                    else:
                        waiting.unregister(key.fd)
        assert code, "the process that forks has ended"
        out, err = said.values()
        return int(code), bytes(out), bytes(err)

    def _feed(self, rest: memoryview) -> memoryview:
        try:
            return rest[os.write(self._fed, rest) :]
        except BrokenPipeError:
            return memoryview(b"")

    def close(self) -> None:
        self._client.close()
        for number in (self._fed, *self._said):
            if number >= 0:
                os.close(number)


def _connect(name: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made.connect(f"\0{name}")
    return made


def _of_the_start(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(_OF_THE_START)}
