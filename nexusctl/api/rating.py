"""A stack file and the engine, rated by the points of a benchmark: what is rated is read here, and judged elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from nexusctl.config.export.sandbox_places import find_places
from nexusctl.config.load import Loaded, load_whole, pin
from nexusctl.config.trust.closed_paths import holds_socket, why_closed
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.endpoint import connect
from nexusctl.engine.docker.observe.rated import read_engine, read_image
from nexusctl.errors import EngineError, InputError
from nexusctl.model.engine_names import image_reference, recipe_tag
from nexusctl.model.load_request import Inputs
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.values.secret_detection import looks_secret, takes_secret, tells_secret
from nexusctl.rating.facts import EngineReport, ImageFacts, SandboxFacts
from nexusctl.rating.rate import Rating, rate_engine, rate_sandboxes


def rate(inputs: Inputs | None, environ: Mapping[str, str]) -> Rating:
    """Rate the engine that `environ` points to, and the stack of `inputs` where there are some. Changes nothing.

    Raises `InputError` for a stack that cannot be loaded.
    """
    loaded = load_whole(inputs) if inputs else None
    wire, engine, absence, advice = _ask(environ)
    return Rating(
        engine=_name(engine) if engine else "",
        engine_rows=rate_engine(engine) if engine else (),
        absence=absence,
        advice=advice,
        stack=loaded.stack.name if loaded else "",
        stack_rows=rate_sandboxes(_gather(loaded, inputs, wire)) if loaded and inputs else (),
    )


def _ask(environ: Mapping[str, str]) -> tuple[Wire | None, EngineReport | None, str, str]:
    try:
        wire = connect(environ)
        return wire, read_engine(wire), "", ""
    except EngineError as error:
        return None, None, error.summary, error.diagnostics[0].hint or ""


def _name(engine: EngineReport) -> str:
    return f"{engine.version.get('Version', '')} at {engine.url}".strip()


def _gather(loaded: Loaded, inputs: Inputs, wire: Wire | None) -> Iterator[SandboxFacts]:
    stack = _pinned(loaded.stack, inputs.lock_path)
    known: dict[tuple[str, ...], ImageFacts | None] = {}
    for sandbox in stack.sandboxes.values():
        references = (image_reference(sandbox.image), *_recipes(sandbox, stack))
        if wire and references not in known:
            known[references] = read_image(wire, references)
        places = find_places(loaded, sandbox)
        binds = {mount.target: Path(mount.source) for mount in sandbox.mounts if mount.kind == "bind"}
        yield SandboxFacts(
            sandbox=sandbox,
            external=tuple(stack.networks[name].external or "" for name in sandbox.networks),
            opened={target: why for target, path in binds.items() if (why := why_closed(path))},
            sockets=tuple(target for target, path in binds.items() if holds_socket(path)),
            open_secrets=tuple(_open_secrets(sandbox)),
            pinned="@" in sandbox.image or references[0] in stack.digests,
            held=all(chosen.lock_name for chosen in sandbox.packages),
            image=known.get(references),
            places={"image": places.get("template", places[""]), **places},
        )


def _open_secrets(sandbox: Sandbox) -> Iterator[str]:
    """What of it the file says in plain words and looks like a secret; of each only its name."""
    for name, value in sandbox.env.items():
        if isinstance(value, str) and looks_secret(name, value):
            yield f"env.{name}"
    if takes_secret(" ".join(sandbox.command or ())):
        yield "command"
    if any(tells_secret(line) for line in (sandbox.startup or "").splitlines()):
        yield "startup"
    for upload in sandbox.uploads:
        if any(tells_secret(line) for line in (upload.content or "").splitlines()):
            yield f"uploads.{upload.target}"


def _recipes(sandbox: Sandbox, stack: Stack) -> Iterator[str]:
    """What the image is called where no registry had it."""
    template = stack.templates.get(sandbox.template or "")
    if template and template.recipe and template.image == sandbox.image:
        yield recipe_tag(template)


def _pinned(stack: Stack, lock: Path) -> Stack:
    """`stack` as its lock file holds it; one that does not fit holds nothing."""
    if not lock.exists():
        return stack
    try:
        return pin(stack, lock)
    except InputError:
        return stack
