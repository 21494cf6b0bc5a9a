"""Stop, start, restart, pause, resume and kill: the sentence of a change, of what is live and its records."""

from __future__ import annotations

import time
from collections.abc import Mapping

from nexusctl.api import connection
from nexusctl.api.apply import Events, Terms, carry_out, ensure_reaper, tell_moved
from nexusctl.api.everyday.lost_secrets import put_back
from nexusctl.api.planning import empty_stack, require_known
from nexusctl.api.subject import Subject, require_stack
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.engine_names import natural_key
from nexusctl.model.load_request import Inputs
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.stack import Sandbox, Stack
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.names import Choice, group_names, match_names
from nexusctl.plan.commands.not_running import explain_pruned
from nexusctl.plan.commands.states.states import (
    KILL,
    RESTS,
    RUNS,
    Transition,
    Verb,
    find_holders,
    list_states,
    plan_states,
)

__all__ = ["KILL", "StateRequest", "Verb", "change_states", "choose_live"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRequest:
    """Which sandboxes are meant, and what is to become of them.

    `names` are of sandboxes or groups, or globs; `metadata` is what they bear. With `everything` all that live.
    `verb` is for `change_states`, and `signal` for `kill`. The files of `write` say it from now on.
    """

    verb: Verb = "start"
    names: tuple[str, ...] = ()
    metadata: Mapping[str, str]
    everything: bool = False
    write: Inputs | None = None
    signal: str = KILL


def change_states(about: Subject, asked: StateRequest, terms: Terms, *, must_exist: bool = False) -> Events:
    """Bring the live sandboxes that are meant to what `asked` says; returns how that went.

    What is stopped, paused or killed is noted as somebody's wish, which an apply respects; with what runs again the
    reaper is started where none runs and something ends by itself. With `must_exist` it is an
    error that there is no such stack. Raises `InputError` for names that mean nothing and what cannot be done,
    `EngineError`, `LockHeld`.
    """
    # Only what changes something needs it.
    import getpass  # noqa: PLC0415 - deferred: start-up time

    engine, name = connection.connect(), about.stack.name
    if must_exist:
        require_stack(engine, name)
    wish = Transition(
        verb=asked.verb,
        user=getpass.getuser(),
        now=int(time.time()),
        write=asked.write is not None,
        signal=asked.signal,
        exact=frozenset(asked.names),
    )
    # On a full disk somebody has to be able to stop what fills it.
    ends = asked.verb in RESTS and not asked.write
    with connection.hold_lock(engine, name, timeout=terms.lock_timeout, report=terms.report, makes_space=ends):
        live = engine.observe(empty_stack(name))
        chosen = choose_live(live, asked, about.stack.sandboxes)
        planned = plan_states(live, chosen, wish, about.stack.sandboxes)
        planned, known = put_back(engine, about.stack, live, planned)
        if asked.write:
            # Few of these change the file as well.
            from nexusctl.api.everyday.writing import write_states  # noqa: PLC0415 - deferred: start-up time

            for line in write_states(asked.write, about.stack, list_states(planned, wish)):
                terms.report(line)
        outcome = yield from carry_out(engine, planned, terms, known)
    if asked.verb in RUNS:
        yield from ensure_reaper(engine, live, outcome, terms)
        yield from tell_moved(engine, planned, live, outcome)
    return outcome


def find_named(engine: Engine, stack: Stack, name: str) -> tuple[LiveSandbox, ...]:
    """The live sandboxes that `name` means: one, a group or a glob. Raises `InputError` where it means none."""
    live = engine.observe(empty_stack(stack.name))
    asked = StateRequest(names=(name,), metadata={})
    chosen, holders = choose_live(live, asked, stack.sandboxes), find_holders(live)
    return tuple(holders[one] for one in sorted(chosen, key=natural_key) if one in holders)


def _explain_missing(live: LiveState, name: str, groups: Mapping[str, str]) -> Diagnostic:
    if name in live.pruned:
        return explain_pruned(name, live.pruned[name])
    hint = f"live are: {', '.join(sorted(groups))}" if groups else "none is live; `nexusctl apply` makes them"
    return Diagnostic(f"stack {live.stack} has no live sandbox {name}", hint=hint)


def choose_live(live: LiveState, asked: StateRequest, declared: Mapping[str, Sandbox]) -> frozenset[str]:
    """The live sandboxes that are meant; `declared` are those of the file. Raises `InputError` where none is."""
    groups = group_names(empty_stack(live.stack), live)
    known = groups | {name: sandbox.group for name, sandbox in declared.items()}
    require_known(Choice(targets=asked.names), known)
    if missing := [name for name in asked.names if not match_names(name, groups)]:
        raise InputError(*(_explain_missing(live, name, groups) for name in missing))
    named = (
        frozenset().union(*(match_names(name, groups) for name in asked.names)) if asked.names else frozenset(groups)
    )
    if not asked.metadata:
        return named
    holders, wanted = find_holders(live), asked.metadata.items()
    found = frozenset(n for n in named if n in holders and (r := holders[n].record) and wanted <= r.metadata.items())
    if not found:
        pairs = ", ".join(f"{key}={value}" for key, value in wanted)
        raise InputError(Diagnostic(f"no live sandbox of stack {live.stack} has the metadata {pairs}"))
    return found
