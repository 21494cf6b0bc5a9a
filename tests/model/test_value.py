"""Values are dataclasses to everybody who asks, though they are not made as the library makes them."""

from __future__ import annotations

import dataclasses
import pprint
from collections.abc import Mapping

import pytest

from nexusctl.errors import Location
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A value with a default of each kind."""

    name: str
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    note: str = dataclasses.field(default="", compare=False, metadata={"kept": "outside"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Above(Base):
    count: int = 1


def test_the_library_knows_their_fields_in_order_with_what_was_said_of_them() -> None:
    assert [field.name for field in dataclasses.fields(Above)] == ["name", "labels", "note", "count"]
    assert dataclasses.fields(Above)[2].metadata == {"kept": "outside"}
    assert dataclasses.asdict(Above(name="a")) == {"name": "a", "labels": {}, "note": "", "count": 1}


def test_a_replaced_value_is_a_new_one_of_the_same_class() -> None:
    value = Above(name="a")
    assert dataclasses.replace(value, count=2) == Above(name="a", count=2)
    assert value.count == 1


def test_they_are_equal_by_what_is_compared_and_by_class() -> None:
    assert Base(name="a", note="x") == Base(name="a", note="y")
    assert Base(name="a") != Base(name="b")
    assert Base(name="a") != Above(name="a")


def test_each_gets_a_default_of_its_own() -> None:
    assert Base(name="a").labels is not Base(name="b").labels
    assert (Above.count, Base.note) == (1, "")


@pytest.mark.parametrize("fields", [{}, {"name": "a", "unknown": 1}])
def test_a_missing_or_an_unknown_field_is_named(fields: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=r"missing or unknown: (name|unknown)"):
        Base(**fields)  # type: ignore[arg-type]


def test_they_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match=r"Base\.name is frozen"):
        Base(name="a").name = "b"  # type: ignore[misc]


def test_they_can_be_printed_nicely() -> None:
    assert pprint.pformat(Base(name="a")) == "Base(name='a', labels={}, note='')"


@dataclass(frozen=True, slots=True)
class Placed:
    """A value whose fields have places."""

    name: str
    count: int = 1


def test_values_may_be_given_by_their_places() -> None:
    assert Placed("a", 2) == Placed("a", count=2) == Placed(name="a", count=2)
    assert dataclasses.replace(Placed("a"), count=3) == Placed("a", 3)
    assert [Placed("a").count, repr(Placed("a"))] == [1, "Placed(name='a', count=1)"]


def test_a_value_too_many_is_none() -> None:
    with pytest.raises(TypeError, match="3 values, and 2 places"):
        Placed("a", 1, 2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="name"):
        Placed("a", name="b")  # type: ignore[misc]


def test_places_in_files_are_in_order_of_line_and_column() -> None:
    found = [Location("b", 1, 1), Location("a", 10, 1), Location("a", 9, 2), Location("a", 9, 1)]
    assert list(map(str, sorted(found))) == ["a:9:1", "a:9:2", "a:10:1", "b:1:1"]
