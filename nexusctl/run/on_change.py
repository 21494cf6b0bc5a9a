"""What follows after files of a running sandbox have changed."""

from __future__ import annotations

from nexusctl.engine.base import Engine, Report
from nexusctl.engine.cancel import NEVER, Cancel
from nexusctl.engine.first_error import choose_lines
from nexusctl.errors import Diagnostic, StepError
from nexusctl.model.uploads_and_packages import Reaction
from nexusctl.run.startup_script import COMMAND_TIMEOUT, OUTPUT_LINES
from nexusctl.run.stop import Ending, Warn, restart
from nexusctl.run.waits import Interrupted


def react(
    engine: Engine,
    container_id: str,
    name: str,
    reaction: Reaction,
    report: Report,
    warn: Warn,
    ending: Ending,
    cancel: Cancel = NEVER,
) -> None:
    """Let the sandbox `name` know.

    Raises `StepError` with the last lines of a command that fails, `Interrupted` if it was cut, `EngineError`.
    """
    if reaction.restart:
        report("restarting")
        restart(engine, container_id, name, ending, warn)
    elif reaction.signal:
        report(f"sending {reaction.signal}")
        engine.signal_container(container_id, reaction.signal)
    else:
        report("running the command of its upload")
        outcome = engine.run_command(container_id, reaction.command, timeout=COMMAND_TIMEOUT, cancel=cancel)
        if outcome.exit_code != 0 and cancel.requested:
            raise Interrupted
        if outcome.timed_out:
            raise StepError(
                Diagnostic(
                    f"{name}: its `on_change` did not end within {COMMAND_TIMEOUT / 60:g} min, and was ended",
                    sandbox=name,
                    output=tuple(outcome.output.splitlines()[-OUTPUT_LINES:]),
                    hint="`on_change` is for what ends by itself; the next apply runs it again",
                )
            )
        if outcome.exit_code != 0:
            raise StepError(
                Diagnostic(
                    f"{name}: the command after its upload exited with code {outcome.exit_code}",
                    sandbox=name,
                    output=choose_lines(outcome.output.splitlines(), OUTPUT_LINES),
                    hint="mend the command or the files; the next apply sends them and runs it again",
                )
            )
