"""What an edit leaves as it is, case by case: the whole text that comes out is compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nexusctl.config.edit.add_pairs import add_pairs
from nexusctl.config.edit.edit import append_item, remove, rename_key, set_value
from nexusctl.errors import EditError

Change = Callable[[str], str]


def put(path: str, value: Any) -> Change:
    return lambda text: set_value(text, split(path), value)


def add(path: str, value: Any) -> Change:
    return lambda text: append_item(text, split(path), value)


def out(path: str) -> Change:
    return lambda text: remove(text, split(path))


def call(path: str, new: str) -> Change:
    return lambda text: rename_key(text, split(path), new)


def split(path: str) -> tuple[str | int, ...]:
    return tuple(int(name) if name.isdecimal() else name for name in path.split("/"))


CASES = {
    "a value between its key and its comment": (put("a/b", 2), "a:\n  b: 1   # one\n", "a:\n  b: 2   # one\n"),
    "single quotes": (put("a", "y z"), "a: 'x'  # c\n", "a: 'y z'  # c\n"),
    "double quotes": (put("a", "y"), 'a: "x"\n', 'a: "y"\n'),
    "words that other readers take for something else": (
        put("e/M", "5"),
        "e: {DEBUG: True, OFFSET: +1, W: 2001-01-01, Z: -0, F: FALSE, X: .NaN}\n",
        'e: {DEBUG: True, OFFSET: +1, W: 2001-01-01, Z: -0, F: FALSE, X: .NaN, M: "5"}\n',
    ),
    "Windows line ends": (put("a/c", 2), "a:\r\n  b: 1\r\nz: 3\r\n", "a:\r\n  b: 1\r\n  c: 2\r\nz: 3\r\n"),
    "a byte order mark": (put("b", 2), "\ufeffa: 1\n", "\ufeffa: 1\nb: 2\n"),
    "no line end at the end": (put("b", 2), "a: 1", "a: 1\nb: 2\n"),
    "an empty file": (put("a/b", 1), "", "a:\n  b: 1\n"),
    "only a comment": (put("a", 1), "# c\n", "# c\na: 1\n"),
    "only a begin": (put("a", 1), "--- # c\n", "--- # c\na: 1\n"),
    "nothing, written out": (put("a", 1), "null # c\n", " # c\na: 1\n"),
    "an end mark": (put("b", 2), "a: 1\n...\n", "a: 1\nb: 2\n...\n"),
    "a key without a value": (put("a/b", 1), "a:  # c\nz: 1\n", "a:  # c\n  b: 1\nz: 1\n"),
    "empty braces": (put("a/b", 1), "a: {}  # c\n", "a:  # c\n  b: 1\n"),
    "braces on one line": (put("a/c", [1]), "a: {b: 1}\n", "a: {b: 1, c: [1]}\n"),
    "braces over several lines": (
        put("a/c", 2),
        "a: {\n  b: 1, # one\n  d: 3 # three\n}\n",
        "a: {\n  b: 1, # one\n  d: 3, c: 2 # three\n}\n",
    ),
    "a comma at the end": (put("a/c", 2), "a: {b: 1,}\n", "a: {b: 1, c: 2}\n"),
    "a list without indentation": (add("a", "w"), "a:\n- x\nz: 1\n", "a:\n- x\n- w\nz: 1\n"),
    "a list with indentation": (add("a", "w"), "a:\n    - x\n", "a:\n    - x\n    - w\n"),
    "a list in brackets": (add("a", "y z"), "a: [x]\n", 'a: [x, "y z"]\n'),
    "a list that is not there": (add("a/b", "w"), "a:\n  c: 1\n", "a:\n  c: 1\n  b:\n    - w\n"),
    "a mapping as an item": (add("a", {"b": 1, "c": 2}), "a:\n  - x\n", "a:\n  - x\n  - b: 1\n    c: 2\n"),
    "another item than the first": (put("a/1", 5), "a: [1, 2, 3]\n", "a: [1, 5, 3]\n"),
    "behind a block of text": (
        put("a/c", 2),
        "a:\n  b: |\n    x\n    # y\n\nz: 1\n",
        "a:\n  b: |\n    x\n    # y\n  c: 2\n\nz: 1\n",
    ),
    "a block of text that keeps its end": (
        put("a/c", 2),
        "a:\n  b: |+\n    x\n\nz: 1\n",
        "a:\n  b: |+\n    x\n\n  c: 2\nz: 1\n",
    ),
    "a block of text without an end": (add("a", "z"), "a:\n- |\n  x", "a:\n- |-\n  x\n- z\n"),
    "a block of text without an end, said to keep it": (
        add("a", "z"),
        "a:\n\n  - b: |+\n      x\n      y",
        "a:\n\n  - b: |-\n      x\n      y\n  - z\n",
    ),
    "a block of text without an end, with its indentation": (
        add("a", "z"),
        "a:\n- >2+ # c\n   x\n  y",
        "a:\n- >2- # c\n   x\n  y\n- z\n",
    ),
    "a block of text without an end, with its indentation last": (
        add("a", "z"),
        "a:\n- &n |+2\n   x",
        "a:\n- &n |-2\n   x\n- z\n",
    ),
    "a block of text that keeps its end, and blanks without one": (
        add("a", "z"),
        "a:\n- |+\n  x\n\n ",
        "a:\n- |+\n  x\n\n- z\n ",
    ),
    "a block of text that ends with blanks of its own": (
        add("a", "z"),
        "a:\n- |\n  x\n\n    ",
        "a:\n- |-\n  x\n\n    \n- z\n",
    ),
    "a tab before a comment": (put("a/b", 1), "a: {}\t# c\n", "a:\t# c\n  b: 1\n"),
    "a tab before a comment behind a dash": (put("a/0/b", 1), "a:\n- {}\t# c\n", "a:\n-  # c\n  b: 1\n"),
    "several lines in place of one": (
        put("a/b", "x\n#\ny\n"),
        "a:\n  b: 1 # c\n  d: 2\n",
        "a:\n  b: | # c\n    x\n    #\n    y\n  d: 2\n",
    ),
    "one line in place of several": (
        put("a/b", "x"),
        "a:\n  b: |\n    1\n    2\n\n  # c\n  d: 2\n",
        "a:\n  b: x\n\n  # c\n  d: 2\n",
    ),
    "a mapping in place of a word": (put("a", {"b": 1}), "a: x\nz: 1\n", "a:\n  b: 1\nz: 1\n"),
    "a word in place of a mapping": (put("a", 1), "a: # c\n  b: 1\nz: 1\n", "a: 1 # c\nz: 1\n"),
    "the indentation of the file": (put("a/c/d", 1), "a:\n    b: 1\n", "a:\n    b: 1\n    c:\n        d: 1\n"),
    "a key over what `<<` gives": (
        put("b/x", 2),
        "a: &a {x: 1, y: 1}\nb:\n  <<: *a\n  z: 3\n",
        "a: &a {x: 1, y: 1}\nb:\n  <<: *a\n  z: 3\n  x: 2\n",
    ),
    "in place of an alias": (put("b", 2), "a: &a 1\nb: *a # c\n", "a: &a 1\nb: 2 # c\n"),
    "an anchor that nobody uses": (put("a/x", 2), "a: &a {x: 1}\n", "a: &a {x: 2}\n"),
    "a comment further in stays with what is above": (
        put("s/b", {"i": "x"}),
        "s:\n  a:\n    i: y\n    # e: 1\n\nz: 1\n",
        "s:\n  a:\n    i: y\n    # e: 1\n  b:\n    i: x\n\nz: 1\n",
    ),
    "removed with its comment": (out("s/b"), "s:\n  a: 1\n  # about b\n  b: 2 # b\n  c: 3\n", "s:\n  a: 1\n  c: 3\n"),
    "removed with the empty line above": (out("s/b"), "s:\n  a: 1\n\n  b: 2\n\n  c: 3\n", "s:\n  a: 1\n\n  c: 3\n"),
    "what heads the file stays": (out("a"), "# head\na: 1\nb: 2\n", "# head\nb: 2\n"),
    "removed from braces": (out("a/b"), "a: {b: 1, c: 2}\n", "a: {c: 2}\n"),
    "removed from the end of braces": (out("a/c"), "a: {b: 1, c: 2}\n", "a: {b: 1}\n"),
    "removed behind a dash": (out("a/0/b"), "a:\n  - b: 1\n    c: 2\n", "a:\n  - c: 2\n"),
    "an item": (out("a/1"), "a:\n  - 1\n  # two\n  - 2\n  - 3\n", "a:\n  - 1\n  - 3\n"),
    "an emptied mapping goes": (
        out("s/a/env/P"),
        "s:\n  a:\n    image: x\n    env:\n      P: 1\n",
        "s:\n  a:\n    image: x\n",
    ),
    "an emptied sandbox stays": (out("s/a/image"), "s:\n  a:\n    image: x\n", "s:\n  a: {}\n"),
    "all that a file says": (out("a"), "# head\na: 1\n", "# head\n{}\n"),
    "a name": (call("s/a", "b c"), "s:\n  a: 1 # c\n", 's:\n  "b c": 1 # c\n'),
    "a name in quotes": (call("s/a", "b"), "s: {'a':1}\n", "s: {'b':1}\n"),
}


@pytest.mark.parametrize(("change", "before", "after"), CASES.values(), ids=CASES)
def test_all_else_stays(change: Change, before: str, after: str) -> None:
    assert change(before) == after


UNUSABLE = "the new text contains a NUL or half a character, which no program can take"
REFUSED = {
    "an anchor in use": (
        put("a/x", 2),
        "a: &a {x: 1}\nb: *a\n",
        "`&a` marks what is to be changed, and line 2 uses it",
        1,
    ),
    "an anchor in a merge": (
        put("a/x", 2),
        "a: &a {x: 1}\nb:\n  <<: *a\n",
        "`&a` marks what is to be changed, and line 3 uses it",
        1,
    ),
    "through an alias": (
        put("b/x", 2),
        "a: &a {x: 1}\nb: *a\n",
        "`*a` stands here, and its value is used elsewhere too",
        2,
    ),
    "below what a merge gives": (
        put("b/e/x", 2),
        "a: &a\n  e: {y: 1}\nb:\n  <<: *a\n",
        "`e` comes from this `<<`, which others use too",
        4,
    ),
    "what a merge gives": (
        out("b/x"),
        "a: &a {x: 1}\nb:\n  <<: *a\n",
        "`b.x` comes from this `<<`, which others use too",
        3,
    ),
    "a list that a merge gives": (
        add("b/x", 2),
        "a: &a {x: [1]}\nb:\n  <<: *a\n",
        "`x` comes from this `<<`, which others use too",
        3,
    ),
    "entries of what a merge gives": (
        lambda text: add_pairs(text, ("b", "x"), {"z": 2}),
        "a: &a {x: {y: 1}}\nb:\n  <<: *a\n",
        "`x` comes from this `<<`, which others use too",
        3,
    ),
    "an anchor that would go": (
        out("a"),
        "a: &a 1\nb: *a\n",
        "`&a` marks what is to be changed, and line 2 uses it",
        1,
    ),
    "what an included file has": (
        put("sandboxes/a/env/P", 1),
        "name: x\ninclude: [b.yaml]\nsandboxes: {b: {}}\n",
        "`sandboxes.a` is not in this file, and may be in one that it includes",
        2,
    ),
    "what is nowhere": (out("a/z"), "a:\n  b: 1\n", "`a.z` is not in this file", 2),
    "a value in a text": (put("a/b", 1), "a: x\n", "a text or number stands here, and `b` cannot be in it", 1),
    "an item too many": (put("a/3", 1), "a: [1]\n", "the list here has 1 items and none with the number 3", 1),
    "an item of no list": (
        add("a", 1),
        "a: {b: 1}\n",
        "what stands here is no list of its own, so nothing can be added to it",
        1,
    ),
    "a name that is taken": (call("a", "b"), "a: 1\nb: 2\n", "`b` is there already", 2),
    "a NUL": (put("a/b", {"c": ["x\0"]}), "z: 1\na:\n  d: 1\n", UNUSABLE, 3),
    "a NUL in place of a text": (put("a", "\0"), "z: 1\na: x\n", UNUSABLE, 2),
    "a NUL in an item": (add("a", "\0"), "z: 1\na: [x]\n", UNUSABLE, 2),
    "a NUL in a name": (call("a", "\0"), "z: 1\na: x\n", UNUSABLE, 2),
    "half a character": (put("a", "\ud800"), "z: 1\na: x\n", UNUSABLE, 2),
    "no YAML": (put("a", 1), "name: x\nsandboxes:\n  a: [\n", "this list is never closed", 3),
    "a key twice": (
        put("a", 1),
        "name: x\nname: z\n",
        "the key `name` stands twice in this mapping (lines 1 and 2)",
        2,
    ),
    "a control character": (put("a", 1), "b: \x01\n", "the control character U+0001 cannot stand in a YAML file", 1),
}


@pytest.mark.parametrize(("change", "before", "summary", "line"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_changed_alone_is_refused_with_its_place(
    change: Change, before: str, summary: str, line: int
) -> None:
    with pytest.raises(EditError) as caught:
        change(before)
    problem = caught.value.diagnostics[0]
    assert problem.summary == summary
    assert problem.location is not None
    assert problem.location.line == line
    assert problem.hint
