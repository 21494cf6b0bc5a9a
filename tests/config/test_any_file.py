"""Whatever a file says, it is a stack or its problems are told: the loader never fails in another way."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexusctl.config.load import load
from nexusctl.config.templates import builtin as template_found
from nexusctl.errors import InputError
from nexusctl.model.record import decode, encode
from nexusctl.model.stack import Stack
from nexusctl.render.diagnostic import render_diagnostics
from tests.config.documents import some_value

HERE = Path(__file__).parent
GOOD = sorted((HERE / "good").glob("*/nexus.yaml"))
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def answer(path: Path) -> None:
    """Load and hold the answer to what every answer promises."""
    try:
        hold_stack(load(path))
    except InputError as error:
        hold_problems(error)


def hold_problems(error: InputError) -> None:
    assert render_diagnostics(error.diagnostics).startswith("error: ")
    places = [problem.location for problem in error.diagnostics if problem.location]
    assert places == sorted(places)


def hold_stack(stack: Stack) -> None:
    for name, sandbox in stack.sandboxes.items():
        assert name == sandbox.name
        assert decode(encode(sandbox)) == sandbox
        assert all(dependency.sandbox in stack.sandboxes for dependency in sandbox.depends_on)
        assert all(network in stack.networks for network in sandbox.networks)
        assert sandbox.image


@pytest.fixture(autouse=True)
def own_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_found, "FOLDER", HERE / "templates")


@QUICK
@given(some_value({"$ref": "stack.schema.json"}))
def test_any_document_is_a_stack_or_its_problems_are_told(document: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nexus.yaml"
        path.write_text(json.dumps(document), encoding="utf-8")
        answer(path)


@QUICK
@given(st.sampled_from(GOOD), st.data())
def test_any_damaged_file_is_a_stack_or_its_problems_are_told(good: Path, data: st.DataObject) -> None:
    text = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        text[at : at + length] = data.draw(st.sampled_from(PIECES) | st.binary(max_size=4))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nexus.yaml"
        path.write_bytes(bytes(text) or b"\n")
        answer(path)


PIECES = [
    *(
        b": ",
        b"- ",
        b"[",
        b"]",
        b"{",
        b"}",
        b"\n",
        b"\n  ",
        b"\t",
        b'"',
        b"'",
        b"&a ",
        b"*a",
        b"<<: ",
        b"!!int ",
        b"|\n",
    ),
    *(b"\\0", b"\xff", b"\x00", b"no", b"~", b"1e999", b"0x1", b"-1", b"../..", b"/", b"~x", b"none", b"#", b"%", b"?"),
]
