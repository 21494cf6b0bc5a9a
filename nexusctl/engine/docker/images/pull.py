"""Fetching an image from its registry."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nexusctl.engine.base import Report
from nexusctl.engine.cancel import NEVER, Cancel
from nexusctl.engine.docker.bodies.image_names import HUB, registry_of
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.interruptible import cut_by
from nexusctl.errors import Diagnostic, EngineError, EngineUnreachable, StepError
from nexusctl.model.engine_names import image_reference

_ABSENT = ("manifest unknown", "not found", "does not exist", "repository name not known", "name unknown")
_DENIED = ("denied", "unauthorized", "authentication required", "no basic auth credentials")


def pull_image(wire: Wire, reference: str, report: Report, *, digest: str = "", cancel: Cancel = NEVER) -> None:
    """Fetch `reference` with the credentials that docker has for its registry.

    With `digest` exactly that image is fetched, and called `reference`. An engine ends a pull whose connection does.
    Raises `StepError`, `EngineError`.
    """
    with cut_by(cancel, wire) as cuttable:
        _pull(cuttable, reference, report, digest=digest)
    if cancel.requested:
        # The messages end alike where the connection was cut and where all of it is there.
        raise EngineError(f"the pull of {reference} was asked to stop")


def _pull(wire: Wire, reference: str, report: Report, *, digest: str) -> None:
    reference = image_reference(reference)
    if not digest:
        _fetch(wire, reference, report)
        return
    name, tag = _split(reference)
    exact = f"{name}@{digest}"
    _fetch(wire, exact, report)
    wire.post(f"/images/{exact}/tag", query={"repo": name, "tag": tag})


def _fetch(wire: Wire, reference: str, report: Report) -> None:
    name, tag = _split(reference)
    try:
        messages = wire.lines("POST", "/images/create", {"fromImage": name, "tag": tag}, _credentials(reference))
        for percent in percents(_raise_errors(reference, messages)):
            report(f"pulling {percent} %")
    except EngineUnreachable:
        raise
    except EngineError as error:
        raise _refused(reference, error.summary) from error


def percents(messages: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    """How much of the layers is here, in per cent, each figure once.

    A layer's size is told when its download begins, so the share can fall; a smaller figure is not told.
    """
    layers: dict[str, tuple[int, int]] = {}
    told = -1
    for message in messages:
        _note(layers, message)
        here, whole = (sum(column) for column in zip(*layers.values(), strict=True)) if layers else (0, 0)
        percent = 100 * here // whole if whole else 0
        if percent > told:
            told = percent
            yield percent


def _note(layers: dict[str, tuple[int, int]], message: Mapping[str, Any]) -> None:
    layer, status = str(message.get("id", "")), message.get("status")
    detail = message.get("progressDetail") or {}
    if status == "Downloading" and detail.get("total"):
        layers[layer] = (int(detail.get("current", 0)), int(detail["total"]))
    elif status in ("Download complete", "Pull complete") and layer in layers:
        layers[layer] = (layers[layer][1], layers[layer][1])


def _raise_errors(reference: str, messages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The engine accepts the call before it asks the registry, so a refusal can be the last message."""
    for message in messages:
        if "error" in message:
            raise _refused(reference, str(message["error"]))
        yield message


def _refused(reference: str, reason: str) -> StepError:
    registry = registry_of(reference)
    if any(word in reason.lower() for word in _ABSENT) and "denied" not in reason.lower():
        summary, hint = f"the registry {registry} has no image {reference}", "check its name and tag"
    elif any(word in reason.lower() for word in _DENIED):
        summary = f"the registry {registry} does not give the image {reference}"
        hint = f"check its name and tag; for a private one run `docker login{_of(registry)}` first"
    else:
        summary = f"the image {reference} could not be fetched from {registry}"
        hint = "see `nexusctl doctor` for which registries this engine reaches, then apply again"
    return StepError(Diagnostic(summary, hint=hint, output=tuple(reason.splitlines()[-15:])))


def _of(registry: str) -> str:
    return "" if registry == HUB else f" {registry}"


def _split(reference: str) -> tuple[str, str]:
    """Name and tag; without a tag the engine would fetch every one. A digest stays with the name."""
    if "@" in reference:
        return reference, ""
    name, _, tag = reference.rpartition(":")
    return name, tag


def _credentials(reference: str) -> dict[str, str]:
    """The header with docker's own credentials for the registry of `reference`, if it has any."""
    folder = os.environ.get("DOCKER_CONFIG") or "~/.docker"
    if not (Path(folder).expanduser() / "config.json").is_file():
        return {}
    # The SDK takes longer to import than a whole no-op plan, and only docker's own file needs it.
    from docker import auth  # noqa: PLC0415 - deferred: start-up time
    from docker.errors import DockerException  # noqa: PLC0415 - deferred: start-up time

    registry = registry_of(reference)
    try:
        found = auth.load_config().resolve_authconfig(None if registry == HUB else registry)
    except DockerException as error:
        hint = f"run `docker login{_of(registry)}` again"
        raise StepError(
            Diagnostic(f"docker's credentials for {registry} cannot be read: {error}", hint=hint)
        ) from error
    return {"X-Registry-Auth": auth.encode_header(found).decode()} if found else {}
