"""The ids of steps: what is done to which object. Built and read here alone."""

from __future__ import annotations


def step_id(kind: str, name: str, verb: str, of: str = "") -> str:
    """The id of the step that does `verb` to the object `name` of that kind; `of` tells one container from another."""
    return f"{kind}:{name}:{verb}:{of[:12]}" if of else f"{kind}:{name}:{verb}"


def kind_of(step: str) -> str:
    """The kind of object that the step with this id is about."""
    return step.partition(":")[0]


def follow_up_id(step: str, verb: str) -> str:
    """The id of the step that does `verb` because of the step with this id."""
    return f"{step}:{verb}"
