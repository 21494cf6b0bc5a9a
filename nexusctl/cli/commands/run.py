from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import field
from pathlib import Path
from signal import SIGHUP, SIGTERM

import click

from nexusctl.api import apply as sentence
from nexusctl.api import connection, inspection, outputs, subject
from nexusctl.api.connection import Command, Engine
from nexusctl.api.pipeline import claim, collect
from nexusctl.api.pipeline.cases import Cases
from nexusctl.api.pipeline.environment import environment
from nexusctl.cli import options
from nexusctl.cli.confirm import Face
from nexusctl.cli.exit_codes import FAILED, INTERRUPTED
from nexusctl.cli.terminal.program_streams import program_streams
from nexusctl.cli.terminal.run_here import TIMED_OUT, run_here
from nexusctl.cli.terminal.signals import breakable, obey_hangup, obey_sigterm, shielded
from nexusctl.cli.terminal.streams import go_on_unheard
from nexusctl.errors import Diagnostic, InputError, NexusError
from nexusctl.model.load_request import Inputs
from nexusctl.model.plan.case import Case
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.names import Choice

_BY_SIGNAL = (128 + SIGHUP, INTERRUPTED, 128 + SIGTERM)
"""Whoever ends a run by one of these wants nothing of it to stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What is to be done with the stack while it is there."""

    words: tuple[str, ...]
    inside: str | None
    artifacts: Path | None
    junit: Path | None
    keep_on_failure: bool
    lock_timeout: float
    timeout: float | None
    begin: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float | None:
        """Seconds of its time."""
        return None if self.timeout is None else max(0.0, self.begin + self.timeout - time.monotonic())


@click.command(context_settings={"allow_interspersed_args": False})
@options.stack_inputs
@options.locked
@click.option("--in", "inside", metavar="NAME", help="Run COMMAND in this sandbox instead of here.")
@click.option(
    "--artifacts", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Bring the log of each sandbox here, and what its `artifacts` name.",
)  # fmt: skip
@click.option(
    "--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write a test report: a case for each sandbox, each task and COMMAND.",
)  # fmt: skip
@click.option("--keep-on-failure", is_flag=True, help="Leave the stack as it is where something failed.")
@click.option(
    "--timeout", type=options.Duration(), metavar="DURATION",
    help="End what runs after this time, with exit code 124; the stack is removed all the same.",
)  # fmt: skip
@options.lock_timeout
@click.argument("words", metavar="[COMMAND]...", nargs=-1, type=click.UNPROCESSED)
def run(
    inputs: Inputs,
    locked: bool | None,
    inside: str | None,
    artifacts: Path | None,
    junit: Path | None,
    keep_on_failure: bool,
    timeout: float | None,
    lock_timeout: float,
    words: tuple[str, ...],
) -> int:
    """Bring the stack up, run COMMAND beside it, and remove the stack, whatever happens. Exits with COMMAND's code.

    COMMAND runs here, with the outputs of the stack as NEXUS_OUT_NAME, and with `--in NAME` in a sandbox. Without one
    the run is what the stack's tasks do.

    All that nexusctl itself says goes to stderr.
    """
    obey_sigterm()
    obey_hangup()
    go_on_unheard()
    if inside and not words:
        raise click.UsageError("--in needs a command; write `--in NAME COMMAND...`")
    about = subject.read_chosen(options.with_lock(inputs, locked), Choice())
    claim.require_removable(about.stack)
    if inside and inside not in about.stack.sandboxes:
        # Only a mistake needs it.
        from nexusctl.model.values.did_you_mean import suggest  # noqa: PLC0415 - deferred: start-up time

        hint = suggest(inside, sorted(about.stack.sandboxes), "the sandboxes")
        raise InputError(Diagnostic(f"no sandbox is called {inside}", hint=hint))
    for folder in (artifacts, junit and junit.parent):
        if folder:
            collect.open_folder(folder)
    wish = _Wish(
        words=words, inside=inside, artifacts=artifacts, junit=junit, keep_on_failure=keep_on_failure,
        lock_timeout=lock_timeout, timeout=timeout,
    )  # fmt: skip
    engine = connection.connect()
    name = about.stack.name
    # No signal falls between the work and what clears up after it.
    with shielded(), ExitStack() as stack:
        with breakable():
            left = stack.enter_context(claim.claim(engine, name, timeout=lock_timeout, report=options.say))
            if left:
                options.say(f"Stack {name} is what a run has left that was killed: it is removed first.")
                _remove(name, wish)
        return _StackRun(engine, about, wish).perform()


