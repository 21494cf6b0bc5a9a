"""Judgements of an engine by what it says of itself. What it does not say is not guessed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nexusctl.rating.facts import EngineReport
from nexusctl.rating.verdict import PASS, UNTOLD, Verdict, info, never, passed, warn

OLD = 365
"""Days after which a build of the engine counts as old."""

_SETTINGS = "in the engine's daemon.json"
_LOCAL_LOGS = ("json-file", "local", "none")
_LOOPBACK = ("127.0.0.0/8", "::1/128")


def judge_version(engine: EngineReport) -> Verdict:
    """The engine's own clock says how old it is; what is current by now it cannot know."""
    version = _text(engine.version, "Version")
    if not version:
        return info(UNTOLD)
    built, now = _time(_text(engine.version, "BuildTime")), _time(_text(engine.info, "SystemTime"))
    if built is None or now is None:
        return info(f"{version}; when it was built is {UNTOLD}")
    days = (now - built).days
    finding = f"{version}, built {days} days ago"
    advice = "look whether your distribution, or Docker, has a newer one"
    return warn(finding, advice) if days > OLD else info(finding, advice)


def judge_rootless(engine: EngineReport) -> Verdict:
    if "rootless" in _security(engine):
        return PASS
    return info("it runs as root", "see the engine's rootless mode; limits need cgroup version 2 there")


def judge_bridge(engine: EngineReport) -> Verdict:
    if engine.bridge is None:
        return never("the engine has no network of its own")
    said = _text(engine.bridge, "com.docker.network.bridge.enable_icc")
    if not said:
        return info(UNTOLD)
    return PASS if said == "false" else warn("containers in `bridge` reach each other", f'`"icc": false` {_SETTINGS}')


def judge_untold(_: EngineReport) -> Verdict:
    return info(UNTOLD)


def judge_iptables(engine: EngineReport) -> Verdict:
    backend = engine.info.get("FirewallBackend")
    driver = _text(backend, "Driver") if isinstance(backend, Mapping) else ""
    return passed(f"it sets rules by {driver}") if driver else info(UNTOLD)


def judge_registries(engine: EngineReport) -> Verdict:
    config = engine.info.get("RegistryConfig")
    if not isinstance(config, Mapping):
        return info(UNTOLD)
    listed = config.get("InsecureRegistryCIDRs")
    ranges = [str(item) for item in listed if item not in _LOOPBACK] if isinstance(listed, list) else []
    indexes = config.get("IndexConfigs")
    named = indexes.items() if isinstance(indexes, Mapping) else ()
    hosts = [str(name) for name, index in named if isinstance(index, Mapping) and index.get("Secure") is False]
    if not ranges and not hosts:
        return PASS
    return warn(", ".join([*sorted(hosts), *ranges]), f"take them out of `insecure-registries` {_SETTINGS}")


def judge_driver(engine: EngineReport) -> Verdict:
    driver = _text(engine.info, "Driver")
    if not driver:
        return info(UNTOLD)
    return warn("driver aufs", f'`"storage-driver": "overlay2"` {_SETTINGS}') if driver == "aufs" else passed(driver)


def judge_transport(engine: EngineReport) -> Verdict:
    """An engine tells by itself where it listens for everybody who gets there."""
    warnings = engine.info.get("Warnings")
    said = [str(each) for each in warnings] if isinstance(warnings, list) else []
    if open_to := next((each for each in said if "without encryption" in each), ""):
        return warn(f"the engine says: {open_to}", "set `tlsverify` with certificates, or listen on the socket only")
    if engine.url.startswith("tcp://"):
        advice = "DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH with its certificates"
        return PASS if engine.encrypted else warn("it is spoken to by TCP without TLS", advice)
    return never("it is not reached by TCP here")


def judge_users(engine: EngineReport) -> Verdict:
    if {"userns", "rootless"} & _security(engine).keys():
        return PASS
    finding = "root in a sandbox is root of the engine's machine where it gets out"
    return warn(finding, f'`"userns-remap": "default"` {_SETTINGS}; images and volumes are made anew then')


