"""The startup script of a new container."""

from __future__ import annotations

from nexusctl.engine.base import Engine, Report
from nexusctl.engine.cancel import NEVER, Cancel
from nexusctl.engine.first_error import choose_lines
from nexusctl.errors import Diagnostic, StepError
from nexusctl.model.stack import Sandbox
from nexusctl.run.waits import Interrupted

OUTPUT_LINES = 20

COMMAND_TIMEOUT = 1800.0
"""Seconds that a script or command of the stack file may take inside, where it has no limit of its own."""


def run_startup(engine: Engine, container_id: str, sandbox: Sandbox, report: Report, cancel: Cancel = NEVER) -> None:
    """Run the script once; raises `StepError` with its last lines unless it exits with 0, and `Interrupted` if cut."""
    if not sandbox.startup:
        return
    report("running its startup script")
    limit = max(COMMAND_TIMEOUT, float(sandbox.start_timeout or 0))
    outcome = engine.run_script(container_id, sandbox.startup, timeout=limit, cancel=cancel)
    if outcome.exit_code != 0 and cancel.requested:
        raise Interrupted
    if outcome.timed_out:
        raise StepError(
            Diagnostic(
                f"{sandbox.name}: its `startup` did not end within {limit / 60:g} min, and was ended",
                sandbox=sandbox.name,
                output=tuple(outcome.output.splitlines()[-OUTPUT_LINES:]),
                hint="what is to run on belongs in `command`; `start_timeout` gives a script more time",
            )
        )
    if outcome.exit_code != 0:
        raise StepError(
            Diagnostic(
                f"{sandbox.name}: its startup script exited with code {outcome.exit_code}",
                sandbox=sandbox.name,
                output=choose_lines(outcome.output.splitlines(), OUTPUT_LINES),
                hint="mend the script; the next apply makes this sandbox anew",
            )
        )
