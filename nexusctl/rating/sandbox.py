"""Judgements of a sandbox by what its file says of it, and of its image by what the engine says."""

from __future__ import annotations

from nexusctl.rating.facts import SandboxFacts
from nexusctl.rating.verdict import PASS, Verdict, info, never, passed, warn

_PRIVILEGED_PORTS = 1024
_EVERYWHERE = ("0.0.0.0", "::")
_SSH_PACKAGES = {"openssh-server", "dropbear", "dropbear-bin", "tinysshd"}
_ABSENT = "its image is not on the engine, which alone could tell"


def judge_user(facts: SandboxFacts) -> Verdict:
    sandbox = facts.sandbox
    if sandbox.user is None and facts.image is None:
        return info(_ABSENT, "`user: NAME` says it in the file")
    user = sandbox.user if sandbox.user is not None else facts.image.user if facts.image else ""
    if user.partition(":")[0] not in ("", "root", "0"):
        return passed(user)
    return warn("it runs as root", "`user: NAME`, of a user that the image has, or `user: 1000:1000`", "user")


def judge_base(facts: SandboxFacts) -> Verdict:
    if facts.pinned:
        return passed("held by a digest")
    finding = f"whatever `{facts.sandbox.image}` means when it is fetched"
    return warn(finding, "`nexusctl lock`, and `--locked` where it is applied", "image")


def judge_health(facts: SandboxFacts) -> Verdict:
    sandbox = facts.sandbox
    if sandbox.kind == "task":
        return never("a task ends")
    if sandbox.health is not None:
        return PASS
    if sandbox.image_health and facts.image is None:
        return info(_ABSENT, '`health: {http: ":PORT/PATH"}` says it in the file')
    if sandbox.image_health and facts.image is not None and facts.image.checked:
        return passed("the image's own")
    return warn("nobody looks whether it works", '`health: {http: ":PORT/PATH"}`, `{tcp: PORT}` or `{command: ...}`')


def judge_plain_secrets(facts: SandboxFacts) -> Verdict:
    if not facts.open_secrets:
        return PASS
    finding = f"{', '.join(facts.open_secrets)} in plain words"
    return warn(finding, "`secrets:` with the file in /run/secrets, or `${secret.NAME}`", facts.open_secrets[0])


def judge_packages(facts: SandboxFacts) -> Verdict:
    if not facts.sandbox.packages:
        return never("it has no packages of its own")
    if facts.held:
        return passed("held by a lock file")
    return warn("whatever the index gives", "`nexusctl lock`, and `--locked` where it is applied", "packages")


def judge_capabilities(facts: SandboxFacts) -> Verdict:
    if added := facts.sandbox.cap_add:
        return warn(f"{', '.join(sorted(added))} added", "take out of `cap_add` what it does not need", "cap_add")
    return passed("none" if "ALL" in facts.sandbox.cap_drop else "fewer than Docker's default")


def judge_folders(facts: SandboxFacts) -> Verdict:
    opened = {target: why for target, why in facts.opened.items() if target not in facts.sockets}
    if not opened:
        return PASS
    finding = ", ".join(f"{target} ({why})" for target, why in sorted(opened.items()))
    return warn(finding, "mount a folder of the project, `read_only: true` where it is only read", "volumes")


def judge_socket(facts: SandboxFacts) -> Verdict:
    if not facts.sockets:
        return PASS
    return warn(f"at {', '.join(sorted(facts.sockets))}", "take it out: it is root of the engine's machine", "volumes")


def judge_ssh(facts: SandboxFacts) -> Verdict:
    sandbox = facts.sandbox
    packages = {package.name for each in sandbox.packages for package in each.packages}
    words = " ".join([*(sandbox.command or ()), sandbox.startup or ""]).replace("/", " ").split()
    if packages & _SSH_PACKAGES or "sshd" in words:
        field = "packages" if packages & _SSH_PACKAGES else "command"
        return warn("it has a server of ssh", "take it out: `nexusctl exec NAME sh` opens a terminal", field)
    return passed("none is named; what the image starts is not looked at")


def judge_low_ports(facts: SandboxFacts) -> Verdict:
    low = [str(port.host) for port in facts.sandbox.ports if port.host is not None and port.host < _PRIVILEGED_PORTS]
    if not low:
        return PASS
    return warn(f"port {', '.join(low)}", f"a host port from {_PRIVILEGED_PORTS} up, such as `8080:80`", "ports")


def judge_ports(facts: SandboxFacts) -> Verdict:
    """Which are needed, people know."""
    ports = [f"{port.container}/{port.protocol}" for port in facts.sandbox.ports]
    if not ports:
        return PASS
    finding = f"{', '.join(ports)} published"
    return info(finding, "no port need be published for sandboxes of the stack", "ports")


def judge_addresses(facts: SandboxFacts) -> Verdict:
    wide = [str(port.container) for port in facts.sandbox.ports if port.address in _EVERYWHERE]
    if not wide:
        return PASS
    return warn(f"port {', '.join(wide)} on every address", "leave `address` out: it is 127.0.0.1 then", "ports")


def judge_host_network(facts: SandboxFacts) -> Verdict:
    if "host" in facts.external:
        return warn("it is in the network of the engine's machine", "`networks: [default]`", "networks")
    return PASS


def judge_default_bridge(facts: SandboxFacts) -> Verdict:
    return warn("it is in `bridge`", "`networks: [default]`", "networks") if "bridge" in facts.external else PASS


def judge_memory(facts: SandboxFacts) -> Verdict:
    if facts.sandbox.resources.memory is not None:
        return PASS
    return warn("it can use all of the machine's", "`resources: {memory: 512m}`", "resources")


def judge_cpus(facts: SandboxFacts) -> Verdict:
    if facts.sandbox.resources.cpus is not None:
        return PASS
    return warn("it can use all of the machine's", "`resources: {cpus: 1}`", "resources")


def judge_root_folder(_: SandboxFacts) -> Verdict:
    return warn("it can write to its own files", "a stack file has no word for it; volumes are what is kept")


def judge_restart(facts: SandboxFacts) -> Verdict:
    restart = facts.sandbox.restart
    if facts.sandbox.kind == "task" or restart == "no":
        return PASS
    if restart == "on-failure":
        return info(
            "the engine starts it again without end, ever later", "a stack file has no number for it", "restart"
        )
    return warn(f"{restart}: without end, whatever happens", "`restart: on-failure`", "restart")


def judge_ulimit(_: SandboxFacts) -> Verdict:
    return info("the engine's own; a stack file has no word for it")


def judge_processes(facts: SandboxFacts) -> Verdict:
    return passed(f"{facts.sandbox.resources.pids}") if facts.sandbox.resources.pids > 0 else warn("none is set")


def judge_impossible(_: SandboxFacts) -> Verdict:
    """What no stack file can ask for."""
    return PASS
