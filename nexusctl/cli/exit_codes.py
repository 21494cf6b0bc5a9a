"""The one place where errors become messages and exit codes.

0 done   1 failed   2 usage, or changes with --detailed-exitcode   70 a bug   130 interrupted
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import click

from nexusctl import __version__
from nexusctl.cli.options import JSON, wants_color, write_json
from nexusctl.cli.terminal.streams import OutputLost
from nexusctl.errors import NexusError

FAILED, USAGE, BUG, INTERRUPTED = 1, 2, 70, 130


def guard(run: Callable[[dict[str, bool]], int | None], arguments: list[str]) -> int:
    """Run a command and return the exit code of the process; says on stderr what went wrong.

    `run` notes in what it is given whether errors are to be JSON.
    """
    try:
        code = _answer(run, arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
        return FAILED
    except OutputLost as error:
        sys.stderr.write(f"error: the output cannot be written: {error}\n  = help: free some space there\n")
        return FAILED
    return code


def _answer(run: Callable[[dict[str, bool]], int | None], arguments: list[str]) -> int:
    noted: dict[str, bool] = {}
    try:
        return run(noted) or 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("\nInterrupted.\n")
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except NexusError as error:
        _show(error, as_json=noted.get(JSON, False))
        return FAILED
    except (BrokenPipeError, OutputLost):
        raise
    except Exception as bug:
        _report_bug(bug, arguments)
        return BUG


def _show(error: NexusError, *, as_json: bool) -> None:
    # Rendering is needed only when something is wrong.
    from nexusctl.render.diagnostic import render_diagnostics  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.render.problems import problems_document  # noqa: PLC0415 - deferred: start-up time

    if as_json:
        write_json(problems_document(error.diagnostics))
    else:
        sys.stderr.write(render_diagnostics(error.diagnostics, color=wants_color(sys.stderr)))


def _silence() -> None:
    """Whoever read our output has gone: nothing more may be written, not even at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())


def _report_bug(bug: Exception, arguments: list[str]) -> None:
    # A command that meets no bug starts sooner without these.
    import tempfile  # noqa: PLC0415 - deferred: start-up time
    import traceback  # noqa: PLC0415 - deferred: start-up time

    log = tempfile.NamedTemporaryFile(  # noqa: SIM115 - it stays
        "w", prefix="nexusctl-bug-", suffix=".log", delete=False, encoding="utf-8"
    )
    with log:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        log.write(f"nexusctl {__version__}, Python {sys.version}, {stamp}\n{' '.join(arguments[:1])}\n\n")
        log.write("".join(traceback.format_exception(bug)))
    sys.stderr.write(
        f"error: nexusctl met a bug of its own: {type(bug).__name__}\n"
        f"  = help: the details are in {log.name}; please report them\n"
    )