class _StackRun:
    def __init__(self, engine: Engine, about: subject.Subject, wish: _Wish) -> None:
        self._engine, self._about, self._wish = engine, about, wish
        self._cases = Cases(about.stack)
        self._ended_by = 0

    def perform(self) -> int:
        """From up to down; returns the exit code."""
        code = FAILED
        try:
            with breakable():
                code = self._work()
        except KeyboardInterrupt:
            # Somebody who repeats what has ended the command takes nothing of that back.
            options.say("Interrupted.")
            code = self._ended_by or INTERRUPTED
        except NexusError as error:
            self._cases.add(Case(name="stack", kind="stack", failure=str(error)))
            raise
        finally:
            self._bring()
            self._report()
            cleared = self._clear(code)
        return code or cleared

    def _work(self) -> int:
        wish = self._wish
        face = Face(as_json=False, timeout=wish.timeout, manner="cleared up")
        terms = face.terms(lock_timeout=wish.lock_timeout)
        with redirect_stdout(sys.stderr):
            code = face.follow(self._cases.watch(sentence.apply(self._about, terms)))
        if code:
            return TIMED_OUT if wish.left == 0.0 else code
        return self._run_command() if wish.words else 0

    def _run_command(self) -> int:
        wish, stack = self._wish, self._about.stack
        environ = environment(stack.name, outputs.reveal_outputs(self._engine, stack))
        words = wish.words[1:] if wish.words[0] == "--" else wish.words
        begin = time.monotonic()
        if wish.inside:
            live = inspection.find_running(self._engine, stack, wish.inside)
            tty = sys.stdin.isatty() and sys.stdout.isatty()
            with program_streams(raw=tty) as (out, err):
                command = Command(
                    argv=words, env=environ, stdin=sys.stdin.buffer, stdout=out, stderr=err, tty=tty, timeout=wish.left
                )
                code = self._engine.execute(live.id, command)
        else:
            code = run_here(words, environ, timeout=wish.left)
        self._ended_by = code if code in _BY_SIGNAL else 0
        failure = f"it exited with {code}" if code else ""
        seconds = time.monotonic() - begin
        # All of its words may hold what a report should not.
        self._cases.add(Case(name=words[0], kind="command", seconds=seconds, failure=failure))
        return code

    def _bring(self) -> None:
        if folder := self._wish.artifacts:
            with _told():
                options.warn(tuple(collect.collect(self._engine, self._about.stack, folder)))
        elif any(sandbox.artifacts for sandbox in self._about.stack.sandboxes.values()):
            options.say("note: `artifacts` are brought here with `--artifacts DIR`")

    def _report(self) -> None:
        if self._wish.junit:
            # Few runs ask for one.
            from nexusctl.render.report.junit import render_junit  # noqa: PLC0415 - deferred: start-up time

            text = render_junit(self._about.stack.name, self._cases.list())
            try:
                self._wish.junit.write_text(text, encoding="utf-8", errors="replace")
            except OSError as error:
                options.say(f"warning: {self._wish.junit} cannot be written: {error.strerror or error}")

    def _clear(self, code: int) -> int:
        name = self._about.stack.name
        if code and code not in _BY_SIGNAL and self._wish.keep_on_failure:
            options.say(f"Stack {name} stays: `nexusctl destroy --stack {name} --volumes` removes it.")
            return 0
        with _told():
            claim.let_go(self._engine, name)
        with _told() as told:
            return _remove(name, self._wish)
        return FAILED if told else 0


def _remove(name: str, wish: _Wish) -> int:
    face = Face(as_json=False, manner="shielded")
    with redirect_stdout(sys.stderr):
        terms = face.terms(lock_timeout=wish.lock_timeout)
        return face.follow(sentence.destroy(name, terms, remove_volumes=True))


@contextmanager
def _told() -> Iterator[list[NexusError]]:
    """What goes wrong inside is told, and keeps nothing from going on."""
    met: list[NexusError] = []
    try:
        yield met
    except NexusError as error:
        met.append(error)
        options.warn(error.diagnostics)
