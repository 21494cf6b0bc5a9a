"""Secrets of sandboxes that are to start and have lost them: their files lie in memory, and end with the host's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.plan.plan import Plan
from nexusctl.model.plan.step import RestoreContainer
from nexusctl.model.secret import NOTHING_READ, Disclosure, SecretFile
from nexusctl.model.stack import Stack


def put_back(engine: Engine, stack: Stack, live: LiveState, planned: Plan) -> tuple[Plan, Disclosure]:
    """`planned`, with their secrets for those that start without them, and the values: read where some are lost.

    Raises `InputError` where `stack`, as far as it was read, does not say where they come from, and where they cannot
    be read; `EngineError`.
    """
    starting = {step.container_id for step in planned.steps if isinstance(step, RestoreContainer) and _starts(step)}
    concerned = tuple(x for x in live.sandboxes if x.id in starting and x.record and x.record.secrets)
    if not concerned:
        return planned, NOTHING_READ
    seen = engine.look_inside(replace(live, sandboxes=concerned)).sandboxes
    lost = {x.id: x.record.secrets for x in seen if x.record and _has_lost(x)}
    if not lost:
        return planned, NOTHING_READ
    # Only a host that has started again loses them.
    from nexusctl.secrets.reading import read_secrets  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.secrets.sources import sources_for  # noqa: PLC0415 - deferred: start-up time

    names = sorted({file.secret for files in lost.values() for file in files})
    if unknown := [name for name in names if name not in stack.secrets]:
        hint = "do it in the folder of the stack file, which says where they come from"
        raise InputError(*(Diagnostic(f"the secret {n} was lost with the host's memory", hint=hint) for n in unknown))
    sources = sources_for(stack.secrets.values(), stack.sensitive)
    readings = read_secrets(stack.name, {name: stack.secrets[name] for name in names}, sources)
    steps = tuple(
        replace(step, secrets=_renew(lost[step.container_id], readings.digests))
        if isinstance(step, RestoreContainer) and step.container_id in lost and _starts(step)
        else step
        for step in planned.steps
    )
    return replace(planned, steps=steps), Disclosure(reveal=readings.reveal, conceal=readings.conceal)


def _starts(step: RestoreContainer) -> bool:
    return step.how != "unpause"


def _has_lost(seen: LiveSandbox) -> bool:
    # Without the folder of its secrets an engine shows nothing of what does not run.
    return seen.interior is None or bool(seen.interior.lost_secrets)


def _renew(files: tuple[SecretFile, ...], digests: Mapping[str, str]) -> tuple[SecretFile, ...]:
    """Those of now: where one has changed meanwhile, the next plan says so."""
    return tuple(replace(file, digest=digests[file.secret]) for file in files)
