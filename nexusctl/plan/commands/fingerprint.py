"""Fingerprints of all that a plan rests on. Pure.

Digests of env values, scripts and commands, which may be short secrets, are made slow to guess, and salted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.model.engine_names import image_reference
from nexusctl.model.observed.live import LiveNetwork, LiveSandbox
from nexusctl.model.plan.plan import BootstrapImage, DeriveImage, Plan, PullImage, Step
from nexusctl.model.plan.step import AwaitExit, AwaitHealthy, CreateContainer
from nexusctl.model.plan.step_id import kind_of
from nexusctl.model.record import canonical, plain
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.names import group_names
from nexusctl.plan.commands.target import choose_names
from nexusctl.plan.compare.fields import TABLE

_PRIVATE = ("env", "startup", "pre_stop", "command", "health")
_COST = 2**9

Prints = Mapping[str, Mapping[str, str]]
"""By object (`sandbox api`, `container api ID`), then by part, a digest or a word."""

Seal = Callable[[str, Any], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprints:
    inputs: Prints
    live: Prints
    changes: Prints


def take_fingerprints(basis: Basis, salt: str) -> Fingerprints:
    """What `basis.plan` rests on, cut down to the chosen sandboxes. `salt` is random hex; it makes digests comparable
    only with those of the same salt."""
    seal = _make_seal(bytes.fromhex(salt))
    chosen = choose_names(basis.stack, basis.live, basis.choice) | {step.subject for step in basis.plan.steps}
    names = sorted(chosen & group_names(basis.stack, basis.live).keys())
    return Fingerprints(
        inputs=_print_inputs(basis.stack, names, seal),
        live=_print_live(basis, names, seal),
        changes=_print_plan(basis.plan, seal),
    )


def _make_seal(salt: bytes) -> Seal:
    """Digests of values by field; equal values are digested once, for a hundred sandboxes share most of theirs."""
    known: dict[str, str] = {}

    def seal(field: str, value: Any) -> str:
        text = canonical(plain(value))
        if field.partition(".")[0] not in _PRIVATE:
            return hashlib.sha256(salt + text.encode()).hexdigest()[:24]
        if text not in known:
            known[text] = hashlib.scrypt(text.encode(), salt=salt, n=_COST, r=8, p=1, dklen=12).hex()
        return known[text]

    return seal


def _print_inputs(stack: Stack, names: Iterable[str], seal: Seal) -> Prints:
    prints = {
        f"sandbox {name}": _print_sandbox(stack.sandboxes[name], seal) for name in names if name in stack.sandboxes
    }
    for kind, things in (("network", stack.networks), ("volume", stack.volumes), ("template", stack.templates)):
        for name, thing in things.items():
            prints[f"{kind} {name}"] = {"": seal(kind, plain(thing))}
    return prints


def _print_sandbox(sandbox: Sandbox, seal: Seal) -> dict[str, str]:
    return {
        path: seal(path, value)
        for rule in TABLE
        for path, value in rule.flatten(rule.field, getattr(sandbox, rule.field)).items()
    }


def _print_live(basis: Basis, names: Iterable[str], seal: Seal) -> Prints:
    chosen, live = set(names), basis.live
    prints = {
        f"container {found.sandbox} {found.id}": _print_container(found, seal)
        for found in live.sandboxes
        if found.sandbox in chosen
    }
    for network in live.networks:
        prints[f"network {network.network} {network.id}"] = {
            "": seal("", [network.name, network.internal, network.enable_ipv6, *_list_settings(network)])
        }
    for volume in live.volumes:
        declared = volume.declare()
        sealed = seal("", plain(declared)) if declared.is_special else ""
        prints[f"volume {volume.volume} {volume.name}"] = {"": sealed}
    for reference in sorted({image_reference(r) for step in basis.plan.steps for r in _images(step)}):
        image = live.images.get(reference)
        prints[f"image {reference}"] = {"id": image.id if image else ""}
    return prints


def _list_settings(network: LiveNetwork) -> list[Any]:
    """Those that a stack file may name, where this one did."""
    named = [network.subnet, network.gateway, network.ip_range] if network.fixed else []
    return [*named, *([plain(network.labels)] if network.labels else [])]


def _print_container(found: LiveSandbox, seal: Seal) -> dict[str, str]:
    record = _print_sandbox(found.record, seal) if found.record else {}
    # `starting` turns into `healthy` by itself and changes no plan.
    health = "unhealthy" if found.health == "unhealthy" else "not unhealthy"
    return {
        "name": found.name,
        "state": found.state,
        "health": health,
        "exit code": "none" if found.exit_code is None else str(found.exit_code),
        "image": found.image_id,
        "networks": seal("", sorted(found.networks)),
        "amendments": seal("", sorted({*found.amendments} - {*found.past})),
        "record": seal("", sorted(record.items())),
    }


def _images(step: Step) -> Iterator[str]:
    match step:
        case CreateContainer():
            yield step.placement.image
        case DeriveImage():
            yield from (step.base, step.tag)
        case BootstrapImage():
            yield from filter(None, (step.base, step.tag))
        case PullImage():
            yield step.reference


def _print_plan(plan: Plan, seal: Seal) -> Prints:
    """Changes and steps.

    Waits are left out, for they change nothing and come and go with time, and so are notes, which tell of things
    that change all the time, such as how much a container has written, and the ranges of networks to come, which
    others may take before.
    """
    prints: dict[str, dict[str, str]] = {}
    for change in plan.changes:
        prints.setdefault(f"{change.kind} {change.name}", {})[change.action] = seal(
            "env", plain(replace(change, notes=(), lost_bytes=None, volume_bytes=None, subnet=""))
        )
    waits = {step.id for step in plan.steps if isinstance(step, AwaitHealthy | AwaitExit)}
    for step in plan.steps:
        if step.id not in waits:
            kind = kind_of(step.id)
            needs = [need for need in step.needs if need not in waits]
            prints.setdefault(f"{kind} {step.subject}", {})[step.id] = seal("", [type(step).__name__, needs])
    return prints
