"""Whether what was typed names something, asked before anybody is asked for more."""

from __future__ import annotations

from nexusctl.api import connection, planning
from nexusctl.api.subject import Subject, require_stack
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.names import Choice, group_names


def require_choice(about: Subject) -> None:
    """Raise `InputError` where a name of its choice means nothing that is declared or live, `EngineError`."""
    _require(about.stack, about.choice)


def require_removal(about: Subject, names: tuple[str, ...], *, must_exist: bool) -> None:
    """The same for live sandboxes of its stack, and with `must_exist` for that."""
    if must_exist:
        require_stack(connection.connect(), about.stack.name)
    _require(planning.empty_stack(about.stack.name), Choice(targets=names))


def _require(stack: Stack, choice: Choice) -> None:
    if choice != planning.EVERYTHING:
        live = planning.observe(connection.connect(), stack)
        planning.require_known(planning.call_anew(choice, stack, live), group_names(stack, live))
