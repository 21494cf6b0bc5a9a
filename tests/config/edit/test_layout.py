"""The layout of a text: what comes out case by case, and that it never says anything else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from nexusctl.config.edit import layout
from nexusctl.config.edit.layout import lay_out
from nexusctl.errors import EditError, NexusError
from tests.config.edit.odd_documents import documents
from tests.config.edit.test_property import says
from tests.packaging.test_wheel import ROOT

CASES = {
    "indentation": ("a:\n    b:\n       c: 1\n    d: 2\n", "a:\n  b:\n    c: 1\n  d: 2\n"),
    "a list below its key": ("a:\n- x\n- y\n", "a:\n  - x\n  - y\n"),
    "a list of mappings": ("a:\n    -   b: 1\n        c: 2\n", "a:\n  - b: 1\n    c: 2\n"),
    "lists in lists": ("-   - x\n    - y\n- - z\n", "- - x\n  - y\n- - z\n"),
    "blanks behind a colon": ("a:    1\nb :  {c:1,d:   2}\n", "a: 1\nb: {c:1, d: 2}\n"),
    "brackets on one line": ("a: [ x,y ,  z ]\nb: { }\nc: [ ]\n", "a: [x, y, z]\nb: {}\nc: []\n"),
    "quotes, and words that others read otherwise": ("a:  'x'\nb:  yes\nc:  0755\n", "a: 'x'\nb: yes\nc: 0755\n"),
    "a comment beside a value keeps its distance": ("a: 1     # one\n", "a: 1     # one\n"),
    "comments go with what they are about": (
        "# head\na:\n    # of b\n    b: 1\n    # end of a\nc: 1\n",
        "# head\na:\n  # of b\n  b: 1\n  # end of a\nc: 1\n",
    ),
    "blanks at ends of lines": ("a: 1  \t\n# c  \nb: 2 \n", "a: 1\n# c\nb: 2\n"),
    "empty lines": ("\n\na: 1\n\n\n\nb: 2\n\n\n", "a: 1\n\nb: 2\n"),
    "no line end at the end": ("a: 1", "a: 1\n"),
    "a block of text moves as a whole": (
        "a:\n    b: |\n          x\n            y  \n\n\n          z\n    c: 1\n",
        "a:\n  b: |\n    x\n      y  \n\n\n    z\n  c: 1\n",
    ),
    "a block of text that keeps its end": ("a:\n   b: |+\n     x\n\n\n", "a:\n  b: |+\n    x\n\n\n"),
    "a block of text that says how far in it is": ("a:\n    b: |2\n        x\n", "a:\n  b: |2\n      x\n"),
    "a text over several lines": ("a:\n    b: x\n      y\n    c: 1\n", "a:\n  b: x\n    y\n  c: 1\n"),
    "brackets over several lines stay": ("a:\n    b: [\n      x,   # one\n      y,\n    ]\n", None),
    "anchors and merges": ("a: &x\n    b: 1\nc:\n    <<: *x\n", "a: &x\n  b: 1\nc:\n  <<: *x\n"),
    "Windows line ends": ("a:\r\n    b: 1\r\n\r\n\r\nc: 1", "a:\r\n  b: 1\r\n\r\nc: 1\r\n"),
    "a byte order mark": ("\ufeffa:   1\n", "\ufeffa: 1\n"),
    "only a comment": ("# c", "# c\n"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_what_comes_out(name: str) -> None:
    before, after = CASES[name]
    laid = lay_out(before, display="nexus.yaml")
    if after is not None:
        assert laid == after
    assert lay_out(laid, display="nexus.yaml") == laid


FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("stacks/**/*.yaml", "nexusctl/templates/*.yaml", "tests/config/**/*.yaml", "tests/stacks/**/*.yaml")
    for path in ROOT.glob(pattern)
)


def read(name: str) -> str:
    try:
        return (ROOT / name).read_bytes().decode()
    except UnicodeDecodeError:
        pytest.skip("no text")


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_repository_says_what_it_said(name: str) -> None:
    text = read(name)
    try:
        laid = lay_out(text, display=name)
    except EditError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert "laid out" not in refusal
    if refusal:
        # One that cannot be read has no layout.
        return
    assert yaml.load(laid, yaml.CBaseLoader) == yaml.load(text, yaml.CBaseLoader)
    assert [line.strip() for line in laid.splitlines() if line.strip().startswith("#")] == [
        line.strip() for line in text.splitlines() if line.strip().startswith("#")
    ]
    assert lay_out(laid, display=name) == laid


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith(("stacks/", "nexusctl/"))])
def test_what_we_show_has_the_layout(name: str) -> None:
    assert lay_out(read(name), display=name) == read(name)


@settings(suppress_health_check=list(HealthCheck))
@given(documents())
def test_no_document_comes_to_say_something_else(text: str) -> None:
    before = says(text)
    try:
        laid = lay_out(text, display="nexus.yaml")
    except NexusError:
        return
    assert says(laid) == before
    assert lay_out(laid, display="nexus.yaml") == laid


def count_lines(text: str) -> int:
    """Lines of the module that are run, and those of its loops each time."""
    lines = 0

    def note(frame: Any, event: str, argument: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_filename != layout.__file__:
            return None
        lines += event == "line"
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        lay_out(text, display="nexus.yaml")
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize(
    "make",
    [
        lambda count: "a: 1\n" + "# c\n" * count + "b: 2\n",
        lambda count: "".join(f"k{number}:\n    # c\n    x: 1\n" for number in range(count)),
        lambda count: "".join(f"k{number}: |\n    x\n    y\n" for number in range(count)),
    ],
    ids=["comments", "comments at keys", "texts"],
)
def test_the_work_grows_with_the_text(make: Callable[[int], str]) -> None:
    assert count_lines(make(400)) < 4.3 * count_lines(make(100))


def test_the_examples_are_there() -> None:
    assert len(FILES) > 100
    assert Path(ROOT, "stacks").is_dir()
