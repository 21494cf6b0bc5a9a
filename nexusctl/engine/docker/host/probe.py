"""Which engine `engine start|status|stop` is about, and how things stand there. Looks and decides nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nexusctl.engine.docker.client.client import Endpoint
from nexusctl.engine.docker.client.endpoint import find_endpoint, is_there, negotiate
from nexusctl.engine.docker.host.decide import Situation, Target
from nexusctl.engine.docker.host.machine_facts import look_around
from nexusctl.engine.docker.host.process import USUAL_PIDFILE, read_pidfile, recall
from nexusctl.errors import Diagnostic, EngineUnreachable, InputError, UnsupportedEngine

LONGEST_SOCKET = 107
"""Bytes that the path of a Unix socket may have."""


def aim(host: str | None, data_root: str | None, environ: Mapping[str, str]) -> tuple[Target, Endpoint | None]:
    """The engine that is meant, and its endpoint where somebody named one. Raises `InputError`, `EngineUnreachable`."""
    if host is None and data_root is not None:
        raise InputError(
            Diagnostic(
                "--data-root is for an engine of its own, and that needs a socket of its own",
                hint="say also --host unix:///some/path.sock",
            )
        )
    if host is not None:
        return _aim_at(Endpoint(url=_check_host(host), source="--host"), data_root)
    try:
        endpoint = find_endpoint(environ)
    except EngineUnreachable as error:
        if environ.get("DOCKER_HOST") or error.__cause__:
            raise  # what somebody named cannot be used; an engine started here would not be found later
        return Target(), None
    return _aim_at(endpoint, None)


def look(target: Target, named: Endpoint | None) -> Situation:
    """The facts that `choose` decides on. Raises `UnsupportedEngine` where another kind of engine listens there."""
    answering, remote, path = None, "", target.socket
    if named:
        remote = "" if named.url.startswith("unix:") else named.url
        try:
            answering = negotiate(named)
        except UnsupportedEngine:
            raise
        except EngineUnreachable:
            answering = None
    # Also a folder on the way to it may be closed.
    denied = not remote and is_there(path) and not os.access(path, os.R_OK | os.W_OK)
    return Situation(
        target=target,
        machine=look_around(),
        answering=answering,
        remote=remote,
        denied=denied,
        running=_find_daemon(target),
    )


def _find_daemon(target: Target) -> int:
    known = recall(target)
    if known and known.alive:
        return known.pid
    return read_pidfile(USUAL_PIDFILE) if target.usual else 0


def _aim_at(endpoint: Endpoint, data_root: str | None) -> tuple[Target, Endpoint]:
    named_by = "" if endpoint.source == "the usual sockets" else endpoint.source
    if not endpoint.url.startswith("unix://"):
        return Target(named_by=named_by), endpoint
    path = endpoint.url.removeprefix("unix://")
    folder = str(Path(data_root).absolute()) if data_root else ""
    return Target(socket=path, data_root=folder, named_by=named_by), endpoint


def _check_host(host: str) -> str:
    path = host.removeprefix("unix://")
    if not host.startswith("unix:///"):
        raise InputError(
            Diagnostic(
                f"--host {host}: an engine that nexusctl starts or stops listens on a socket of this machine",
                hint="write unix:/// and an absolute path, such as unix:///run/second.sock",
            )
        )
    if len(path.encode()) > LONGEST_SOCKET:
        raise InputError(
            Diagnostic(
                f"--host {host}: the path is longer than the {LONGEST_SOCKET} bytes that a socket's may have",
                hint="choose a shorter one",
            )
        )
    return host
