"""An edit changes what it was asked for and no other byte or value, whatever the file looks like.

The oracle for what a file says is PyYAML's own composer, which the edits do not use.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

from nexusctl.config.document.node import resolve
from nexusctl.config.edit.edit import append_item, remove, rename_key, set_value
from nexusctl.errors import EditError
from tests.config.edit.odd_documents import documents, keys, values
from tests.examples import share

Path = tuple[str | int, ...]
many = share(suppress_health_check=list(HealthCheck))


def says(text: str) -> Any:
    """What a text says: of a scalar what is written, and whether it is written bare."""
    return _said(yaml.compose(text.removeprefix("\ufeff"), Loader=yaml.CSafeLoader))


def _said(node: yaml.Node | None) -> Any:
    if isinstance(node, yaml.MappingNode):
        own = {key.value: _said(value) for key, value in node.value if key.value != "<<" or key.style}
        assume(len(own) + sum(key.value == "<<" and not key.style for key, _ in node.value) == len(node.value))
        for key, value in node.value:
            if key.value == "<<" and not key.style:
                own = {**_said(value), **own} if isinstance(value, yaml.MappingNode) else own
        return own
    if isinstance(node, yaml.SequenceNode):
        return [_said(item) for item in node.value]
    return None if node is None else (node.value, node.style not in ("'", '"', "|", ">"))


def wanted(value: Any) -> Any:
    """`value` as `says` has it once its scalars are resolved."""
    if isinstance(value, dict):
        return {key: wanted(inner) for key, inner in value.items()}
    return [wanted(inner) for inner in value] if isinstance(value, list) else value


def resolved(said: Any) -> Any:
    if isinstance(said, dict):
        return {key: resolved(inner) for key, inner in said.items()}
    if isinstance(said, list):
        return [resolved(inner) for inner in said]
    return said and (resolve(said[0]) if said[1] else said[0])


def places(said: Any, above: Path = ()) -> Iterator[Path]:
    inner = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for name, value in inner:
        yield (*above, name)
        yield from places(value, (*above, name))


def take(said: Any, path: Path) -> Any:
    for name in path:
        said = said[name]
    return said


def without(said: Any, path: Path) -> tuple[Any, Any]:
    """All but what is at `path`, and that."""
    rest = copy.deepcopy(said)
    return rest, take(rest, path[:-1]).pop(path[-1])


def exact(value: Any) -> str:
    return repr(value)


def is_subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(sign in rest for sign in part)


def comments(text: str) -> list[str]:
    return re.findall(r"# comment \d+\.", text)


def edited(text: str, change: Any) -> str:
    """The text after a change that only what is shared may forbid."""
    try:
        return str(change())
    except EditError as error:
        shared = "*" in text or "&" in text
        assume(not shared)
        pytest.fail(f"{error}: {text!r}")


@many
@given(st.data(), documents(), values)
def test_a_value_is_replaced_alone(data: st.DataObject, text: str, value: Any) -> None:
    before = says(text)
    path = data.draw(st.sampled_from(list(places(before))))
    after = edited(text, lambda: set_value(text, path, value))
    (rest, _), (new_rest, new) = without(before, path), without(says(after), path)
    assert exact(new_rest) == exact(rest)
    assert exact(resolved(new)) == exact(wanted(value))
    inside = comments(text) if isinstance(take(before, path), dict | list) else []
    assert [c for c in comments(text) if c not in inside] == [c for c in comments(after) if c not in inside]


@many
@given(st.data(), documents(), values)
def test_what_is_added_takes_nothing_away(data: st.DataObject, text: str, value: Any) -> None:
    before = says(text)
    mappings = [path for path in [(), *places(before)] if isinstance(take(before, path), dict)]
    above = data.draw(st.sampled_from(mappings))
    key = data.draw(keys.filter(lambda key: key not in take(before, above)))
    after = edited(text, lambda: set_value(text, (*above, key), value))
    rest, new = without(says(after), (*above, key))
    assert exact(rest) == exact(before)
    assert exact(resolved(new)) == exact(wanted(value))
    # No block can begin behind a `-` and a tab, which stands before a comment.
    empty = re.compile(r" ?\{\s*\}\t?")
    assert is_subsequence(empty.sub("", text), empty.sub("", after)) or is_subsequence(text, after)


@many
@given(st.data(), documents(), values)
def test_an_item_is_added_alone(data: st.DataObject, text: str, value: Any) -> None:
    before = says(text)
    lists = [path for path in places(before) if isinstance(take(before, path), list)]
    assume(lists)
    path = data.draw(st.sampled_from(lists))
    after = edited(text, lambda: append_item(text, path, value))
    rest, new = without(says(after), (*path, len(take(before, path))))
    assert exact(rest) == exact(before)
    assert exact(resolved(new)) == exact(wanted(value))
    assert comments(after) == comments(text)


@many
@given(st.data(), documents())
def test_what_is_removed_is_removed_alone(data: st.DataObject, text: str) -> None:
    before = says(text)
    path = data.draw(st.sampled_from(list(places(before))))
    after = edited(text, lambda: remove(text, path))
    rest, _ = without(before, path)
    while len(path) > 1 and not take(rest, path[:-1]) and len(path) != 3 and not isinstance(path[-2], int):
        path = path[:-1]
        rest, _ = without(rest, path)
    assert exact(says(after)) == exact(rest)
    assert is_subsequence(after, text) or re.search(r"\{\}|\[\]", after)


@many
@given(st.data(), documents(), keys)
def test_a_key_is_renamed_alone(data: st.DataObject, text: str, new: str) -> None:
    before = says(text)
    named = [path for path in places(before) if isinstance(path[-1], str)]
    path = data.draw(st.sampled_from(named))
    assume(new not in take(before, path[:-1]))
    after = edited(text, lambda: rename_key(text, path, new))
    above = take(before, path[:-1])
    changed = {new if key == path[-1] else key: value for key, value in above.items()}
    above.clear()
    above.update(changed)
    assert exact(says(after)) == exact(before)
    assert comments(after) == comments(text)
    assert len(after.splitlines()) == len(text.splitlines())
