"""The Python door: a stack file and what runs of it, through the functions that the command line uses.

from nexusctl import Stack

with Stack.load("nexus.yaml", vars={"port": 8080}) as stack:
    stack.exec("api", ["curl", "-f", "localhost:3000"], check=True)
"""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nexusctl.api import apply as sentence
from nexusctl.api import connection, inspection, planning, subject
from nexusctl.api.everyday.instances import find_instance
from nexusctl.api.outputs import read_output
from nexusctl.engine.command import Command
from nexusctl.errors import Diagnostic, InputError, LockHeld, NexusError
from nexusctl.model.load_request import Given, Inputs
from nexusctl.model.plan.event import AnyEvent, Failed, Outcome, Planned
from nexusctl.model.plan.plan import Plan
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.names import Choice
from nexusctl.plan.commands.status import SandboxStatus
from nexusctl.run.interrupt import Interrupt, interruptible

__all__ = ["ApplyFailed", "CommandFailed", "Executed", "Plan", "SandboxStatus", "Stack"]

OnEvent = Callable[[AnyEvent], None]
"""Gets each event of a change while it comes."""


class ApplyFailed(NexusError):
    """Not all of a plan was carried out; `diagnostics` say what failed. What did not depend on that is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """How a command inside of a sandbox ended, and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str


class CommandFailed(NexusError):
    """A command inside of a sandbox did not exit with 0."""

    def __init__(self, name: str, command: Sequence[str], executed: Executed) -> None:
        lines = (executed.stderr or executed.stdout).splitlines()[-40:]
        summary = f"{name}: `{' '.join(command)}` exited with {executed.exit_code}"
        super().__init__(Diagnostic(summary, output=tuple(lines), sandbox=name))
        self.executed = executed


