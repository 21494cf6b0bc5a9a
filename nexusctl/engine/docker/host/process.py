"""One dockerd process: started in the background, remembered, and ended again.

What was started is remembered in a folder of its own under /run, so that `stop` ends that process and no other. The
process is known by its id together with its time of start: an id alone may belong to another by then.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from nexusctl.engine.docker.host.decide import Target
from nexusctl.engine.docker.host.machine_facts import DAEMON_PATH, read_command, read_start
from nexusctl.model.values.frozen import dataclass

STATE = Path("/run/nexusctl")
USUAL_PIDFILE = Path("/var/run/docker.pid")
USUAL_LOG = Path("/var/log/nexusctl-dockerd.log")
OPEN_FILES = 1_048_576
"""Open files that the daemon, and so every container, may have; a login shell's 1,024 is not enough."""

TAIL_LINES = 15
TAIL_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """What `engine start` started: a process with `pid`, `started` and `log`, or a systemd `unit`."""

    host: str
    how: Literal["process", "unit", "package"]
    pid: int = 0
    started: str = ""
    unit: str = ""
    log: str = ""
    version: int = 1

    @property
    def alive(self) -> bool:
        return self.how == "unit" or (bool(self.started) and read_start(self.pid) == self.started)


def state_folder(target: Target) -> Path:
    return STATE / f"engine-{hashlib.sha256(target.socket.encode()).hexdigest()[:8]}"


def log_path(target: Target) -> Path:
    return USUAL_LOG if target.usual else state_folder(target) / "dockerd.log"


def compose_config(target: Target) -> dict[str, Any]:
    """The daemon.json of an engine beside the machine's own: nothing that it keeps or listens on is shared."""
    folder = state_folder(target)
    return {
        "hosts": [target.url],
        "data-root": target.data_root or f"/var/lib/nexusctl/{folder.name}",
        "exec-root": str(folder / "exec"),
        "pidfile": str(folder / "dockerd.pid"),
    }


def compose_command(dockerd: str, target: Target, *, beside: bool) -> list[str]:
    """The command line of a daemon.

    A daemon that starts flushes the firewall chains of another in its network namespace, and removes its docker0 where
    it is told to have no bridge. So one that starts `beside` another gets a network namespace of its own: its
    containers reach each other, and nothing outside. Its process id stays that of the command.
    """
    command = [dockerd]
    if not target.usual:
        command += ["--config-file", str(state_folder(target) / "daemon.json")]
    if beside:
        return ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *command]
    return command


def spawn(dockerd: str, target: Target, *, beside: bool) -> tuple[Daemon, subprocess.Popen[bytes]]:
    """Start dockerd in a session of its own and remember it. Raises OSError where a folder cannot be written."""
    folder = state_folder(target)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not target.usual:
        (folder / "daemon.json").write_text(json.dumps(compose_config(target), indent=2))
        Path(target.socket).parent.mkdir(parents=True, exist_ok=True)
    clear_pidfiles(target)
    log = log_path(target)
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    _raise_limits()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            compose_command(dockerd, target, beside=beside),
            env={**os.environ, "PATH": DAEMON_PATH},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd="/",
            start_new_session=True,
        )
    started = read_start(process.pid)
    daemon = Daemon(host=target.url, how="process", pid=process.pid, started=started, log=str(log))
    remember(target, daemon)
    return daemon, process


def read_pidfile(path: Path, program: str = "dockerd") -> int:
    """The id of the process that a pid file names, 0 where `program` does not run under it."""
    try:
        pid = int(path.read_text())
    except (OSError, ValueError):
        return 0
    return pid if read_command(pid) == program and read_start(pid) else 0


def clear_pidfiles(target: Target) -> None:
    """Remove pid files that name no living daemon.

    dockerd refuses to start when any process has the id by now, and waits for a containerd that is a zombie.
    """
    folder = state_folder(target)
    exec_root = Path("/var/run/docker") if target.usual else folder / "exec"
    pidfiles = {
        USUAL_PIDFILE if target.usual else folder / "dockerd.pid": "dockerd",
        exec_root / "containerd" / "containerd.pid": "containerd",
    }
    for path, program in pidfiles.items():
        if not read_pidfile(path, program):
            path.unlink(missing_ok=True)


def remember(target: Target, daemon: Daemon) -> None:
    folder = state_folder(target)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = folder / "started.json.new"
    beside.write_text(json.dumps(asdict(daemon)))
    beside.replace(folder / "started.json")


def recall(target: Target) -> Daemon | None:
    """What `engine start` started there, whether it still runs or not; None where nothing is remembered."""
    try:
        known: Mapping[str, Any] = json.loads((state_folder(target) / "started.json").read_text())
        return Daemon(**known)
    except (OSError, ValueError, TypeError):
        return None


def disown(target: Target) -> None:
    """Forget that anything was started there; its log stays."""
    (state_folder(target) / "started.json").unlink(missing_ok=True)


def forget(target: Target) -> None:
    """Remove what is remembered, and the run-time folder unless something is still mounted in it."""
    disown(target)
    folder = state_folder(target)
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text(errors="replace").splitlines()]
    if not any(mount.startswith(f"{folder}/") for mount in mounts):
        shutil.rmtree(folder, ignore_errors=True)


def terminate(daemon: Daemon) -> None:
    """Ask the process to end; gone already is fine."""
    if daemon.alive:
        try:
            os.kill(daemon.pid, signal.SIGTERM)
        except ProcessLookupError:
            return


def read_tail(path: str) -> tuple[str, ...]:
    """The last lines of a log, none where it cannot be read."""
    try:
        with open(path, "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - TAIL_BYTES))
            return tuple(log.read().decode(errors="replace").splitlines()[-TAIL_LINES:])
    except OSError:
        return ()


def _raise_limits() -> None:
    """Give the daemon what its service file would: it hands its own limits on to containers."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard == resource.RLIM_INFINITY else max(hard, OPEN_FILES)
    for limit in (wanted, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        except (ValueError, OSError):
            continue
        return
