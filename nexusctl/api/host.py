"""The engine as a program of this machine: found, started, stopped; and what stands in its way here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from nexusctl.engine.base import Report
from nexusctl.engine.docker.client.client import Endpoint
from nexusctl.engine.docker.host import manage as daemon
from nexusctl.engine.docker.host.checks import Check
from nexusctl.engine.docker.host.decide import InstallEngine, choose
from nexusctl.engine.docker.host.manage import START_TIMEOUT, STOP_TIMEOUT, EngineStatus
from nexusctl.engine.docker.host.probe import aim, look
from nexusctl.errors import EngineError
from nexusctl.model.trust import Trust

__all__ = [
    "Check",
    "START_TIMEOUT",
    "STOP_TIMEOUT",
    "Endpoint",
    "InstallEngine",
    "EngineStatus",
    "examine_machine",
    "read_status",
    "start",
    "stop",
]

QUICK = 2.0
"""Seconds that `doctor` waits for the sizes of caches."""

Ask = Callable[[InstallEngine], None]
"""Asked before something is installed; raises where it shall not be."""


def start(
    host: str | None, data_root: str | None, environ: Mapping[str, str], *, timeout: float, ask: Ask, report: Report
) -> tuple[Endpoint, str]:
    """Use the engine that answers, else start the installed one, else install and start the distribution's.

    Returns where it answers, and what was done. `timeout` is in seconds. Raises `EngineUnreachable`, `InputError`.
    """
    target, named = aim(host, data_root, environ)
    choice = choose(look(target, named))
    if isinstance(choice, InstallEngine):
        ask(choice)
        daemon.install(choice, report)
        daemon.adopt(target, report)
        choice = choose(look(target, named))
    return daemon.start(target, choice, timeout=timeout, report=report)


def read_status(host: str | None, environ: Mapping[str, str]) -> EngineStatus:
    """The engine that commands would use, and how it was found. Raises `EngineUnreachable`."""
    target, named = aim(host, None, environ)
    return daemon.read_status(target, named)


def stop(host: str | None, environ: Mapping[str, str], *, timeout: float, report: Report) -> str:
    """Stop the engine that `start` started; returns what was done. `timeout` is in seconds."""
    target, _ = aim(host, None, environ)
    return daemon.stop(target, timeout=timeout, report=report)


def examine_machine(environ: Mapping[str, str], trust: Trust) -> tuple[Check, ...]:
    """Each thing that was looked at, with what was found and what to do. Changes nothing."""
    # Whoever starts or stops an engine looks at nothing else.
    from nexusctl.engine.docker.client.client import Wire  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.engine.docker.client.endpoint import connect  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.engine.docker.engine import DockerEngine  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.engine.docker.host.answering import ANSWER_TIMEOUT  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.engine.docker.host.doctor import (  # noqa: PLC0415 - deferred: start-up time
        check_reaper,
        check_trust,
        check_unused,
        examine,
    )

    checks = [*examine(environ)]
    # Of an engine that does not answer it is said already.
    lacking = any(check.name in ("engine", "containers") and check.status == "problem" for check in checks)
    if lacking:
        return (*checks, check_trust(trust))
    with suppress(EngineError):
        engine = DockerEngine(Wire(connect(environ).endpoint, timeout=ANSWER_TIMEOUT))
        checks.append(check_reaper(engine.survey()))
        checks.append(check_unused(engine.overview.list_disposables(QUICK)))
    return (*checks, check_trust(trust))
