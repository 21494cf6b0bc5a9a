"""What an instance is called after any text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nexusctl.model.instance import check_branch, fit_instance, join_name, split_name

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "stack.schema.json").read_text())
NAME = re.compile(SCHEMA["$defs"]["name"]["pattern"])

TEXTS = [
    "main", "feature/login", "feature-login", "Feature/Login", "feature_login", "ünïcode", "ünicode", "-", "--",
    "a" * 40,    "a" * 41, "a" * 300, "x/" + "a" * 300, "x-" + "a" * 300, "日本", "🙂", "v1.2", "v1-2",
    "refs/heads/main", "42", "a\nb",
    "\udcff",
]  # fmt: skip


def test_each_text_has_a_name_of_its_own_that_a_stack_could_have() -> None:
    names = [fit_instance(text) for text in TEXTS]
    assert len({*names}) == len(TEXTS)
    assert [name for name in names if not NAME.fullmatch(name)] == []


@pytest.mark.parametrize("text", TEXTS)
def test_a_name_means_itself(text: str) -> None:
    assert fit_instance(fit_instance(text)) == fit_instance(text)


@pytest.mark.parametrize("name", ["a", "a-b", "a" * 40])
@pytest.mark.parametrize("text", ["", *TEXTS])
def test_an_instance_meets_no_stack_of_a_file_and_is_told_apart(name: str, text: str) -> None:
    joined = join_name(name, fit_instance(text))
    assert split_name(joined) == (name, fit_instance(text))
    assert bool(NAME.fullmatch(joined)) == (not text)
    assert join_name(joined, "other") == (joined if text else f"{name}.other")


@pytest.mark.parametrize("text", ["x" * 251, "a\nb", "a\x1b[2J", "a b", "\u202ea", "\udcff"])
def test_a_branch_that_none_can_be_called_is_none(text: str) -> None:
    assert check_branch(text) == ""
    assert check_branch("feature/grün") == "feature/grün"
