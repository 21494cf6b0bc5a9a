"""Stacks that lived for one command alone, whose nexusctl was killed before it could remove them."""

from __future__ import annotations

from nexusctl.api.apply import Events, Terms, destroy
from nexusctl.api.pipeline.claim import claim
from nexusctl.engine.base import Engine
from nexusctl.model.engine_names import without_run


def find_left_runs(engine: Engine) -> tuple[str, ...]:
    """The stacks of runs that were killed on this machine, by name; of others nobody here can say. Raises
    `EngineError`.
    """
    locks = engine.overview.list_locks().items()
    return tuple(sorted(without_run(name) for name, holder in locks if holder.dead and without_run(name) != name))


def remove_left_run(engine: Engine, stack: str, terms: Terms) -> Events:
    """Remove such a stack with its volumes, as its run would have. Raises as `destroy` does.

    Where the next run has begun with it meanwhile it raises `LockHeld`, and where somebody wants to keep what is there
    by now, `InputError`.
    """
    with claim(engine, stack, timeout=0.0, report=terms.report):
        return (yield from destroy(stack, terms, remove_volumes=True))
