"""What every built-in template says of itself, and what lists and pages make of it; no engine is needed."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nexusctl.api.workspace import load_text
from nexusctl.cli.main import nexusctl
from nexusctl.config.load import load_template, template_names
from nexusctl.config.templates.measured import find_cost
from nexusctl.config.templates.template import read_parameters
from nexusctl.errors import InputError
from nexusctl.model.stack import Stack
from tests.plan.worlds import apply, new_engine, plan_for

CATEGORIES = {"agent", "database", "language", "system", "tool", "web"}
FIRST = ("base", "node", "postgres", "python", "react")
"""Those that came before templates had parameters: a sandbox of theirs is what it was."""
SAMPLES: dict[str, Any] = {"string": "/other", "integer": 4567, "boolean": False}


def stack_of(folder: Path, template: str, given: dict[str, Any] | None = None) -> Stack:
    entry = {"template": template, **({"with": given} if given else {})}
    return load_text(f"name: shop\nsandboxes:\n  it: {json.dumps(entry)}\n", folder / "nexus.yaml")


def kind_of(declared: dict[str, Any]) -> str:
    names = {bool: "boolean", int: "integer", str: "string"}
    return str(declared.get("type", names[type(declared["default"])]))


def sample_for(declared: dict[str, Any]) -> Any:
    """A value that the parameter takes and that is not its default."""
    kind = kind_of(declared)
    if allowed := declared.get("allowed"):
        return next(one for one in allowed if one != declared["default"])
    candidates = [SAMPLES[kind], not declared["default"], "other", "128mb", "2g"]
    pattern = declared.get("pattern", ".*" if kind == "string" else "[0-9a-z]+")
    return next(
        one
        for one in candidates
        if isinstance(one, type(declared["default"])) and re.fullmatch(pattern, str(one).lower())
    )


@pytest.mark.parametrize("name", template_names())
def test_every_template_says_what_it_is_and_names_an_image_and_a_recipe(name: str) -> None:
    template = load_template(name)
    assert template.name == name
    assert template.description
    assert template.category in CATEGORIES
    assert template.tags
    assert ":" in template.image
    assert template.recipe is not None
    assert set(template.defaults["resources"]) == {"cpus", "memory", "pids", "storage"}


@pytest.mark.parametrize("name", sorted(set(template_names()) - set(FIRST)))
def test_every_parameter_is_typed_explained_and_comes_to_something(name: str, tmp_path: Path) -> None:
    parameters = read_parameters(name)
    assert parameters
    plain = stack_of(tmp_path, name).sandboxes["it"]
    for parameter, declared in parameters.items():
        assert declared["description"], parameter
        other = stack_of(tmp_path, name, {parameter: sample_for(declared)}).sandboxes["it"]
        assert other != plain, f"nothing is made of {parameter}"
        if kind_of(declared) != "string":
            with pytest.raises(InputError, match=f"`{parameter}`"):
                stack_of(tmp_path, name, {parameter: "not of this type"})


@pytest.mark.parametrize("name", template_names())
def test_a_sandbox_of_every_template_is_planned_made_and_then_as_it_should_be(name: str, tmp_path: Path) -> None:
    stack, engine = stack_of(tmp_path, name), new_engine()
    sandbox = stack.sandboxes["it"]
    assert "${param" not in str(sandbox)
    assert sandbox.health is not None or name in FIRST
    assert sandbox.health is None or sandbox.health.interval <= 30
    apply(engine, stack)
    assert plan_for(engine, stack).empty


@pytest.mark.parametrize("name", template_names())
def test_the_figures_of_every_template_are_of_what_it_is_now(name: str) -> None:
    cost = find_cost(load_template(name))
    assert cost is not None, f"measure it: python -m tests.templates.measure {name}"
    assert cost.size_mb > 50
    assert cost.make_s >= cost.more_s >= 0
    assert cost.start_s > 0


def test_figures_of_something_else_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "templates").mkdir()
    text = "name: redis\ndescription: Ours\nextends: redis\ndefaults: {packages: [jq]}\n"
    (tmp_path / "templates" / "redis.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    listed = json.loads(run("template", "list", "--json").stdout)["templates"]
    costs = {one["name"]: one["cost"] for one in listed}
    assert costs["redis"] is None
    assert costs["nginx"]["size_mb"] > 50


def test_the_list_has_categories_and_costs() -> None:
    listed = run("template", "list")
    rows = [line.split() for line in listed.stdout.splitlines()]
    assert rows[0] == ["CATEGORY", "TEMPLATE", "SIZE", "MADE", "STARTED", "DESCRIPTION"]
    assert [row[0] for row in rows[1:]] == sorted(row[0] for row in rows[1:])
    assert {row[1] for row in rows[1:]} == set(template_names())
    cost = find_cost(load_template("redis"))
    assert cost is not None
    assert next(row for row in rows if row[1] == "redis")[2:4] == [str(cost.size_mb), "MB"]
    assert "measured on" in listed.stderr


def test_a_category_narrows_the_list_and_an_unknown_one_is_told() -> None:
    found = json.loads(run("template", "list", "--category", "database", "--json").stdout)["templates"]
    assert [one["name"] for one in found] == ["mariadb", "postgres", "redis"]
    wrong = run("template", "list", "--category", "databse").exception
    assert isinstance(wrong, InputError)
    assert wrong.diagnostics[0].summary == "no template is of the category `databse`"
    assert wrong.diagnostics[0].hint == "did you mean `database`?"


def test_the_page_of_a_template_says_what_can_be_given_and_what_it_costs() -> None:
    page = run("template", "show", "express-api-boilerplate").stdout
    assert page.startswith("express-api-boilerplate: A small API")
    assert "category: web (api" in page
    assert re.search(r"cost: +\d+ MB, made in .* measured on \d+ cores", page)
    assert re.search(r"port +integer +3000 +Where", page)
    assert re.search(r'db_connection +secret +"" +Where PostgreSQL is', page)
    assert "/app/server.js (" in page
    assert "      with:\n        port: 3000\n" in page
    assert "by the recipe of node" in page


def test_a_template_of_several_sandboxes_is_listed_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "templates").mkdir()
    text = (
        "name: shop\ndescription: A shop\ncategory: team\nsandboxes: {db: {template: redis}, api: {template: node}}\n"
    )
    (tmp_path / "templates" / "shop.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert ["team", "shop", "-", "-", "-", "A", "shop"] in [
        line.split() for line in run("template", "list").stdout.splitlines()
    ]
    page = run("template", "show", "shop").stdout
    assert "deploys:  db, api" in page
    assert "  db:\n    template: redis\n" in page
    assert "image" not in page


@pytest.mark.parametrize("name", template_names())
def test_every_page_can_be_shown_and_its_example_holds(name: str, tmp_path: Path) -> None:
    page = run("template", "show", name).stdout
    example = textwrap.dedent(page.partition("in a stack file:\n")[2])
    sandbox = load_text(f"name: shop\n{example}", tmp_path / "nexus.yaml").sandboxes["mine"]
    assert sandbox.template == name


def run(*arguments: str) -> Result:
    return CliRunner().invoke(nexusctl, arguments)