def judge_base_size(engine: EngineReport) -> Verdict:
    driver = _text(engine.info, "Driver")
    return info(UNTOLD) if driver in ("", "devicemapper") else never(f"{driver} has none")


def judge_authorization(engine: EngineReport) -> Verdict:
    plugins = engine.info.get("Plugins")
    if not isinstance(plugins, Mapping):
        return info(UNTOLD)
    if plugins.get("Authorization"):
        return PASS
    return warn("whoever reaches the engine may do everything", f"`authorization-plugins` {_SETTINGS}")


def judge_logging(engine: EngineReport) -> Verdict:
    driver = _text(engine.info, "LoggingDriver")
    if not driver:
        return info(UNTOLD)
    if driver not in _LOCAL_LOGS:
        return passed(f"{driver}; sandboxes have files of 10 MB that rotate, whatever is set")
    return warn(f"{driver}: logs stay on the engine's machine", f"`log-driver` {_SETTINGS}, for other containers")


def judge_privileges(engine: EngineReport) -> Verdict:
    if "no-new-privileges" in _security(engine):
        return PASS
    return info(f"{UNTOLD}; every sandbox has it by itself")


def judge_restore(engine: EngineReport) -> Verdict:
    if _swarm(engine) == "active":
        return never("a swarm cannot have it")
    said = engine.info.get("LiveRestoreEnabled")
    if not isinstance(said, bool):
        return info(UNTOLD)
    return (
        PASS if said else warn("an engine that ends takes every sandbox along", f'`"live-restore": true` {_SETTINGS}')
    )


def judge_experimental(engine: EngineReport) -> Verdict:
    said = engine.info.get("ExperimentalBuild")
    if not isinstance(said, bool):
        return info(UNTOLD)
    return warn("they are on", f'take `"experimental": true` out {_SETTINGS}') if said else PASS


def judge_swarm(engine: EngineReport) -> Verdict:
    state = _swarm(engine)
    if not state:
        return info(UNTOLD)
    return PASS if state == "inactive" else warn(f"its state is {state}", "docker swarm leave, where nobody needs it")


def judge_apparmor(engine: EngineReport) -> Verdict:
    found = _security(engine)
    if "apparmor" in found:
        return PASS
    if "selinux" in found:
        return never("SELinux is in force")
    return warn(
        "neither AppArmor nor SELinux holds a sandbox", "a kernel with AppArmor, and `apt-get install apparmor`"
    )


def judge_selinux(engine: EngineReport) -> Verdict:
    found = _security(engine)
    if "selinux" in found:
        return PASS
    return never("AppArmor is in force") if "apparmor" in found else never("the engine has none; see 5.2")


def judge_seccomp(engine: EngineReport) -> Verdict:
    """No field of a stack file takes the profile away, so the engine's own word holds for every sandbox."""
    found = _security(engine)
    if "seccomp" not in found:
        return warn("the engine filters no system calls", "a kernel with CONFIG_SECCOMP, and an engine built for it")
    profile = found["seccomp"]
    if profile == "unconfined":
        return warn("the engine's profile is `unconfined`", f"take `seccomp-profile` out {_SETTINGS}")
    return passed(f"profile {profile}" if profile else "")


def _security(engine: EngineReport) -> dict[str, str]:
    """What the engine names in its security options, each with its profile: `name=seccomp,profile=default`."""
    said = engine.info.get("SecurityOptions")
    found = {}
    for option in said if isinstance(said, list) else ():
        parts = dict(part.partition("=")[::2] for part in str(option).split(","))
        found[parts.get("name", str(option))] = parts.get("profile", "")
    return found


def _swarm(engine: EngineReport) -> str:
    swarm = engine.info.get("Swarm")
    return _text(swarm, "LocalNodeState") if isinstance(swarm, Mapping) else ""


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else ""


def _time(said: str) -> datetime | None:
    """Only the whole seconds: engines write nine digits behind them."""
    try:
        return datetime.fromisoformat(f"{said[:19]}+00:00")
    except ValueError:
        return None
