"""What a program prints, such as `op` or `pass`. It is run without a shell; what it says in failing is not shown."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Collection

from nexusctl.model.secret import SecretRef
from nexusctl.secrets.base import SIZE_LIMIT, Unreadable

CHUNK = 65536


class CommandSource:
    """The program gets the environment of nexusctl without `hidden`, the variables that are secrets themselves."""

    def __init__(self, hidden: Collection[str] = ()) -> None:
        self._hidden = hidden

    def read(self, ref: SecretRef) -> bytes:
        """Its standard output. On a terminal it may ask there; elsewhere what it says besides is dropped."""
        program, asks = ref.command[0], os.isatty(0) and os.isatty(2)
        try:
            running = subprocess.Popen(
                ref.command,
                stdin=None if asks else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if asks else subprocess.DEVNULL,
                # A session of its own would take the terminal away from it.
                start_new_session=not asks,
                env={name: value for name, value in os.environ.items() if name not in self._hidden},
            )
        except FileNotFoundError:
            raise Unreadable(f"there is no program `{program}`", "install it, or name it with its path") from None
        except OSError as error:
            reason = (error.strerror or "unknown error").lower()
            raise Unreadable(f"`{program}` cannot be run: {reason}", "check its permissions") from None
        try:
            value = _read_output(running, program, ref.timeout)
        finally:
            _end(running, whole=not asks)
        if running.returncode != 0:
            how = _describe_end(running.returncode)
            raise Unreadable(f"`{program}` {how}", "run it yourself to see what it says; its output is not shown here")
        return value


def _read_output(running: subprocess.Popen[bytes], program: str, timeout: float) -> bytes:
    """All that it prints, until it has ended too."""
    assert running.stdout is not None
    deadline, value = time.monotonic() + timeout, bytearray()
    late = Unreadable(
        f"`{program}` has not ended after {timeout:g} s", "allow it more with `timeout`, or see what it waits for"
    )
    with running.stdout as output:
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                raise late
            chunk = os.read(output.fileno(), CHUNK)
            value += chunk
            if len(value) > SIZE_LIMIT:
                raise Unreadable(f"`{program}` printed more than 1 MiB", "a file of that size belongs under `uploads`")
            if not chunk:
                break
    try:
        running.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise late from None
    return bytes(value)


def _end(running: subprocess.Popen[bytes], *, whole: bool) -> None:
    """End what still runs of it, with what it has started where that is its own session (`whole`)."""
    if running.returncode is not None:
        return
    if whole:
        os.killpg(running.pid, signal.SIGKILL)
    running.kill()
    running.wait()


def _describe_end(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
