"""Which stack a command is about, for those that need little more than its name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nexusctl.api import connection
from nexusctl.api.planning import EVERYTHING, call_anew, empty_stack, require_known
from nexusctl.config.build.files.digests import Digests
from nexusctl.config.load import load, load_readable, pin
from nexusctl.config.read.plain_name import read_name
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.instance import join_name
from nexusctl.model.load_request import Inputs
from nexusctl.model.observed.live import LiveState
from nexusctl.model.stack import Stack
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.names import Choice, group_names, match_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """`stack` is as much of it as could be read; `problems`, of severity warning, are what is wrong with the rest.

    `choice` is what was chosen of it, where something was.
    """

    stack: Stack
    problems: tuple[Diagnostic, ...] = ()
    choice: Choice = EVERYTHING


def read_subject(inputs: Inputs, name: str | None) -> Subject:
    """The stack called `name` where it is given, else the one in the files; that instance of it which is meant.

    What is wrong with them is no error as long as they say which stack is meant, in plain words where they cannot be
    read. Raises `InputError` where they do not, and says what needs none.
    """
    if name:
        return Subject(stack=empty_stack(join_name(name, inputs.instance)))
    try:
        stack, problems = load_readable(inputs)
    except InputError as error:
        if plain := read_name(inputs, unread=True):
            return Subject(
                stack=empty_stack(join_name(plain, inputs.instance)), problems=as_warnings(error.diagnostics)
            )
        hint = "`--stack NAME` names it, and needs no file"
        raise InputError(*error.diagnostics, Diagnostic("so nobody can say which stack is meant", hint=hint)) from None
    return Subject(stack=stack, problems=as_warnings(problems))


def read_chosen(inputs: Inputs, choice: Choice, digests: Digests | None = None) -> Subject:
    """The stack in the files, for a plan of what `choice` means.

    What is wrong with sandboxes that nobody chose is no error: the stack has no such sandboxes then. Raises
    `InputError` for anything else.
    """
    try:
        return Subject(stack=load(inputs, digests), choice=choice)
    except InputError:
        if choice.everything:
            raise
        # Most plans are whole, and the step classes that these know take longer to load than a plan to make.
        from nexusctl.plan.commands.narrow import adjust, narrow  # noqa: PLC0415 - deferred: start-up time

        stack, problems = load_readable(inputs, digests)
        nothing = LiveState(stack=stack.name)
        choice = call_anew(choice, stack, nothing)
        require_known(choice, group_names(stack, nothing))
        chosen = narrow(stack, choice)
        groups = {sandbox.group for sandbox in chosen.sandboxes.values()}
        if any(problem.sandbox is None or problem.sandbox in {*groups, *chosen.sandboxes} for problem in problems):
            raise
        pinned = pin(chosen, inputs.lock, inputs.trust) if inputs.lock else chosen
        return Subject(stack=pinned, problems=as_warnings(problems), choice=adjust(choice, stack, chosen))


def read_for_one(inputs: Inputs, word: str, report: connection.Report = connection.be_silent) -> Stack:
    """The stack in the files, for a verb that asks the file for nothing but the sandboxes that `word` means.

    What is wrong with others, be they needed by these, is told to `report`. Raises `InputError` for anything else.
    """
    try:
        return load(inputs)
    except InputError:
        stack, problems = load_readable(inputs)
        groups = {name: sandbox.group for name, sandbox in stack.sandboxes.items()}
        meant = {word, *match_names(word, groups)}
        meant |= {groups[name] for name in meant if name in groups}
        if any(problem.sandbox is None or problem.sandbox in meant for problem in problems):
            raise
        for problem in problems:
            report(f"warning: {problem.summary}")
        return stack


def read_for_outputs(inputs: Inputs, name: str | None) -> Subject:
    """The stack in the files, for the output called `name`, or for all of them.

    What is wrong with sandboxes that these do not refer to is no error. Raises `InputError` for anything else.
    """
    try:
        return Subject(stack=load(inputs))
    except InputError:
        # Most files are whole.
        from nexusctl.plan.commands.outputs import find_sandboxes  # noqa: PLC0415 - deferred: start-up time

        stack, problems = load_readable(inputs)
        chosen = {key: found for key, found in stack.outputs.items() if name in (None, key)}
        asked = frozenset().union(*(find_sandboxes(found.value) for found in chosen.values()))
        groups = {stack.sandboxes[box].group for box in asked if box in stack.sandboxes}
        if any(problem.sandbox is None or problem.sandbox in asked | groups for problem in problems):
            raise
        return Subject(stack=stack, problems=as_warnings(problems))


def find_subject(inputs: Inputs, name: str | None) -> tuple[Engine, Subject]:
    """The same with the engine. A stack that is named has to be there. Raises `InputError`, `EngineError`."""
    subject = read_subject(inputs, name)
    engine = connection.connect()
    if name:
        require_stack(engine, subject.stack.name)
    return engine, subject


def require_stack(engine: Engine, name: str) -> None:
    """Raise `InputError` where nothing on the engine belongs to a stack of that name."""
    names = engine.list_stacks()
    if name not in names:
        raise InputError(Diagnostic(f"there is no stack {name} on this engine", hint=suggest(name, names, "stacks")))


def as_warnings(problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(replace(problem, severity="warning") for problem in problems)
