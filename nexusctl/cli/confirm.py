"""The face of a change on this terminal: shows its events, and answers what it asks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import closing
from typing import TYPE_CHECKING

import click

from nexusctl.api.apply import Terms
from nexusctl.api.execution import Interrupt
from nexusctl.cli import options
from nexusctl.cli.exit_codes import FAILED
from nexusctl.cli.terminal.show_plan import show_plan
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.observed.live import LiveState
from nexusctl.model.observed.published import Published
from nexusctl.model.output import OutputValue
from nexusctl.model.plan.event import AnyEvent, Declined, Left, Noticed, Outcome, Planned, Reached, Spared, Told
from nexusctl.render.format import FORMAT_VERSION

if TYPE_CHECKING:
    from nexusctl.cli.report_run import Conduct, Manner


def require_answer(*, yes: bool, first: Callable[[], object] | None = None) -> None:
    """Refuse where nobody could be asked, before anything is done.

    `first` raises what else is wrong: whoever has mistyped a name is told that, not what to pass with it.
    """
    if not yes and not sys.stdin.isatty():
        if first:
            first()
        raise InputError(
            Diagnostic("there is no terminal to ask for approval on", hint="pass --yes to go ahead without asking")
        )


class Face:
    """Lives as long as one command. `timeout` are the seconds after which no step is begun."""

    def __init__(
        self,
        *,
        as_json: bool,
        yes: bool = True,
        question: str = "",
        timeout: float | None = None,
        manner: Manner = "usual",
    ) -> None:
        self._as_json = as_json
        self._yes = yes
        self._question = question
        self._timeout = timeout
        self._manner: Manner = manner
        self._conduct: Conduct | None = None

    def terms(self, *, lock_timeout: float, rollback: bool = False) -> Terms:
        """What the sentence of a change is told of this face."""
        return Terms(begin=self.begin, lock_timeout=lock_timeout, report=options.say, rollback=rollback)

    def begin(self, planned: Planned) -> Interrupt | None:
        """What Ctrl-C and the time limit set while `planned` is carried out; None where the user does not want it."""
        first = planned.purpose == "planned"
        if first and not self._yes and not click.confirm(self._question, err=True):
            return None
        # A plan without changes is shown in less time than what carries one out takes to load.
        from nexusctl.cli.report_run import Conduct  # noqa: PLC0415 - deferred: start-up time

        timeout = self._timeout if first else None
        self._conduct = Conduct(planned, as_json=self._as_json, timeout=timeout, manner=self._manner)
        return self._conduct.interrupt

    def follow(self, events: Generator[AnyEvent, None, Outcome]) -> int:
        """Show `events` to their end; returns the exit code."""
        code = 0
        with closing(events), closing(self):
            for event in events:
                match event:
                    case Planned():
                        self._show(event)
                    case Noticed() | Spared():
                        options.warn(event.problems)
                    case Declined():
                        options.say("Nothing was changed.")
                        code = FAILED
                    case Told():
                        show_outputs(event.outputs, as_json=self._as_json)
                    case Reached():
                        show_reached(event.ports, as_json=self._as_json)
                    case Left():
                        left = _show_left(event.live, as_json=self._as_json)
                        code = code or left
                    case _:
                        assert self._conduct is not None
                        # The run failed, and that is what the exit code says however well the way back went.
                        code = self._conduct.follow(event, events) or code
        return code

    def close(self) -> None:
        """Let signals do again what they did before."""
        if self._conduct:
            self._conduct.close()

    def _show(self, planned: Planned) -> None:
        if planned.purpose == "planned":
            show_plan(planned.plan, planned.purpose, as_json=self._as_json)
            return
        # Few runs have to go back.
        from nexusctl.cli.report_run import announce_rollback  # noqa: PLC0415 - deferred: start-up time

        announce_rollback(planned.plan, as_json=self._as_json)


def show_outputs(found: tuple[OutputValue, ...], *, as_json: bool) -> None:
    """The outputs of a stack, after all is done."""
    # Only a stack that has some needs it.
    from nexusctl.render.outputs import outputs_event, render_outputs  # noqa: PLC0415 - deferred: start-up time

    if as_json:
        options.write_json(outputs_event(found))
    else:
        click.echo(f"\nOutputs:\n\n{render_outputs(found)}", nl=False)


def show_reached(found: tuple[Published, ...], *, as_json: bool) -> None:
    """Where ports are reached that have another number now."""
    # Few are started again in place and let the engine choose.
    from nexusctl.render.ports import describe_reached, ports_document  # noqa: PLC0415 - deferred: start-up time

    if as_json:
        options.write_json({**ports_document(found), "event": "ports"})
    else:
        click.echo(describe_reached(found), nl=False)


def _show_left(live: LiveState, *, as_json: bool) -> int:
    if as_json:
        options.write_json({"format_version": FORMAT_VERSION, "event": "remains", "remains": _list_left(live)})
    else:
        click.echo(_describe_left(live))
    return FAILED if live.sandboxes or live.networks else 0


def _list_left(live: LiveState) -> list[str]:
    return [
        *(f"container {sandbox.name}" for sandbox in live.sandboxes),
        *(f"network {network.name}" for network in live.networks),
        *(f"volume {volume.name}" for volume in live.volumes),
        *(f"{'record' if orphan.kind == 'amendment' else orphan.kind} {orphan.name}" for orphan in live.orphans),
    ]


def _describe_left(live: LiveState) -> str:
    left = _list_left(live)
    if not left:
        return f"Nothing is left of stack {live.stack}."
    hint = " (`--volumes` removes volumes and their data)" if live.volumes else ""
    return f"Left of stack {live.stack}: {', '.join(left)}{hint}."
