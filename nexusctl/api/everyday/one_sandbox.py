"""The one sandbox that a command is for, found by no more than its name and that of its stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexusctl.api import connection
from nexusctl.config.read.plain_name import read_name
from nexusctl.errors import Diagnostic
from nexusctl.model.instance import join_name
from nexusctl.model.load_request import Inputs
from nexusctl.model.values.frozen import dataclass

if TYPE_CHECKING:
    from nexusctl.engine.base import Engine
    from nexusctl.model.observed.live import LiveSandbox
    from nexusctl.model.observed.running_sandbox import RunningSandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A running sandbox, with its engine and the name of its stack; `problems` are what was seen to be wrong."""

    engine: Engine
    stack: str
    live: LiveSandbox | RunningSandbox
    problems: tuple[Diagnostic, ...] = ()


def choose_one(inputs: Inputs, stack_name: str | None, word: str) -> Chosen:
    """The running sandbox that `word` means, the first of a group.

    Raises `InputError` where it does not run, or nobody can say which is meant, and `EngineError`.
    """
    stack = stack_name or read_name(inputs)
    if stack:
        stack = join_name(stack, inputs.instance)
        engine = connection.connect()
        if running := engine.find_running(stack, word):
            return Chosen(engine=engine, stack=stack, live=running)
    # What a group means, and what to say of what is not there, takes all of the file.
    from nexusctl.api import inspection, subject  # noqa: PLC0415 - deferred: start-up time

    engine, found = subject.find_subject(inputs, stack_name)
    live = inspection.find_running(engine, found.stack, word)
    return Chosen(engine=engine, stack=found.stack.name, live=live, problems=found.problems)
