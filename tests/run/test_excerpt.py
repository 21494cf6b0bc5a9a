"""What is shown of a log is short, however long that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.log_chunk import LogChunk
from nexusctl.run.log_excerpt import LINE, show_ends, show_last
from tests.e2e.case import Case


def chunks(*parts: bytes) -> list[LogChunk]:
    return [LogChunk(stream="stdout", data=part) for part in parts]


def test_a_short_log_is_shown_whole() -> None:
    log = chunks(b"a\nb", b"c\n", b"d")
    assert show_ends(log, 2) == ("a", "bc", "d")
    assert show_last(log, 2) == ("bc", "d")
    assert show_ends([], 2) == ()


def test_of_a_long_one_both_ends_are_shown_and_what_lies_between_is_counted() -> None:
    log = chunks(*(b"%d\n" % number for number in range(100)))
    assert show_ends(log, 2) == ("0", "1", "(96 more lines)", "98", "99")


def test_a_long_line_is_cut_and_one_that_is_written_over_shows_its_last_state() -> None:
    (shown,) = show_ends(chunks(*[b"x" * 1000] * 17_000), 40)
    assert shown == "x" * LINE + f" ({17_000_000 - LINE} more bytes)"
    assert show_last(chunks(b"10 %\r20 %\r", b"done\r\n"), 3) == ("done",)


STACK = """
name: STACK
sandboxes:
  job:
    kind: task
    image: IMAGE
    networks: []
    command: [sh, -c, "seq 1 100 && head -c 17000000 /dev/zero | tr '\\\\0' x && echo && seq 101 200 && exit 3"]
"""


@pytest.mark.engine
def test_a_task_that_fails_shows_how_it_began_and_how_it_ended(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str
) -> None:
    (tmp_path / "nexus.yaml").write_text(STACK.replace("STACK", stack_name).replace("IMAGE", base_image))
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    try:
        done = case.nexusctl(["apply", "--yes"])
    finally:
        case.close()
    assert done.returncode == 1
    assert len(done.stderr) < 10_000
    lines = [line.strip() for line in done.stderr.splitlines()]
    shown = [str(number) for number in range(1, 41)] + ["(121 more lines)"] + [str(n) for n in range(161, 201)]
    begin = lines.index("1")
    assert lines[begin : begin + len(shown)] == shown
    assert "it exited with code 3" in done.stderr
    assert "`nexusctl logs job` shows all that it printed" in done.stderr
