"""What `engine start` does on this machine: decided from facts, without looking and without acting."""

from __future__ import annotations

import shlex

from nexusctl.engine.docker.client.client import Endpoint
from nexusctl.engine.docker.client.connection_errors import DENIED
from nexusctl.engine.docker.host.machine_facts import Machine
from nexusctl.errors import Diagnostic
from nexusctl.model.values.frozen import dataclass

DEFAULT_SOCKET = "/var/run/docker.sock"
INSTALLED = ("docker.io", "iptables", "iproute2")
"""The distribution's packages that make an engine; the last two are only recommended by the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The engine that is meant: where it listens and keeps its data. `named_by` is empty for the usual one."""

    socket: str = DEFAULT_SOCKET
    data_root: str = ""
    named_by: str = ""

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def usual(self) -> bool:
        """Whether it is the machine's own engine, set up by /etc/docker/daemon.json, rather than one beside it."""
        return not self.data_root and self.socket in (DEFAULT_SOCKET, "/run/docker.sock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`answering` is the engine that answers already; `denied` says that the socket is there but closed to this user.

    `running` is the id of a daemon that is meant for this socket, 0 for none.
    """

    target: Target
    machine: Machine
    answering: Endpoint | None = None
    remote: str = ""
    denied: bool = False
    running: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An engine answers already."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Await:
    """A daemon runs, but does not answer yet."""

    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartUnit:
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartProcess:
    """`beside` says that another daemon owns this network namespace, so that this one needs another."""

    dockerd: str
    beside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallEngine:
    commands: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    problem: Diagnostic


Choice = Use | Await | StartUnit | StartProcess | InstallEngine | Refuse


def choose(situation: Situation) -> Choice:
    """The cheapest way to an engine that answers."""
    machine, target = situation.machine, situation.target
    if situation.answering:
        return Use(endpoint=situation.answering)
    if situation.remote:
        return Refuse(problem=_say_remote(situation.remote, target.named_by))
    if situation.denied:
        return Refuse(problem=_say_denied(target))
    if situation.running:
        return Await(pid=situation.running)
    if not machine.root:
        return Refuse(problem=_say_not_root(machine, target))
    return _choose_as_root(machine, target)


def _choose_as_root(machine: Machine, target: Target) -> Choice:
    if machine.unit and target.usual:
        return StartUnit(unit=machine.unit)
    if machine.dockerd:
        return StartProcess(dockerd=machine.dockerd, beside=bool(machine.neighbours))
    if can_install(machine):
        return InstallEngine(commands=install_commands())
    return Refuse(problem=_say_no_package(machine))


def can_install(machine: Machine) -> bool:
    return machine.apt and bool({machine.distribution, *machine.alike} & {"debian", "ubuntu"})


def install_commands() -> tuple[tuple[str, ...], ...]:
    return (("apt-get", "update"), ("apt-get", "install", "-y", "--no-install-recommends", *INSTALLED))


def _say_remote(url: str, named_by: str) -> Diagnostic:
    return Diagnostic(
        f"the engine at {url} (named by {named_by}) does not answer, and it is not on this machine",
        hint=f"start it there, or take {named_by} away to start one on this machine",
    )


def _say_denied(target: Target) -> Diagnostic:
    return Diagnostic(
        f"the socket {target.socket} is there, but this user may not open it",
        hint=DENIED,
    )


def _say_not_root(machine: Machine, target: Target) -> Diagnostic:
    if machine.unit and target.usual:
        commands = [f"sudo systemctl start {machine.unit}"]
    elif machine.dockerd or not can_install(machine):
        options = "" if target.usual else f" --host {shlex.quote(target.url)}"
        options += f" --data-root {shlex.quote(target.data_root)}" if target.data_root else ""
        commands = [f'sudo env "PATH=$PATH" nexusctl engine start{options}']
    else:
        commands = [f"sudo {shlex.join(command)}" for command in install_commands()]
        commands.append('sudo env "PATH=$PATH" nexusctl engine start')
    what = "starting" if machine.dockerd else "installing"
    return Diagnostic(f"{what} an engine takes root, and this is not root", hint="run " + "; ".join(commands))


def _say_no_package(machine: Machine) -> Diagnostic:
    system = machine.distribution or "this system"
    return Diagnostic(
        f"no dockerd is installed, and nexusctl can install one only on Debian and Ubuntu, not on {system}",
        hint="install Docker Engine the way this system does, then run `nexusctl engine start` again",
    )