class Stack:
    """A stack file, read once. What is live is asked anew by each method; nothing is held between two calls.

    As a context manager it applies on the way in, and on the way out it destroys all of the stack, volumes included. A
    stack that was there before is nobody's to destroy: it raises `InputError` for one.

    Every method raises `EngineUnreachable` and other `EngineError`s, those that change something `LockHeld`, too.
    """

    def __init__(self, inputs: Inputs) -> None:
        """For the `inputs` of a load; `Stack.load` is the short way. Raises `InputError` for a wrong file."""
        self._inputs = inputs
        self._about = subject.read_chosen(inputs, planning.EVERYTHING)

    @classmethod
    def load(
        cls,
        *files: str | Path,
        vars: Mapping[str, Any] | None = None,  # noqa: A002 - as the stack file and the command line call them
        var_files: Sequence[str | Path] = (),
        profiles: Sequence[str] = (),
        locked: bool = False,
        instance: str = "",
    ) -> Self:
        """The stack in `files`, each laid over the ones before it; `nexus.yaml` where none is named.

        `vars` are values of its variables: texts as they are, anything else as JSON. With `locked` it has exactly what
        its lock file says. `instance` is which of several of it on one engine is meant, as `--instance` has it.
        Raises `InputError` with every mistake at its place.
        """
        values = {name: value if isinstance(value, str) else json.dumps(value) for name, value in (vars or {}).items()}
        given = Given(values=values, files=tuple(map(Path, var_files)))
        paths = tuple(map(Path, files)) or (Path("nexus.yaml"),)
        named, branch = find_instance(instance, paths[0].absolute().parent) if instance else ("", "")
        inputs = Inputs(
            files=paths,
            given=given,
            profiles=tuple(profiles),
            instance=named,
            branch=branch,
        )
        return cls(replace(inputs, lock=inputs.lock_path) if locked else inputs)

    @property
    def name(self) -> str:
        """What the stack is called."""
        return self._about.stack.name

    @property
    def sandboxes(self) -> tuple[str, ...]:
        """The names of all sandboxes that the file declares."""
        return tuple(self._about.stack.sandboxes)

    def plan(self, *, deep: bool = False, targets: Sequence[str] = (), excludes: Sequence[str] = ()) -> Plan:
        """What `apply` would do, and why; `Plan.empty` where that is nothing. Changes nothing. Raises `PlanError`."""
        about = self._chosen(targets, excludes)
        return planning.prepare(connection.connect(), about.stack, deep=deep, choice=about.choice).plan

    def apply(
        self,
        *,
        deep: bool = False,
        targets: Sequence[str] = (),
        excludes: Sequence[str] = (),
        rollback: bool = False,
        lock_timeout: float = 60.0,
        on_event: OnEvent | None = None,
    ) -> Plan:
        """Make the live sandboxes what the file says; returns the plan that was carried out.

        Raises `ApplyFailed` where a part of it failed, `PlanError`, and `KeyboardInterrupt` after Ctrl-C, once what
        runs has come to its end. `lock_timeout` is in seconds.
        """
        about = self._chosen(targets, excludes)
        with _stoppable() as interrupt:
            terms = _terms(interrupt, lock_timeout, rollback=rollback)
            return _follow(sentence.apply(about, terms, deep=deep), on_event, interrupt)

    def destroy(self, *, volumes: bool = False, lock_timeout: float = 60.0, on_event: OnEvent | None = None) -> Plan:
        """Remove everything that belongs to the stack; its volumes stay unless `volumes`. Raises as `apply` does."""
        with _stoppable() as interrupt:
            terms = _terms(interrupt, lock_timeout)
            events = sentence.destroy(self.name, terms, remove_volumes=volumes)
            return _follow(events, on_event, interrupt)

    def status(self) -> tuple[SandboxStatus, ...]:
        """State, health, ports and endpoint of each sandbox, declared or live, by name."""
        return inspection.status(connection.connect(), self._about.stack)

    def endpoint(self, name: str) -> str:
        """Where this machine reaches the sandbox `name`, such as `http://127.0.0.1:32768`. Raises `InputError`."""
        found = {status.name: status.endpoint for status in self.status()}
        if not found.get(name):
            what = f"sandbox {name} of stack {self.name} publishes no port, or does not run"
            raise InputError(Diagnostic(what, hint="`ports: [3000]` publishes one; `apply` starts it"))
        return found[name]

    def output(self, name: str) -> Any:
        """The value of the output `name`, a sensitive one as it is. Raises `InputError` where it is not known yet."""
        return read_output(connection.connect(), self._about.stack, name).value

    def exec(
        self,
        name: str,
        command: str | Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        working_dir: str | None = None,
        user: str | None = None,
        timeout: float | None = None,
        check: bool = False,
    ) -> Executed:
        """Run `command` in the sandbox `name`; a text is run by `/bin/sh -c`.

        After `timeout` seconds it is ended, with exit code 124. With `check` raises `CommandFailed` for any code but 0.
        Raises `InputError` for a sandbox that does not run.
        """
        argv = ("/bin/sh", "-c", command) if isinstance(command, str) else tuple(command)
        engine = connection.connect()
        live = inspection.find_running(engine, self._about.stack, name)
        out, err = io.BytesIO(), io.BytesIO()
        code = engine.execute(
            live.id,
            Command(
                argv=argv, stdout=out, stderr=err, env=dict(env or {}), working_dir=working_dir, user=user,
                timeout=timeout,
            ),
        )  # fmt: skip
        texts = [stream.getvalue().decode(errors="replace") for stream in (out, err)]
        executed = Executed(exit_code=code, stdout=texts[0], stderr=texts[1])
        if check and code:
            raise CommandFailed(name, argv, executed)
        return executed

    def __enter__(self) -> Self:
        if self.name in connection.connect().list_stacks():
            hint = f"`nexusctl destroy --stack {self.name}` removes it, `apply` without `with` goes on with it"
            raise InputError(Diagnostic(f"stack {self.name} is there already, or a part of it", hint=hint))
        try:
            self.apply()
        except LockHeld:
            raise
        except BaseException:
            self.destroy(volumes=True)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.destroy(volumes=True)

    def _chosen(self, targets: Sequence[str], excludes: Sequence[str]) -> subject.Subject:
        if not targets and not excludes:
            return self._about
        return subject.read_chosen(self._inputs, Choice(targets=tuple(targets), excludes=tuple(excludes)))


def _terms(interrupt: Interrupt, lock_timeout: float, *, rollback: bool = False) -> sentence.Terms:
    return sentence.Terms(begin=lambda _: interrupt, lock_timeout=lock_timeout, rollback=rollback)


def _follow(events: Generator[AnyEvent, None, Outcome], on_event: OnEvent | None, interrupt: Interrupt) -> Plan:
    """Take all of `events`; returns the first plan among them. Raises `ApplyFailed`, `KeyboardInterrupt`."""
    chosen: Plan | None = None
    problems: list[Diagnostic] = []
    with closing(events):
        for event in events:
            if isinstance(event, Planned):
                chosen = chosen or event.plan
            elif isinstance(event, Failed):
                problems.append(event.problem)
            if on_event:
                on_event(event)
    if interrupt.requested:
        raise KeyboardInterrupt
    if problems:
        raise ApplyFailed(*problems)
    assert chosen is not None
    return chosen


def _stoppable() -> AbstractContextManager[Interrupt]:
    """What Ctrl-C sets while inside; twice ends this process at once."""
    return interruptible((signal.SIGINT,), again=lambda _: os._exit(130))
