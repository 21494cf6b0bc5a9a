from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Iterator

import click

from nexusctl.api import inspection, subject
from nexusctl.api.connection import Engine, LogChunk
from nexusctl.cli import options
from nexusctl.errors import EngineUnreachable, NexusError, NotFound
from nexusctl.model.live import LiveSandbox
from nexusctl.model.load_request import Inputs
from nexusctl.render.text_style import paint

LONGEST_LINE = 1024 * 1024
"""Bytes of a line that are held until it ends."""

WAITING_LINES = 256
"""So many lines of a log wait for whoever reads them; the engine keeps the rest."""

_PALETTE = ("cyan", "yellow", "green", "magenta", "blue", "red")


@click.command()
@options.stack_inputs
@options.stack_name
@click.argument("sandboxes", nargs=-1)
@click.option("-n", "--tail", type=click.IntRange(min=0), metavar="LINES", help="Only the last lines of each.")
@click.option("--follow", is_flag=True, help="Go on until the sandboxes end or Ctrl-C.")
@click.option("--since", type=options.Duration(), metavar="DURATION", help="Only what is younger, such as 10m or 2h.")
@options.as_json
def logs(
    inputs: Inputs,
    stack_name: str | None,
    sandboxes: tuple[str, ...],
    tail: int | None,
    follow: bool,
    since: float | None,
    as_json: bool,
) -> None:
    """Show what sandboxes printed: stdout on stdout, stderr on stderr; all of them where none is named."""
    engine, found = subject.find_subject(inputs, stack_name)
    options.warn(found.problems)
    chosen = inspection.find_sandboxes(engine, found.stack, sandboxes)
    start = time.time() - since if since else None
    width = max((len(live.sandbox) for live in chosen), default=0)
    sources = [_read_lines(engine, live, tail=tail, since=start, follow=follow) for live in chosen]
    for number, stream, line in _merge(sources) if follow else _concatenate(sources):
        name = chosen[number].sandbox
        if as_json:
            options.write_json(
                {"sandbox": name, "stream": stream, "line": line.decode(errors="replace").rstrip("\r\n")}
            )
        else:
            _write(stream, _prefix(name, number, width) if len(chosen) > 1 else b"", line)


def _prefix(name: str, number: int, width: int) -> bytes:
    text = paint(f"{name:<{width}} |", _PALETTE[number % len(_PALETTE)], color=options.wants_color(sys.stdout))
    return f"{text} ".encode()


def _write(stream: str, prefix: bytes, line: bytes) -> None:
    out = sys.stdout.buffer if stream == "stdout" else sys.stderr.buffer
    out.write(prefix + line + (b"" if line.endswith(b"\n") else b"\n"))
    out.flush()


def _read_lines(
    engine: Engine, live: LiveSandbox, *, tail: int | None, since: float | None, follow: bool
) -> Iterator[tuple[str, bytes]]:
    try:
        yield from _split_lines(engine.logs(live.id, tail=tail, since=since, follow=follow))
        if follow:
            # An engine that stops ends its logs as a program does that ends.
            engine.condition(live.id)
    except EngineUnreachable as error:
        hint = error.diagnostics[0].hint
        raise EngineUnreachable(f"the log of {live.sandbox} ends here: {error.summary}", hint=hint) from error
    except NotFound:
        options.say(f"{live.sandbox}: its log went with its container")


def _split_lines(chunks: Iterator[LogChunk]) -> Iterator[tuple[str, bytes]]:
    """Whole lines of each stream, in the order in which they are completed; one that never ends comes in pieces."""
    rest = {"stdout": b"", "stderr": b""}
    for chunk in chunks:
        *lines, rest[chunk.stream] = (rest[chunk.stream] + chunk.data).split(b"\n")
        yield from ((chunk.stream, line + b"\n") for line in lines)
        if len(rest[chunk.stream]) > LONGEST_LINE:
            yield chunk.stream, rest[chunk.stream]
            rest[chunk.stream] = b""
    yield from ((stream, line) for stream, line in rest.items() if line)


def _concatenate(sources: list[Iterator[tuple[str, bytes]]]) -> Iterator[tuple[int, str, bytes]]:
    for number, source in enumerate(sources):
        for stream, line in source:
            yield number, stream, line


def _merge(sources: list[Iterator[tuple[str, bytes]]]) -> Iterator[tuple[int, str, bytes]]:
    """Lines of all sources as they come; ends when the last source ends."""
    lines: queue.Queue[tuple[int, str, bytes] | NexusError | None] = queue.Queue(WAITING_LINES)

    def pump(number: int, source: Iterator[tuple[str, bytes]]) -> None:
        try:
            for stream, line in source:
                lines.put((number, stream, line))
            lines.put(None)
        except NexusError as error:
            lines.put(error)

    for number, source in enumerate(sources):
        threading.Thread(target=pump, args=(number, source), daemon=True).start()
    left = len(sources)
    while left:
        item = lines.get()
        if isinstance(item, NexusError):
            raise item
        if item is None:
            left -= 1
        else:
            yield item
