"""A plan calls fields as the stack file does: the schema of the file is the oracle."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from nexusctl.config.schema.files import STACK, read_schema
from nexusctl.model.stack import Health, Lifecycle, Sandbox
from nexusctl.plan.compare.fields import compare
from tests.plan.variants import BASE, EITHER, SERVICE, TASK

VARIANTS = {**EITHER, **SERVICE, **TASK}


def fields_between(**values: tuple[Any, Any]) -> list[str]:
    one, other = (
        Sandbox(name="a", group="a", **{"image": BASE, **{field: pair[n] for field, pair in values.items()}})
        for n in (0, 1)
    )
    return [difference.field for difference in compare(one, other, frozenset())]


def is_written(path: str) -> bool:
    """Whether a file may have `path` in a sandbox, as far as the schema names what is in its fields."""
    schema = read_schema(STACK)
    known = schema["$defs"]["sandbox"]["properties"]
    for word in path.split("."):
        if word not in known:
            return False
        found = known[word]
        found = schema["$defs"][found["$ref"].rpartition("/")[2]] if "$ref" in found else found
        if found.get("type") in ("array", ["array", "object"]) or "properties" not in found:
            return True
        known = found["properties"]
    return True


@pytest.mark.parametrize("field", sorted(VARIANTS))
def test_every_difference_is_called_as_the_field_in_the_file(field: str) -> None:
    values = VARIANTS[field]
    default = getattr(Sandbox(name="a", group="a", image=BASE), field)
    found = {path for pair in combinations((default, *values), 2) for path in fields_between(**{field: pair})}
    assert found
    assert {path for path in found if not is_written(path)} == set()


def test_a_probe_is_told_in_the_words_of_the_file() -> None:
    page = Health(http_port=3000, http_path="/health")
    assert fields_between(health=(page, Health(http_port=3001, http_path="/ready"))) == [
        "health.http.path",
        "health.http.port",
    ]
    assert fields_between(health=(page, Health(tcp_port=3000))) == [
        "health.http.path",
        "health.http.port",
        "health.tcp",
    ]
    times = ["health.interval", "health.retries", "health.start_period", "health.timeout"]
    assert fields_between(health=(None, Health(command=("true",)))) == ["health.command", *times]


def test_what_is_ignored_is_called_as_in_the_file() -> None:
    one, other = (Sandbox(name="a", group="a", image=BASE, lifecycle=Lifecycle(ignore=i)) for i in ((), ("mounts",)))
    (found,) = compare(one, other, frozenset())
    assert (found.field, found.after) == ("lifecycle.ignore", ["volumes"])
