"""`engine start|status|stop`, the acting half: `situation.py` looks, `choice.py` chooses, the caller asks."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nexusctl.engine.docker.client.client import Endpoint, Wire
from nexusctl.engine.docker.client.endpoint import negotiate
from nexusctl.engine.docker.host.cgroups import mount_cgroups
from nexusctl.engine.docker.host.decide import (
    Await,
    Choice,
    InstallEngine,
    Refuse,
    StartProcess,
    StartUnit,
    Target,
    Use,
)
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH, read_listener, read_start
from nexusctl.engine.docker.host.process import (
    STATE,
    USUAL_PIDFILE,
    Daemon,
    disown,
    forget,
    log_path,
    read_pidfile,
    read_tail,
    recall,
    remember,
    spawn,
    terminate,
)
from nexusctl.errors import Diagnostic, EngineError, EngineUnreachable, NexusError
from nexusctl.model.values.frozen import dataclass

START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
"""Seconds; dockerd itself gives its containers 15 to end."""

_PAUSE = 0.1
_REPORT_EVERY = 2.0

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """An engine that answers: what its `/version` and `/info` say, and what is remembered of its start."""

    endpoint: Endpoint
    version: Mapping[str, Any]
    info: Mapping[str, Any]
    daemon: Daemon | None


def start(target: Target, choice: Choice, *, timeout: float, report: Report) -> tuple[Endpoint, str]:
    """Carry out `choice`; returns the endpoint that answers and what was done, in words.

    Raises `EngineError` with the daemon's last log lines where it does not come up within `timeout` seconds.
    """
    match choice:
        case Use(endpoint=endpoint):
            return endpoint, f"an engine answers already at {endpoint.url} (found through {endpoint.source})"
        case Refuse(problem=problem):
            raise NexusError(problem)
        case InstallEngine():
            raise AssertionError("an install is carried out by `install`, then the machine is looked at again")
        case Await(pid=pid):
            endpoint = _await_answer(target, timeout, report, lambda: bool(read_start(pid)))
            return endpoint, f"waited for the daemon that runs already (pid {pid})"
        case StartUnit(unit=unit):
            return _start_unit(target, unit, timeout, report)
        case StartProcess():
            return _start_process(target, choice, timeout, report)


def install(choice: InstallEngine, report: Report) -> None:
    """Install the distribution's engine. Raises `NexusError` with the tool's last lines."""
    for command in choice.commands:
        report(f"running {' '.join(command)}")
        environ = {**os.environ, "PATH": DAEMON_PATH, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environ,
            check=False,
        )
        if done.returncode:
            output = (done.stdout + done.stderr).splitlines()[-15:]
            raise NexusError(
                Diagnostic(
                    f"`{' '.join(command)}` failed with exit code {done.returncode}",
                    hint="put right what it says, then run `nexusctl engine start` again",
                    output=tuple(output),
                )
            )


def adopt(target: Target, report: Report) -> None:
    """After an install: remember a daemon that the package itself started, so that `stop` ends that one too."""
    pid = read_pidfile(USUAL_PIDFILE)
    if pid and recall(target) is None:
        report(f"the package has started dockerd (pid {pid})")
        remember(target, Daemon(host=target.url, how="package", pid=pid, started=read_start(pid)))


def read_status(target: Target, named: Endpoint | None) -> EngineStatus:
    """Raises `EngineUnreachable` where nothing answers."""
    endpoint = negotiate(named or Endpoint(url=target.url, source="the usual sockets"))
    wire = Wire(endpoint, timeout=30.0)
    daemon = recall(target)
    return EngineStatus(
        endpoint=endpoint,
        version=wire.get("/version"),
        info=wire.get("/info"),
        daemon=daemon if daemon and daemon.alive else None,
    )


def stop(target: Target, *, timeout: float, report: Report) -> str:
    """End what `start` started; returns what was done, in words. Raises `NexusError` for anything else."""
    daemon = recall(target)
    if daemon is None:
        raise NexusError(_say_not_ours(target))
    if not daemon.alive:
        forget(target)
        return f"the engine at {target.url} had ended already (it was pid {daemon.pid})"
    if daemon.how == "unit":
        _systemctl("stop", f"{daemon.unit}.socket", f"{daemon.unit}.service")
        forget(target)
        return f"stopped the systemd unit {daemon.unit}"
    with _changing():
        terminate(daemon)
        if not _wait(
            lambda: not daemon.alive, timeout, lambda: report(f"waiting for dockerd (pid {daemon.pid}) to end")
        ):
            raise NexusError(
                Diagnostic(
                    f"dockerd (pid {daemon.pid}) was asked to end, and has not within {timeout:g} s",
                    hint="it may be stopping containers: run `nexusctl engine stop` again, with a longer --timeout",
                    output=read_tail(daemon.log),
                )
            )
        forget(target)
    return f"stopped dockerd (pid {daemon.pid}) at {target.url}"


def _start_process(target: Target, choice: StartProcess, timeout: float, report: Report) -> tuple[Endpoint, str]:
    with _changing():
        if endpoint := _ping(target):
            return endpoint, f"an engine answers already at {endpoint.url}: somebody else has just started it"
        mounted = mount_cgroups()
        report(f"starting {choice.dockerd}, log in {log_path(target)}")
        daemon, process = spawn(choice.dockerd, target, beside=choice.beside)
        try:
            endpoint = _await_answer(target, timeout, report, lambda: process.poll() is None, daemon.log)
        except BaseException:
            # Whatever ends the wait, an interrupt included: half an engine is not left behind.
            terminate(daemon)
            process.wait()
            disown(target)
            raise
    done = f"started {choice.dockerd} (pid {daemon.pid}), log in {daemon.log}"
    if choice.beside:
        done += "; in a network namespace of its own, because another dockerd owns this one"
    return endpoint, f"mounted {mounted}; {done}" if mounted else done


def _start_unit(target: Target, unit: str, timeout: float, report: Report) -> tuple[Endpoint, str]:
    report(f"starting the systemd unit {unit}")
    _systemctl("start", f"{unit}.service")
    remember(target, Daemon(host=target.url, how="unit", unit=unit))
    endpoint = _await_answer(target, timeout, report, lambda: True)
    return endpoint, f"started the systemd unit {unit}"


def _await_answer(target: Target, timeout: float, report: Report, alive: Callable[[], bool], log: str = "") -> Endpoint:
    """Raises `EngineUnreachable` when the daemon has ended, or has not answered within `timeout` seconds."""
    began = time.monotonic()
    ended = False

    def done() -> bool:
        nonlocal ended
        ended = not alive()
        return ended or _ping(target) is not None

    def tell() -> None:
        report(f"waiting for an answer at {target.url} ({time.monotonic() - began:.0f} s of {timeout:g} s)")

    _wait(done, timeout, tell)
    if not ended and (endpoint := _ping(target)):
        return endpoint
    failed = "dockerd has ended" if ended else f"dockerd does not answer within {timeout:g} s"
    where = f"its log is {log}" if log else "see `journalctl -u docker`, or the log of whoever started it"
    raise _EngineFailed(f"{failed} at {target.url}; {where}", read_tail(log))


class _EngineFailed(EngineUnreachable):
    """A daemon that does not come up, with the last lines of its log."""

    def __init__(self, summary: str, output: tuple[str, ...]) -> None:
        super().__init__(summary)
        hint = "put right what its log says, then run `nexusctl engine start` again; --timeout gives it more time"
        self.diagnostics = (Diagnostic(summary, hint=hint, output=output),)


def _ping(target: Target) -> Endpoint | None:
    try:
        return negotiate(Endpoint(url=target.url, source="nexusctl engine start"))
    except EngineError:
        return None


def _wait(done: Callable[[], bool], timeout: float, tell: Callable[[], None]) -> bool:
    """Call `done` until it is true or `timeout` seconds have passed, and `tell` every now and then."""
    began = told = time.monotonic()
    while not done():
        now = time.monotonic()
        if now - began > timeout:
            return False
        if now - told > _REPORT_EVERY:
            tell()
            told = now
        time.sleep(_PAUSE)
    return True


@contextmanager
def _changing() -> Iterator[None]:
    """Hold this machine's lock on starting and stopping; two starts at once must not make two daemons."""
    STATE.mkdir(parents=True, exist_ok=True, mode=0o755)
    with open(STATE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _systemctl(verb: str, *units: str) -> None:
    done = subprocess.run(["systemctl", verb, *units], capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        journal = subprocess.run(
            ["journalctl", "--no-pager", "-n", "15", "-u", units[-1]], capture_output=True, text=True, check=False
        )
        raise NexusError(
            Diagnostic(
                f"`systemctl {verb} {' '.join(units)}` failed with exit code {done.returncode}",
                hint="put right what the journal says",
                output=tuple((done.stderr + journal.stdout).splitlines()[-16:]),
            )
        )


def _say_not_ours(target: Target) -> Diagnostic:
    pid = read_listener(target.socket)
    if not pid:
        return Diagnostic(
            f"nothing listens at {target.url}, and nothing is remembered as started there",
            hint="`nexusctl engine status` shows which engine is in use",
        )
    return Diagnostic(
        f"the engine at {target.url} (pid {pid}) was not started by `nexusctl engine start`, so it is not stopped",
        hint=f"stop it the way it was started: `systemctl stop docker`, `service docker stop` or `kill {pid}`",
    )
