"""Sandboxes that are restarted because one that they depend on is replaced or restarted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nexusctl.model.stack import Dependency
from nexusctl.plan.decide.decide import Decision
from nexusctl.plan.decide.upload_reactions import find_reactions
from nexusctl.plan.steps.order import sort_nodes

_ALIVE = ("running", "restarting")
_OCCASIONS = {"replace": "is replaced", "create": "is made anew", "start": "is started again"}


def follow_restarts(decisions: Mapping[str, Decision]) -> dict[str, Decision]:
    """`decisions` with the restarts that follow from those of dependencies with `restart`, however far."""
    found = dict(decisions)
    # A record may name one that is gone, or called otherwise since.
    needed = {name: [d for d in its.sandbox.depends_on if d.sandbox in found] for name, its in decisions.items()}
    for name in sort_nodes({name: {d.sandbox for d in own} for name, own in needed.items()}):
        decision = found[name]
        if not _may_restart(decision):
            continue
        for dependency in needed[name]:
            if dependency.restart and (why := _begins_anew(dependency, found[dependency.sandbox], decision)):
                found[name] = _restart(decision, found[dependency.sandbox], f"{dependency.sandbox} {why}")
                break
    return found


def _may_restart(decision: Decision) -> bool:
    """What is made anew, started or restarted anyway needs no other restart, and what does not run none at all."""
    alive = decision.holder is not None and decision.holder.state in _ALIVE
    anyway = decision.restore or any(reaction.restart for reaction in find_reactions(decision))
    return alive and not anyway and decision.action in ("none", "update", "rename")


def _begins_anew(dependency: Dependency, other: Decision, decision: Decision) -> str:
    """What becomes of the other one, in words; empty where its program goes on."""
    if other.sandbox.kind == "task":
        return ""
    if other.action == "create":
        # One that is new for the file was never lost to its dependent.
        record = decision.holder.record if decision.holder else None
        known = record is not None and any(had.sandbox == dependency.sandbox for had in record.depends_on)
        return _OCCASIONS["create"] if known else ""
    if other.action == "replace":
        return _OCCASIONS["replace"]
    if other.restore in ("start", "restart"):
        return _OCCASIONS["start"] if other.restore == "start" else "is restarted"
    return "is restarted" if any(reaction.restart for reaction in find_reactions(other)) else ""


def _restart(decision: Decision, other: Decision, why: str) -> Decision:
    reason = f"{why}, so it is restarted"
    if decision.action == "update":
        return replace(decision, restore="restart", reason=f"{decision.reason}, and {reason}".removeprefix(", and "))
    return replace(decision, action="start", cause=other.cause, reason=reason, restore="restart")
