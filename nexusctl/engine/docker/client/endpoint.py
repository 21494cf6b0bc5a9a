"""Which engine is meant, found as the docker command line finds it, and the way to it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nexusctl.engine.docker.client.client import CALL_TIMEOUT, FOREVER, Endpoint, Wire
from nexusctl.engine.docker.client.connection_errors import DENIED, advice, describe_failure
from nexusctl.errors import EngineError, EngineUnreachable, UnsupportedEngine
from nexusctl.model.values.checksum import sha256

NEWEST_VERSION = "1.45"
"""The newest API version that this code was written for; an older engine is spoken to in its own."""

PING_TIMEOUT = 5.0
"""Seconds that an engine on this machine has for its first answer."""

REMOTE_PING_TIMEOUT = 10.0
"""Seconds that an engine behind a network has for it."""

SSH_PING_TIMEOUT = 30.0
"""Seconds that an engine behind ssh has for it, which may have to log in first."""

_REMOTE_HINT = "see whether an engine runs there, and whether this machine reaches it"
_PING_TIMEOUTS = {"unix": PING_TIMEOUT, "ssh": SSH_PING_TIMEOUT}
_HINT = "start one on this machine with `nexusctl engine start`, or say with DOCKER_HOST where one listens"
_SCHEMES = ("unix", "tcp", "http", "https", "ssh")


def connect(environ: Mapping[str, str] | None = None) -> Wire:
    """A wire to the engine that `find_endpoint` names, at an API version that both sides know.

    DOCKER_CLIENT_TIMEOUT sets the seconds without a byte after which a call counts as unanswered.
    Raises `EngineUnreachable` where nothing answers.
    """
    environ = os.environ if environ is None else environ
    timeout = _read_timeout(environ.get("DOCKER_CLIENT_TIMEOUT", ""))
    found = find_endpoint(environ)
    # One that had to be called to be found has said what it speaks.
    return Wire(found if found.version else negotiate(found), timeout=timeout)


def _read_timeout(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text)) < FOREVER:
            return seconds
    return CALL_TIMEOUT


def find_endpoint(environ: Mapping[str, str] | None = None) -> Endpoint:
    """DOCKER_HOST, else the docker context, else the first of the usual sockets that answers.

    Only the usual sockets are called; an endpoint that somebody named is returned unasked.
    Raises `EngineUnreachable` for a context that cannot be read and where no usual socket answers.
    """
    environ = os.environ if environ is None else environ
    if host := environ.get("DOCKER_HOST"):
        return Endpoint(url=_normalise(host, "DOCKER_HOST"), source="DOCKER_HOST", tls=_find_certificates(environ))
    name, source = _find_context_name(environ)
    if name and name != "default":
        return _read_context(name, source, _config_folder(environ))
    return _probe_sockets(environ)


def negotiate(endpoint: Endpoint) -> Endpoint:
    """`endpoint` with the API version to speak, learned from one ping.

    Raises `EngineUnreachable`, and `UnsupportedEngine` for Podman: its answers differ from Docker's where the truth
    about a sandbox rests on them, such as health, labels and events.
    """
    timeout = _PING_TIMEOUTS.get(endpoint.url.partition(":")[0], REMOTE_PING_TIMEOUT)
    try:
        with Wire(endpoint, timeout=timeout).open("GET", "/_ping") as answer:
            offered, podman = answer.headers.get("api-version", ""), answer.headers.get("libpod-api-version", "")
    except EngineError as error:
        raise EngineUnreachable(
            f"the engine at {endpoint.url} (named by {endpoint.source}) does not answer: {_reason(error, timeout)}",
            hint=_advice(error, endpoint),
        ) from error
    if podman:
        raise UnsupportedEngine(
            f"the engine at {endpoint.url} (named by {endpoint.source}) is Podman {podman}, which nexusctl cannot use",
            hint="name a Docker Engine with DOCKER_HOST or `docker context use`, or start one: `nexusctl engine start`",
        )
    return replace(endpoint, version=_choose_version(offered))


def usual_sockets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The paths where engines listen by habit, Docker's before Podman's."""
    home, runtime = _home(environ), environ.get("XDG_RUNTIME_DIR", "")
    return (
        "/var/run/docker.sock",
        *([f"{runtime}/docker.sock"] if runtime else []),
        f"{home}/.docker/run/docker.sock",
        f"{home}/.docker/desktop/docker.sock",
        f"{home}/.colima/default/docker.sock",
        *([f"{runtime}/podman/podman.sock"] if runtime else []),
        "/run/podman/podman.sock",
    )


