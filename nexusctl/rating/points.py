"""The table of points: the number in CIS Docker Benchmark 1.6.0, what it is about in our words, and who judges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from nexusctl.model.values.frozen import dataclass
from nexusctl.rating import daemon, sandbox
from nexusctl.rating.facts import EngineReport, SandboxFacts
from nexusctl.rating.verdict import Verdict

BENCHMARK = "CIS Docker Benchmark 1.6.0"

Rated = TypeVar("Rated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point(Generic[Rated]):
    number: str
    title: str
    judge: Callable[[Rated], Verdict]


def _engine(number: str, title: str, judge: Callable[[EngineReport], Verdict]) -> Point[EngineReport]:
    return Point(number=number, title=title, judge=judge)


def _sandbox(number: str, title: str, judge: Callable[[SandboxFacts], Verdict]) -> Point[SandboxFacts]:
    return Point(number=number, title=title, judge=judge)


ENGINE_POINTS: tuple[Point[EngineReport], ...] = (
    _engine("1.2.2", "the engine is up to date", daemon.judge_version),
    _engine("2.1", "the engine does not run as root", daemon.judge_rootless),
    _engine("2.2", "containers in the default network are kept apart", daemon.judge_bridge),
    _engine("2.3", "the engine logs at the level `info`", daemon.judge_untold),
    _engine("2.4", "the engine may set rules of iptables", daemon.judge_iptables),
    _engine("2.5", "no registry is used without TLS", daemon.judge_registries),
    _engine("2.6", "the storage driver is not aufs", daemon.judge_driver),
    _engine("2.7", "who calls the engine over TCP shows a certificate", daemon.judge_transport),
    _engine("2.8", "a default for ulimits is set", daemon.judge_untold),
    _engine("2.9", "users in containers are nobody outside", daemon.judge_users),
    _engine("2.10", "the engine's cgroup is the usual one", daemon.judge_untold),
    _engine("2.11", "the base device has its usual size", daemon.judge_base_size),
    _engine("2.12", "a plugin decides who may do what", daemon.judge_authorization),
    _engine("2.13", "logs go to another machine", daemon.judge_logging),
    _engine("2.14", "no container gains privileges by default", daemon.judge_privileges),
    _engine("2.15", "containers outlive a restart of the engine", daemon.judge_restore),
    _engine("2.16", "ports are published without the userland proxy", daemon.judge_untold),
    _engine("2.17", "a profile of seccomp is in force", daemon.judge_seccomp),
    _engine("2.18", "nothing experimental is on", daemon.judge_experimental),
    _engine("5.1", "swarm mode is off", daemon.judge_swarm),
    _engine("5.2", "AppArmor is in force", daemon.judge_apparmor),
    _engine("5.3", "SELinux is in force", daemon.judge_selinux),
)

SANDBOX_POINTS: tuple[Point[SandboxFacts], ...] = (
    _sandbox("4.1", "it does not run as root", sandbox.judge_user),
    _sandbox("4.2", "its image is the one that was looked at", sandbox.judge_base),
    _sandbox("4.6", "its image or file has a health check", sandbox.judge_health),
    _sandbox("4.10", "no secret stands in the file", sandbox.judge_plain_secrets),
    _sandbox("4.11", "its packages are those that were looked at", sandbox.judge_packages),
    _sandbox("5.4", "no capability is added", sandbox.judge_capabilities),
    _sandbox("5.5", "it is not privileged", sandbox.judge_impossible),
    _sandbox("5.6", "no folder that opens the machine is mounted", sandbox.judge_folders),
    _sandbox("5.7", "no server of ssh runs in it", sandbox.judge_ssh),
    _sandbox("5.8", "no port below 1024 of the machine is taken", sandbox.judge_low_ports),
    _sandbox("5.9", "only ports that are needed are open", sandbox.judge_ports),
    _sandbox("5.10", "it has a network of its own", sandbox.judge_host_network),
    _sandbox("5.11", "its memory is limited", sandbox.judge_memory),
    _sandbox("5.12", "its processor time is limited", sandbox.judge_cpus),
    _sandbox("5.13", "its root folder is read-only", sandbox.judge_root_folder),
    _sandbox("5.14", "ports are published on one address", sandbox.judge_addresses),
    _sandbox("5.15", "it is started again five times at most", sandbox.judge_restart),
    _sandbox("5.16", "it sees no processes of the machine", sandbox.judge_impossible),
    _sandbox("5.17", "it shares no memory with the machine", sandbox.judge_impossible),
    _sandbox("5.18", "it has no device of the machine", sandbox.judge_impossible),
    _sandbox("5.19", "its ulimits are the engine's", sandbox.judge_ulimit),
    _sandbox("5.20", "no mount of its is passed on to the machine", sandbox.judge_impossible),
    _sandbox("5.21", "it has a hostname of its own", sandbox.judge_impossible),
    _sandbox("5.22", "the profile of seccomp holds for it", sandbox.judge_impossible),
    _sandbox("5.25", "its cgroup is the usual one", sandbox.judge_impossible),
    _sandbox("5.26", "it gains no privileges", sandbox.judge_impossible),
    _sandbox("5.27", "its health is checked while it runs", sandbox.judge_health),
    _sandbox("5.29", "its processes are limited", sandbox.judge_processes),
    _sandbox("5.30", "it is not in the default network", sandbox.judge_default_bridge),
    _sandbox("5.31", "it shares no users with the machine on request", sandbox.judge_impossible),
    _sandbox("5.32", "it has no engine's socket", sandbox.judge_socket),
)
