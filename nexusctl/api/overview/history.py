"""Who has done what to a stack."""

from __future__ import annotations

from nexusctl.api.overview.chosen import choose
from nexusctl.engine.base import Engine
from nexusctl.model.observed.history import Deed


def list_history(engine: Engine, stack: str, words: tuple[str, ...] = ()) -> tuple[Deed, ...]:
    """What was done to the sandboxes that `words`, globs of names, mean; all where none is given. The newest first.

    Raises `InputError` for a word that means none, and `EngineError`.
    """
    return choose(
        engine.overview.list_history(stack),
        words,
        lambda deed: (deed.sandbox,),
        lambda word: f"no record tells of a sandbox {word} of {stack}",
        "sandboxes",
    )
