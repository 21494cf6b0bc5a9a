"""The lock file of a stack: what its images and versions are, found out by installing once."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nexusctl.api.planning import load
from nexusctl.config.export.atomic_write import replace_file
from nexusctl.config.lockfile import find_uncovered, pin_known, read_lock, write_lock
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.load_request import Inputs
from nexusctl.model.lockfile import Lockfile, lock_keys
from nexusctl.model.plan.plan import DeriveImage, Plan
from nexusctl.model.stack import Stack
from nexusctl.model.trust import OURS, Trust
from nexusctl.plan.commands.lockfile import compare_locks, keep_inactive, plan_resolution, take_lock

__all__ = ["compare_locks", "covers", "load_asked", "read_known", "resolve", "save"]

Carry = Callable[[Plan], bool]
"""Carries out a plan that makes images; says whether it came to its end."""


def read_known(path: Path, trust: Trust = OURS) -> Lockfile:
    """What is locked already; nothing where there is no lock file. Raises `InputError`."""
    return read_lock(path, trust) if path.exists() else Lockfile()


def load_asked(inputs: Inputs) -> Stack:
    """The stack as its file asks for it, whatever is locked. Raises `InputError`."""
    return load(replace(inputs, lock=None))


def covers(stack: Stack, known: Lockfile) -> bool:
    """Whether the lock answers for everything that the stack file asks for, and for nothing else."""
    missing = any(True for _ in find_uncovered(stack, known))
    wanted = {*lock_keys(stack).values(), *keep_inactive(Lockfile(), known, stack).sandboxes}
    return not missing and known.sandboxes.keys() == wanted


def resolve(engine: Engine, asked: Stack, known: Lockfile, carry: Carry, *, update: bool) -> Lockfile | None:
    """The lock for the stack `asked`: as `known` where that has an answer, else as registries and managers say now,
    which with `update` have the answers to everything.

    Images that are missing are made, and stay. None where that did not come to its end. Raises `EngineError`.
    """
    resolved = asked if update else pin_known(asked, known)
    mark = os.urandom(6).hex()
    plan = plan_resolution(resolved, engine.observe(resolved), mark)
    try:
        if plan.steps and not carry(plan):
            return None
        made = [step.tag for step in plan.steps if isinstance(step, DeriveImage)]
        live = engine.observe(resolved, images=made)
        return keep_inactive(take_lock(asked, resolved, live, mark), known, asked)
    finally:
        for step in plan.steps:
            if isinstance(step, DeriveImage):
                engine.remove_image(step.tag)


def save(lock: Lockfile, path: Path) -> None:
    """Write the lock file. Raises `InputError` where it cannot be written."""
    try:
        replace_file(path, write_lock(lock))
    except OSError as error:
        raise InputError(Diagnostic(f"{path} cannot be written: {error.strerror}")) from None