def _probe_sockets(environ: Mapping[str, str]) -> Endpoint:
    tried, denied = [], ""
    for path in usual_sockets(environ):
        if not is_there(path):
            tried.append(f"{path}: no such socket")
            continue
        endpoint = Endpoint(url=f"unix://{path}", source="the usual sockets")
        try:
            return negotiate(endpoint)
        except UnsupportedEngine as error:
            tried.append(f"{path}: {error.summary.rpartition(' is ')[2]}")
        except EngineUnreachable as error:
            cause = error.__cause__ or error
            tried.append(f"{path}: {_reason(cause, PING_TIMEOUT)}")
            denied = denied or (path if isinstance(cause.__cause__, PermissionError) else "")
    if denied:
        raise EngineUnreachable(f"this user may not open the engine's socket {denied}", hint=DENIED)
    raise EngineUnreachable("no container engine answers; tried " + "; ".join(tried), hint=_HINT)


def is_there(path: str) -> bool:
    """Whether there is something, or a folder on the way to it is closed to this user, which calling it will tell."""
    try:
        os.stat(path)  # noqa: PTH116 - pathlib answers the same to both
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _reason(error: BaseException, timeout: float) -> str:
    """Why a call with `timeout` seconds failed, as its first cause says."""
    cause = error.__cause__ or error
    return f"no answer came within {timeout:g} s" if isinstance(cause, TimeoutError) else describe_failure(cause)


def _advice(error: EngineError, endpoint: Endpoint) -> str:
    if error.status == 400 and "HTTPS server" in error.summary:
        return "it speaks TLS: set DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem"
    known = advice(error.__cause__) if error.__cause__ else ""
    return known or (_HINT if endpoint.url.startswith("unix:") else _REMOTE_HINT)


def _choose_version(offered: str) -> str:
    return min(offered, NEWEST_VERSION, key=_version_key) if offered else NEWEST_VERSION


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _normalise(host: str, source: str) -> str:
    """`host` as a URL; like the docker command line, a bare address means tcp."""
    url = host if "://" in host else f"tcp://{host}"
    scheme = url.partition("://")[0]
    if scheme not in _SCHEMES:
        raise EngineUnreachable(
            f"{source} names {host}, and nexusctl does not speak {scheme}",
            hint=f"use one of {', '.join(s + '://' for s in _SCHEMES)}",
        )
    # Most engines are found at the usual sockets.
    from urllib.parse import urlsplit  # noqa: PLC0415 - deferred: start-up time

    try:
        parts = urlsplit(url)
        fits = parts.port is None or parts.port > 0
    except ValueError:
        fits = False
    if not fits or "\0" in url:
        raise EngineUnreachable(
            f"{source} names {host}, which is no address: a port is a number from 1 to 65535",
            hint="write it such as `tcp://192.0.2.7:2375` or `unix:///var/run/docker.sock`",
        )
    return url


def _find_certificates(environ: Mapping[str, str]) -> str:
    if folder := environ.get("DOCKER_CERT_PATH"):
        return folder
    return str(_config_folder(environ)) if environ.get("DOCKER_TLS_VERIFY") else ""


def _find_context_name(environ: Mapping[str, str]) -> tuple[str, str]:
    """The context in force and who names it; both empty for none."""
    if name := environ.get("DOCKER_CONTEXT"):
        return name, "DOCKER_CONTEXT"
    path = _config_folder(environ) / "config.json"
    try:
        config = json.loads(path.read_text())
        return str(config.get("currentContext", "")), str(path)
    except (OSError, ValueError, AttributeError, RecursionError):
        return "", ""


def _read_context(name: str, source: str, folder: Path) -> Endpoint:
    digest = sha256(name.encode())
    meta = folder / "contexts" / "meta" / digest / "meta.json"
    try:
        docker: Mapping[str, Any] = json.loads(meta.read_text())["Endpoints"]["docker"]
        host = str(docker["Host"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise EngineUnreachable(
            f"{source} names the docker context `{name}`, which cannot be read: {error}",
            hint="`docker context ls` lists the contexts; DOCKER_HOST wins over any of them",
        ) from error
    certificates = folder / "contexts" / "tls" / digest / "docker"
    return Endpoint(
        url=_normalise(host, f"the docker context `{name}`"),
        source=f"the docker context `{name}`",
        tls=str(certificates) if certificates.is_dir() else "",
    )


def read_contexts(folder: Path) -> Iterator[str]:
    """The names of the docker contexts kept in `folder`."""
    for meta in sorted((folder / "contexts" / "meta").glob("*/meta.json")):
        # One that cannot be read is none that anybody could choose.
        with contextlib.suppress(OSError, ValueError, AttributeError, RecursionError):
            yield str(json.loads(meta.read_text()).get("Name", ""))


def _config_folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("DOCKER_CONFIG") or f"{_home(environ)}/.docker")


def _home(environ: Mapping[str, str]) -> str:
    return environ.get("HOME") or str(Path.home())
