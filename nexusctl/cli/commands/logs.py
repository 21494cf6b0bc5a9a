from __future__ import annotations

import sys
import time
from typing import BinaryIO

import click

from nexusctl.api import inspection, subject
from nexusctl.api.overview.log_lines import LogLine, LogWish, follow_lines, read_lines
from nexusctl.cli import options
from nexusctl.cli.terminal.program_streams import program_streams
from nexusctl.model.load_request import Inputs
from nexusctl.render.text_style import paint, utc_exact

_PALETTE = ("cyan", "yellow", "green", "magenta", "blue", "red")


@click.command()
@options.stack_inputs
@options.stack_name
@click.argument("sandboxes", nargs=-1, metavar="[NAME]...")
@click.option("-n", "--tail", type=click.IntRange(min=0), metavar="LINES", help="Only the last lines of each.")
@click.option("-t", "--timestamps", is_flag=True, help="Show before each line when it was printed.")
@click.option("--follow", is_flag=True, help="Go on until the sandboxes end or Ctrl-C, also with those that join.")
@click.option("--since", type=options.Duration(), metavar="DURATION", help="Only what is younger, such as 10m or 2h.")
@click.option("--execution", "execution_id", metavar="ID", help="What this one printed; needs no NAME.")
@click.option(
    "--from", "offset", type=click.IntRange(min=0), metavar="OFFSET",
    help="With --execution: from this byte of its log on.",
)  # fmt: skip
@click.option("--raw", is_flag=True, help="Give a terminal the control sequences of programs, too.")
@options.as_json
def logs(
    inputs: Inputs,
    stack_name: str | None,
    sandboxes: tuple[str, ...],
    tail: int | None,
    timestamps: bool,
    follow: bool,
    since: float | None,
    execution_id: str | None,
    offset: int | None,
    raw: bool,
    as_json: bool,
) -> None:
    """Show what sandboxes printed: stdout on stdout, stderr on stderr; all of them where none is named.

    A NAME may be a glob, or a group: its replicas. On a terminal control sequences are shown and not obeyed, colours
    excepted; into a file or a pipe all goes as it is.
    """
    if follow:
        from nexusctl.cli.terminal.reader_gone import end_with_reader  # noqa: PLC0415 - deferred: start-up time

        end_with_reader()
    if execution_id is not None:
        if sandboxes or timestamps or tail is not None or since is not None:
            raise click.UsageError("--execution goes with --follow, --from, --raw and --json")
        _show_execution(execution_id, offset or 0, follow=follow, raw=raw, as_json=as_json)
        return
    if offset is not None:
        raise click.UsageError("--from goes with --execution")
    engine, found = subject.find_subject(inputs, stack_name)
    options.warn(found.problems)
    wish = LogWish(tail=tail, since=time.time() - since if since else None, timed=timestamps or as_json)
    chosen = inspection.find_sandboxes(engine, found.stack, sandboxes)
    # Names in the order in which they came; a colour is by it.
    names = list(dict.fromkeys(live.sandbox for live in chosen))
    lines = (
        follow_lines(engine, found.stack, chosen, sandboxes, wish, options.say)
        if follow
        else read_lines(engine, chosen, wish, options.say)
    )
    with program_streams(raw=raw) as (out, err):
        for line in lines:
            if line.sandbox not in names:
                names.append(line.sandbox)
            if as_json:
                _write_json(line)
                continue
            prefix = _prefix(line.sandbox, names) if len(names) > 1 else b""
            when = f"{_clock(line.time)} ".encode() if timestamps else b""
            _write(out if line.stream == "stdout" else err, prefix + when, line.data)


def _show_execution(execution_id: str, offset: int, *, follow: bool, raw: bool, as_json: bool) -> None:
    # Deferred: the log of a sandbox needs none of it.
    from nexusctl.api import connection  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.api.everyday import executions  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.cli.terminal.execution_output import write_pieces  # noqa: PLC0415 - deferred: start-up time

    engine = connection.connect()
    pieces = executions.follow if follow else executions.read_all
    reached = write_pieces(pieces(engine, execution_id, offset), offset, raw=raw, as_json=as_json)
    if offset and reached == offset and (size := executions.show(engine, execution_id).bytes) < offset:
        options.say(f"note: the log ends at {size}, before byte {offset}")


def _write_json(line: LogLine) -> None:
    text = line.data.decode(errors="replace").rstrip("\r\n")
    when = None if line.time is None else _clock(line.time)
    options.write_json({"sandbox": line.sandbox, "stream": line.stream, "time": when, "line": text})


def _clock(when: float | None) -> str:
    return "-" if when is None else utc_exact(when)


def _prefix(name: str, names: list[str]) -> bytes:
    number, width = names.index(name), max(map(len, names))
    text = paint(f"{name:<{width}} |", _PALETTE[number % len(_PALETTE)], color=options.wants_color(sys.stdout))
    return f"{text} ".encode()


def _write(out: BinaryIO, prefix: bytes, line: bytes) -> None:
    out.write(prefix + line + (b"" if line.endswith(b"\n") else b"\n"))
    out.flush()
