from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from nexusctl.api.config import BESIDE, find_cost, load_template, read_parameters, template_names
from nexusctl.cli import options
from nexusctl.cli.terminal.group import SuggestingGroup
from nexusctl.cli.trust import trust as trusting
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.record import plain
from nexusctl.model.template import Recipe, Template, TemplateCost
from nexusctl.model.trust import Trust
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.raw_scalar import Bare
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import duration, table
from nexusctl.render.yaml_text import render_yaml


@click.group(cls=SuggestingGroup)
def template() -> None:
    """List and show the templates that a sandbox can start from."""


@template.command(name="list")
@click.option("--category", metavar="NAME", help="Only those of this category.")
@trusting
@options.as_json
def list_templates(category: str | None, trust: Trust, as_json: bool) -> None:
    """Name, category, cost and purpose of each template."""
    own = (path.stem for path in Path(BESIDE).glob("*.yaml"))
    templates = [load_template(name, trust) for name in sorted({*template_names(), *own})]
    if category is not None:
        templates = _only(category, templates)
    templates.sort(key=lambda one: (one.category or "~", one.name))
    if as_json:
        options.write_json({"format_version": FORMAT_VERSION, "templates": [_to_json(item) for item in templates]})
        return
    click.echo(table([["CATEGORY", "TEMPLATE", "SIZE", "MADE", "STARTED", "DESCRIPTION"], *map(_row, templates)]))
    if costs := [cost for one in templates if (cost := find_cost(one))]:
        load = f"a load of up to {max(cost.load for cost in costs):.0f}"
        options.say(
            f"SIZE, MADE (from nothing) and STARTED are of recipes, measured on {costs[0].cores} cores at {load}; "
            "an image that a registry has is fetched."
        )


def _only(category: str, templates: list[Template]) -> list[Template]:
    found = [one for one in templates if one.category == category]
    if not found:
        hint = suggest(category, {one.category for one in templates if one.category}, "categories")
        raise InputError(Diagnostic(f"no template is of the category `{category}`", hint=hint))
    return found


def _row(one: Template) -> list[str]:
    cost = find_cost(one)
    figures = [f"{cost.size_mb} MB", duration(cost.make_s), duration(cost.start_s)] if cost else ["-", "-", "-"]
    return [one.category or "-", one.name, *figures, " ".join(one.description.split())]


def _to_json(one: Template) -> dict[str, Any]:
    """All of it, with what no plan rests on."""
    cost = find_cost(one)
    more = {"category": one.category, "tags": list(one.tags), "cost": plain(cost) if cost else None}
    return {**plain(one), **more}


@template.command(name="init")
@click.argument("name")
@click.option("--extends", "below", default="base", show_default=True, metavar="TEMPLATE", help="What it is laid over.")
@trusting
@options.as_json
def init_template(name: str, below: str, trust: Trust, as_json: bool) -> None:
    """Write a template to start from, templates/NAME.yaml; one that is there already stays as it is."""
    # Listing and showing templates writes nothing.
    from nexusctl.api.starting import begin_template  # noqa: PLC0415 - deferred: start-up time

    path = begin_template(name, below, Path(BESIDE), trust)
    if as_json:
        options.write_json({"format_version": FORMAT_VERSION, "file": str(path)})
    else:
        options.say(f"Wrote {path}. A stack file beside `{BESIDE}/` uses it with `template: {name}`.")


@template.command()
@click.argument("name")
@trusting
@options.as_json
def show(name: str, trust: Trust, as_json: bool) -> None:
    """All that a template brings: its cost, its parameters, its defaults, and how to use it."""
    chosen, parameters = load_template(name, trust), read_parameters(name, trust)
    if as_json:
        shown = {**_to_json(chosen), "parameters": parameters}
        options.write_json({"format_version": FORMAT_VERSION, "template": shown})
        return
    click.echo("\n".join(_describe(name, chosen, parameters)))


def _describe(reference: str, chosen: Template, parameters: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{chosen.name}: {' '.join(chosen.description.split())}", "")
    if chosen.category:
        tags = f" ({', '.join(chosen.tags)})" if chosen.tags else ""
        yield f"category: {chosen.category}{tags}"
    if chosen.sandboxes:
        yield f"deploys:  {', '.join(chosen.sandboxes)}"
    else:
        yield f"image:    {chosen.image}"
        yield f"manager:  {chosen.manager or 'none'}"
    if cost := find_cost(chosen):
        yield f"cost:     {_say_cost(cost)}"
    if parameters:
        yield from ("", "parameters:")
        rows = [["NAME", "TYPE", "DEFAULT", "DESCRIPTION"]]
        rows += [_parameter(name, declared or {}) for name, declared in parameters.items()]
        yield from (f"  {line}".rstrip() for line in table(rows).splitlines())
    if defaults := {key: item for key, item in chosen.defaults.items() if key != "uploads"}:
        yield from ("", "defaults:", *_written(defaults))
    if uploads := chosen.defaults.get("uploads"):
        yield from ("", "files that it brings:", *_files(uploads))
    if chosen.recipe:
        yield from ("", f"without a registry: {_say_recipe(chosen.recipe)}")
    if chosen.sandboxes:
        yield from ("", "sandboxes:", *_written(chosen.sandboxes))
        return
    mine: dict[str, Any] = {"template": reference}
    if given := {name: one["default"] for name, one in parameters.items() if one and one.get("default")}:
        mine["with"] = given
    yield from ("", "in a stack file:", *_written({"sandboxes": {"mine": mine}}))


def _say_cost(cost: TemplateCost) -> str:
    beside = "" if cost.more_s == cost.make_s else f" ({duration(cost.more_s)} of that its own)"
    return (
        f"{cost.size_mb} MB, made in {duration(cost.make_s)} from nothing{beside}, then started in "
        f"{duration(cost.start_s)}; by its recipe, measured on {cost.cores} cores at a load of {cost.load:.0f}"
    )


def _say_recipe(recipe: Recipe) -> str:
    if recipe.owner:
        return f"by the recipe of {recipe.owner}"
    below = f"on template {recipe.base}" if recipe.base else f"on Debian {recipe.suite}"
    parts = [*recipe.apt, *(["a script of its own"] if recipe.run else [])]
    return f"{below}, with {', '.join(parts)}" if parts else below


def _parameter(name: str, declared: Mapping[str, Any]) -> list[str]:
    kind = declared.get("type") or _kind(declared.get("default"))
    if declared.get("sensitive"):
        kind = "secret"
    default = "required" if "default" not in declared else _shown_default(declared) or '""'
    words = " ".join((declared.get("description") or "").split())
    if allowed := declared.get("allowed"):
        words = f"{words}: {', '.join(map(str, allowed))}".lstrip(": ")
    return [name, str(kind), default, words]


def _kind(default: object) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", list: "list", dict: "map"}
    return kinds.get(type(default), "string")


def _shown_default(declared: Mapping[str, Any]) -> str:
    value = declared.get("default", "")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _written(value: Any) -> Iterator[str]:
    """The lines of `value` as a stack file has them."""
    yield from (f"  {line}".rstrip() for line in render_yaml(_language(value)).splitlines())


def _language(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _language(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_language(item) for item in value]
    return value if isinstance(value, str) or value is None else Bare(json.dumps(value))


def _files(uploads: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Where each goes, and how long it is."""
    for upload in uploads:
        lines = upload["content"].count("\n") if "content" in upload else 0
        yield f"  {upload['target']}" + (f" ({lines} lines)" if lines else "")
