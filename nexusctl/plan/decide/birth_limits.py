"""Limits that no file of the stack states: they come with a container, and change none that is there. Pure.

As a LimitRange of Kubernetes does: otherwise two machines with different settings would change one sandbox for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nexusctl.model.plan.plan import Difference, FromSettings, Plan
from nexusctl.model.stack import Resources, Stack
from nexusctl.plan.compare.claims import Claim
from nexusctl.plan.compare.fields import compare
from nexusctl.plan.decide.decide import Decision

_NEW = ("create", "replace", "rerun")
_LIFTED = ("memory", "pids")
"""Those without which one sandbox can take the whole host. Processor time the kernel shares fairly anyway."""


def keep_limits(stack: Stack, claims: Mapping[str, Claim]) -> Stack:
    """`stack` in which what no file states of limits is as it was recorded, for the sandboxes that are live."""
    kept = {}
    for name, sandbox in stack.sandboxes.items():
        holder = claims[name].holder if name in claims else None
        if holder and holder.record and sandbox.resources.unstated:
            resources = _keep(sandbox.resources, holder.record.resources)
            if resources != sandbox.resources or resources.defaulted != sandbox.resources.defaulted:
                kept[name] = replace(sandbox, resources=resources)
    return replace(stack, sandboxes={**stack.sandboxes, **kept}) if kept else stack


def _keep(desired: Resources, recorded: Resources) -> Resources:
    stays = desired.keep_of(recorded)
    givers = {key: giver for key, giver in desired.defaulted.items() if key not in stays}
    givers |= {key: recorded.defaulted[key] for key in stays if key in recorded.defaulted}
    return replace(desired, **{key: getattr(recorded, key) for key in stays}, defaulted=givers)


def find_come(decision: Decision, in_place: frozenset[str]) -> Iterator[Difference]:
    """Limits in which a new container differs from the one that it replaces, and that forced nothing."""
    known = {difference.field for difference in decision.differences}
    if decision.action != "create" and decision.holder and decision.holder.record:
        for difference in compare(decision.holder.record, decision.sandbox, in_place | {"storage"}):
            if difference.field.startswith("resources.") and difference.field not in known:
                yield difference


def find_unlimited(decisions: Mapping[str, Decision]) -> Mapping[str, tuple[str, ...]]:
    """The sandboxes that are made or get another limit, and can take all memory or processes of the host, by that."""
    touched = [(name, d.sandbox.resources) for name, d in decisions.items() if _is_touched(d)]
    found = {key: tuple(name for name, resources in touched if not getattr(resources, key)) for key in _LIFTED}
    return {key: names for key, names in found.items() if names}


def find_watched(decisions: Mapping[str, Decision], in_place: frozenset[str]) -> tuple[str, ...]:
    """The sandboxes that are made or get another limit, and whose storage the engine cannot limit as somebody wants."""
    if "storage" not in in_place:
        return ()
    return tuple(name for name, d in decisions.items() if _is_touched(d) and d.sandbox.resources.asks_for("storage"))


def find_from_settings(decisions: Mapping[str, Decision]) -> tuple[FromSettings, ...]:
    """The limits that the sandboxes which are made get from the settings of whoever makes them."""
    found: dict[tuple[str, float], list[str]] = {}
    for name, decision in decisions.items():
        resources = decision.sandbox.resources
        if decision.action in _NEW:
            for key, giver in sorted(resources.defaulted.items()):
                if giver == "settings":
                    found.setdefault((key, getattr(resources, key)), []).append(name)
    return tuple(
        FromSettings(limit=key, value=value, sandboxes=tuple(names)) for (key, value), names in sorted(found.items())
    )


def _is_touched(decision: Decision) -> bool:
    return decision.action in _NEW or any(d.field.startswith("resources.") for d in decision.differences)


def say_of_changed(plan: Plan) -> Plan:
    """`plan`, which has lost changes, without what it said of the limits of others."""
    names = {change.name for change in plan.changes if change.kind == "sandbox"}
    unlimited = {key: tuple(name for name in found if name in names) for key, found in plan.unlimited.items()}
    settings = [replace(s, sandboxes=tuple(name for name in s.sandboxes if name in names)) for s in plan.settings]
    return replace(
        plan,
        unlimited={key: found for key, found in unlimited.items() if found},
        watched=tuple(name for name in plan.watched if name in names),
        settings=tuple(setting for setting in settings if setting.sandboxes),
    )
