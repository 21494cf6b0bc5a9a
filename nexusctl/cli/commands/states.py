"""The verbs that let live sandboxes run or not; they differ in little but their names."""

from __future__ import annotations

import math
import signal as signals
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from nexusctl.api import subject
from nexusctl.api.everyday.states import KILL, StateRequest, change_states
from nexusctl.cli import options
from nexusctl.cli.confirm import Face
from nexusctl.cli.terminal.signals import obey_sigterm
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.load_request import Inputs


def _choosing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which sandboxes are meant."""

    @options.stack_inputs
    @options.stack_name
    @click.argument("sandboxes", nargs=-1, metavar="[NAME]...")
    @click.option("--metadata", "pairs", multiple=True, metavar="KEY=VALUE", help="Only those with this metadata.")
    @click.option("--all", "everything", is_flag=True, help="All sandboxes of the stack.")
    @options.lock_timeout
    @options.as_json
    @wraps(command)
    def gathered(*arguments: Any, **others: Any) -> Any:
        return command(*arguments, **others)

    return gathered


_write = click.option("--write", is_flag=True, help="Write the state into the stack file as well; all else stays.")


def _change(
    verb: Any,
    *,
    inputs: Inputs,
    stack_name: str | None,
    sandboxes: tuple[str, ...],
    pairs: tuple[str, ...],
    everything: bool,
    lock_timeout: float,
    as_json: bool,
    signal: str = KILL,
    write: bool = False,
) -> int:
    _require_choice(verb, sandboxes, pairs, everything=everything)
    if write and stack_name:
        raise click.UsageError("--write needs the stack file, and --stack is instead of one")
    obey_sigterm()
    asked = StateRequest(
        verb=verb,
        names=sandboxes,
        metadata=_split(pairs),
        everything=everything,
        write=inputs if write else None,
        signal=signal,
    )
    about = subject.read_subject(inputs, stack_name)
    options.warn(about.problems)
    face = Face(as_json=as_json)
    return face.follow(change_states(about, asked, face.terms(lock_timeout=lock_timeout), must_exist=bool(stack_name)))


def _require_choice(verb: str, sandboxes: tuple[str, ...], pairs: tuple[str, ...], *, everything: bool) -> None:
    if not (sandboxes or pairs or everything):
        raise click.UsageError(f"name the sandboxes to {verb}, or say --all")
    if everything and sandboxes:
        raise click.UsageError("--all means every sandbox; give either that or names")


def _split(pairs: tuple[str, ...]) -> dict[str, str]:
    return dict(options.split_pair(pair, "--metadata") for pair in pairs)


@click.command()
@_choosing
@_write
def stop(**given: Any) -> int:
    """Stop sandboxes: those that depend on others first, each with its signal and its time.

    What was stopped so stays stopped, also when the engine restarts, until `start` or `apply --start-stopped`.
    """
    return _change("stop", **given)


@click.command()
@_choosing
@_write
def start(**given: Any) -> int:
    """Start sandboxes that are stopped or paused, after what they depend on, and wait until they are ready."""
    return _change("start", **given)


@click.command()
@_choosing
def restart(**given: Any) -> int:
    """Stop sandboxes and start them again, in the order of what depends on what."""
    return _change("restart", **given)


@click.command()
@_choosing
@_write
def pause(**given: Any) -> int:
    """Hold the processes of sandboxes where they are, until `resume`."""
    return _change("pause", **given)


@click.command()
@_choosing
@_write
def resume(**given: Any) -> int:
    """Let paused sandboxes go on."""
    return _change("resume", **given)


@click.command()
@_choosing
@click.option("-s", "--signal", default="KILL", show_default=True, metavar="SIGNAL", help="What to send instead.")
def kill(signal: str, **given: Any) -> int:
    """End sandboxes at once, without their time to end in. Another signal goes to the main process.

    What was killed stays so, as with `stop`.
    """
    return _change("kill", signal=_read_signal(signal), **given)


def _read_signal(word: str) -> str:
    """As the engine calls it. Those of real time, and numbers, are the engine's to know."""
    name = word.upper().removeprefix("SIG")
    known = [one.name.removeprefix("SIG") for one in signals.Signals]
    if name.isdigit():
        return name
    if name not in known and not name.startswith(("RTMIN", "RTMAX")):
        # Only a mistake needs it.
        from nexusctl.model.values.did_you_mean import suggest  # noqa: PLC0415 - deferred: start-up time

        raise InputError(Diagnostic(f"there is no signal {word}", hint=suggest(name, known, "signals")))
    return f"SIG{name}"


@click.command()
@_choosing
@click.argument("duration", type=options.Duration())
def extend(
    inputs: Inputs,
    stack_name: str | None,
    sandboxes: tuple[str, ...],
    pairs: tuple[str, ...],
    everything: bool,
    duration: float,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Let sandboxes live longer than their `timeout` and `keep_until` say, by a duration such as 30m or 2h.

    One whose time is over lives so long from now on, once it is started. The stack file stays as it is, and so does
    its plan; a container that replaces it has the file's lifetime again.
    """
    # No other of these verbs needs it.
    from nexusctl.api.lifetimes.extending import extend as extend_live  # noqa: PLC0415 - deferred: start-up time

    _require_choice("extend", sandboxes, pairs, everything=everything)
    if duration < 1:
        raise click.BadParameter("it has to be a second at least", param_hint="DURATION")
    obey_sigterm()
    asked = StateRequest(names=sandboxes, metadata=_split(pairs), everything=everything)
    about = subject.read_subject(inputs, stack_name)
    options.warn(about.problems)
    face = Face(as_json=as_json)
    terms = face.terms(lock_timeout=lock_timeout)
    return face.follow(extend_live(about, asked, math.ceil(duration), terms, must_exist=bool(stack_name)))
