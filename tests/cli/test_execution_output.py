"""What `logs --execution --json` writes of the pieces of a log."""

from __future__ import annotations

import json

import pytest

from nexusctl.cli.terminal.execution_output import write_pieces
from nexusctl.model.observed.execution import Piece


def tell(capsys: pytest.CaptureFixture[str], *pieces: Piece) -> list[tuple[int, str, str]]:
    write_pieces(pieces, 0, raw=False, as_json=True)
    told = map(json.loads, capsys.readouterr().out.splitlines())
    return [(one["offset"], one["stream"], one["data"]) for one in told]


def test_a_character_that_is_cut_into_two_pieces_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    euro = "€".encode()
    told = tell(
        capsys,
        Piece(offset=0, stream="stdout", data=b"a" + euro[:1]),
        Piece(offset=2, stream="stderr", data=b"e"),
        Piece(offset=3, stream="stdout", data=euro[1:] + b"b"),
    )
    assert told == [(0, "stdout", "a"), (2, "stderr", "e"), (1, "stdout", "€b")]


def test_what_is_no_text_is_replaced_also_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    told = tell(
        capsys,
        Piece(offset=0, stream="stdout", data=b"\xff\x00"),
        Piece(offset=2, stream="stdout", data="é".encode()[:1]),
    )
    assert told == [(0, "stdout", "\ufffd\x00"), (2, "stdout", "\ufffd")]
