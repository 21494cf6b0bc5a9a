"""Several entries at once say what they say one after the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexusctl.config.document.node import plain
from nexusctl.config.edit.add_pairs import add_pairs
from nexusctl.config.edit.edit import set_value
from nexusctl.config.edit.parsed import parse
from nexusctl.errors import EditError

TEXTS = [
    "",
    "name: x\n",
    "name: x\nsandboxes: {}\n",
    "name: x\nsandboxes:\n",
    "name: x\nsandboxes:\n  a: {template: base}",
    "name: x\nsandboxes:\n  a: {template: base}   # last\n\n# end\n",
    "name: x\nsandboxes: {a: {template: base}}\n",
    "name: x\r\nsandboxes:\r\n  a:\r\n    startup: |\r\n      echo\r\nvolumes: {}\r\n",
    "sandboxes:\n  a:\n    startup: |+\n      echo\n\n",
]
ENTRY = st.fixed_dictionaries(
    {"template": st.sampled_from(["base", "node"])}, optional={"env": st.just({"A": "1 # x"})}
)


@pytest.mark.parametrize("text", TEXTS)
@given(entries=st.dictionaries(st.sampled_from([f"s-{n}" for n in range(9)]), ENTRY, min_size=1))
def test_together_they_say_what_they_say_one_by_one(text: str, entries: dict[str, object]) -> None:
    together = add_pairs(text, ("sandboxes",), entries)
    single = text
    for name, entry in entries.items():
        single = set_value(single, ("sandboxes", name), entry)
    found, wanted = parse(together, "x").tree, parse(single, "x").tree
    assert found
    assert wanted
    assert plain(found) == plain(wanted)
    assert list(plain(found)["sandboxes"])[-len(entries) :] == list(entries)
    assert "\n\n\n" not in together
    for line in text.splitlines():
        if line.strip() not in ("", "sandboxes:", "sandboxes: {}", "sandboxes: {a: {template: base}}"):
            assert line in together.splitlines()


def test_what_is_there_is_not_added() -> None:
    with pytest.raises(EditError, match="`a` is there already"):
        add_pairs("sandboxes:\n  a: {}\n", ("sandboxes",), {"b": {}, "a": {}})
