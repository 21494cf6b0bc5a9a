"""A package manager is one file and one line: what the rest of the house knows of it, it knows by the Protocol."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from nexusctl.engine.docker.images.closed_index import is_index_closed, list_index_variables
from nexusctl.model.uploads_and_packages import Manager
from nexusctl.packages import MANAGERS

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "nexusctl"

NAMED = re.compile(r"(?i)(?:n?p?npm|uv|pip|apt)|.*(?:npm_config|\buv_|\bpip_)[a-z].*", re.DOTALL)
"""A text that is the name of a manager, or has a variable of one."""

ELSEWHERE = {
    "nexusctl/importers/": "they read what others have written for a manager: RUN lines, a project's own files",
    "nexusctl/model/uploads_and_packages.py": "the type of the name, as the schema lists it",
    "nexusctl/config/templates/template.py": "`apt` is a key of a template's recipe",
    "nexusctl/engine/docker/images/images.py": "the recipe is carried out with `apt`",
    "nexusctl/engine/docker/images/host_trust.py": "the variables by which all tools are told of a CA bundle",
    "nexusctl/engine/docker/host/facts.py": "the same, for `doctor`",
}


def find_named() -> Iterator[str]:
    for path in sorted(HOUSE.rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        if not place.startswith("nexusctl/packages/"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                text = node.value if isinstance(node, ast.Constant) and id(node) not in prose else None
                if isinstance(text, str) and NAMED.fullmatch(text):
                    yield place


def test_no_room_but_that_of_the_managers_names_one_unless_somebody_else_does() -> None:
    found = set(find_named())

    assert [place for place in sorted(found) if not place.startswith(tuple(ELSEWHERE))] == []
    assert [known for known in ELSEWHERE if not any(place.startswith(known) for place in found)] == []


def test_the_type_the_schema_and_the_table_have_the_same_managers() -> None:
    schema = json.loads((ROOT / "schemas" / "stack.schema.json").read_text(encoding="utf-8"))
    kind = schema["$defs"]["sandbox"]["properties"]["packages"]

    assert set(get_args(Manager)) == set(MANAGERS) == set(kind["properties"])


def test_whatever_tells_a_manager_of_its_index_is_called_after_one() -> None:
    # So a plan need not load those of whom nobody speaks.
    for manager in MANAGERS.values():
        file = manager.settings_file
        for variable in (*manager.index_addresses, *manager.index_options, *(file.variables if file else ())):
            assert variable.partition("_")[0].lower() in set(MANAGERS)
        assert file is None or file.home in {f".{name}rc" for name in MANAGERS}


def test_of_the_environment_only_what_names_an_index_counts() -> None:
    environ = {
        "NPM_CONFIG_Registry": "https://a.example",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_INDEX_URL": "https://b.example",
        "UV_INDEX": "https://c.example",
        "UV_CACHE_DIR": "/x",
        "pip_index_url": "https://d.example",
        "PIP_EXTRA_INDEX_URL": "",
    }

    assert list(list_index_variables(environ)) == ["NPM_CONFIG_Registry", "PIP_INDEX_URL", "UV_INDEX"]


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "PIP_FIND_LINKS"])
def test_an_index_on_this_machine_is_closed_to_sandboxes_whoever_is_told_of_it(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known in (*list_index_variables(os.environ), "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(known, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, "http://localhost:3141/simple")

    assert is_index_closed({variable: "http://localhost:3141/simple"})
    assert not is_index_closed({})
