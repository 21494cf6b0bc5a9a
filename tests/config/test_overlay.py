"""Laws of laying one file over another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from nexusctl.cli.main import nexusctl
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence, Source, plain
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.merge import merge_all
from nexusctl.config.read.yaml_parser import compose
from nexusctl.errors import InputError

KEYS = st.sampled_from(["a", "b", "c", "+a", "+b"])
VALUES = st.recursive(
    st.one_of(st.integers(0, 9), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=4)


def tree(text: str, name: str = "x.yaml") -> Mapping:
    return compose(Source(Path("/") / name, name, text), Problems())


def merged(*texts: str) -> Any:
    problems = Problems()
    result = merge_all([tree(text, f"{number}.yaml") for number, text in enumerate(texts)], problems)
    problems.raise_any()
    return plain(result)


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ("a: {b: 1, c: 2}", "a: {c: 3, d: 4}", {"a": {"b": 1, "c": 3, "d": 4}}),
        ("a: [1, 2]", "a: [3]", {"a": [3]}),
        ("a: [1, 2]", "+a: [3]", {"a": [1, 2, 3]}),
        ("b: 1", "+a: [3]", {"b": 1, "a": [3]}),
        ("+a: [1]", "+a: [3]", {"a": [1, 3]}),
        ("a: 1", "a: {b: 2}", {"a": {"b": 2}}),
        ("a: {b: 2}", "a: text", {"a": "text"}),
        ("a: {b: 2, c: 3}", "a: {b: null}", {"a": {"c": 3}}),
        ("a: {b: 2, c: 3}", "a: {b: }", {"a": {"c": 3}}),
        ("a: {b: , c: 3}", "a: {b: }", {"a": {"b": None, "c": 3}}),
        ("a: {b: , c: 3}", "a: {b: ~}", {"a": {"c": 3}}),
        ("a: 1", "b: null", {"a": 1, "b": None}),
        ("x: &x {p: [1]}\na: {<<: *x, +p: [2]}", "b: 1", {"x": {"p": [1]}, "a": {"p": [1, 2]}, "b": 1}),
    ],
)
def test_what_a_file_over_another_means(base: str, over: str, result: Any) -> None:
    assert merged(base, over) == result


def test_what_a_third_file_sets_after_a_deletion_is_all_there_is() -> None:
    assert merged("a: {b: 1, c: 2}", "a: null", "a: {d: 3}") == {"a": {"d": 3}}


def test_an_anchored_value_that_two_places_share_is_changed_in_one_only() -> None:
    base = "x: &x {p: [1], q: {r: 1}}\na: *x\nb: *x"
    result = {"p": [1, 2], "q": {"r": 5}}
    shared = {"p": [1], "q": {"r": 1}}
    assert merged(base, "a: {+p: [2], q: {r: 5}}") == {"x": shared, "a": result, "b": shared}


def test_every_node_keeps_its_own_file_line_and_column() -> None:
    problems = Problems()
    files = [tree("a: {b: 1}\nl: [1]", "base.yaml"), tree("a:\n  c: 2\n+l: [2]", "over.yaml")]
    result = merge_all(files, problems)
    section, both = result.get("a"), result.get("l")
    assert isinstance(section, Mapping)
    assert isinstance(both, Sequence)
    found = [section.values["b"], section.values["c"], *both.items]
    places = [(node.source.display, node.line, node.column) for node in found]
    assert places == [("base.yaml", 1, 8), ("over.yaml", 2, 6), ("base.yaml", 2, 5), ("over.yaml", 3, 6)]


def test_files_that_hold_too_much_together_are_refused() -> None:
    text = "name: x\na: [" + "1," * 40_000 + "]"
    with pytest.raises(InputError, match="with this file the stack holds more than"):
        merged(text, text.replace("\na:", "\nb:"))


@given(st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_any_files_come_together_and_stay_as_they_were(documents: list[dict[str, Any]]) -> None:
    trees = [node_of(document) for document in documents]
    before = [plain(one) for one in trees]
    result = merge_all(trees, Problems())  # type: ignore[arg-type]
    assert [plain(one) for one in trees] == before
    assert plain(result) == expected(documents)


def node_of(value: Any) -> Node:
    source = Source(Path("/x"), "x", "+")
    if isinstance(value, dict):
        mapping = Mapping(source, 1, 1)
        mapping.keys = {key: Scalar(source, 1, 1, key, True) for key in value}
        mapping.values = {key: node_of(item) for key, item in value.items()}
        return mapping
    if isinstance(value, list):
        sequence = Sequence(source, 1, 1)
        sequence.items = [node_of(item) for item in value]
        return sequence
    return Scalar(source, 1, 1, "null" if value is None else str(value), True)


class Behind(list[Any]):
    """A list that came from a `+key`."""


def expected(documents: list[dict[str, Any]]) -> Any:
    """The four rules, written down a second time, on plain values."""
    result: Any = settled(documents[0])
    for document in documents[1:]:
        result = over(result, settled(document))
    return result


def settled(value: dict[str, Any]) -> dict[str, Any]:
    result = {}
    for key, item in value.items():
        if not key.startswith("+") or item is None or isinstance(item, int):
            result[key] = settled(item) if isinstance(item, dict) else item
    for key, item in value.items():
        if key.startswith("+") and isinstance(item, list):
            below = result.get(key[1:])
            if below is None and key[1:] not in result:
                result[key[1:]] = Behind(item)
            elif isinstance(below, list):
                result[key[1:]] = below + item
    return result


def over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, item in top.items():
        if key not in base:
            result[key] = item
        elif item is None:
            del result[key]
        elif isinstance(item, Behind):
            if isinstance(base[key], list):
                result[key] = type(base[key])(base[key] + item)
        elif isinstance(item, dict) and isinstance(base[key], dict):
            result[key] = over(base[key], item)
        else:
            result[key] = item
    return result


def test_every_verb_takes_the_files_in_the_order_that_they_are_given(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("name: base\n")
    (tmp_path / "over.yaml").write_text("name: over\n")
    base, over = str(tmp_path / "base.yaml"), str(tmp_path / "over.yaml")
    for first, last, name in ((base, over, "over"), (over, base, "base")):
        done = CliRunner().invoke(nexusctl, ["validate", "-f", first, "-f", last])
        assert done.output == f"{first} with {last} is valid: stack {name} with 0 sandboxes.\n"
