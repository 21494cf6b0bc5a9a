from __future__ import annotations

from pathlib import Path

import click

from nexusctl.api.config import BESIDE, load_template, template_names
from nexusctl.cli import options
from nexusctl.cli.terminal.group import SuggestingGroup
from nexusctl.cli.trust import trust as trusting
from nexusctl.model.record import plain
from nexusctl.model.template import Template
from nexusctl.model.trust import Trust
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import table


@click.group(cls=SuggestingGroup)
def template() -> None:
    """List and show the templates that a sandbox can start from."""


@template.command(name="list")
@trusting
@options.as_json
def list_templates(trust: Trust, as_json: bool) -> None:
    """Name, image and purpose of each template."""
    own = (path.stem for path in Path(BESIDE).glob("*.yaml"))
    templates = [load_template(name, trust) for name in sorted({*template_names(), *own})]
    if as_json:
        options.write_json({"format_version": FORMAT_VERSION, "templates": [plain(item) for item in templates]})
        return
    rows = [["TEMPLATE", "IMAGE", "MANAGER", "DESCRIPTION"]]
    rows += [[t.name, t.image, t.manager or "-", " ".join(t.description.split())] for t in templates]
    click.echo(table(rows))


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
    """All that a template brings, in the language of the stack file."""
    chosen = load_template(name, trust)
    if as_json:
        options.write_json({"format_version": FORMAT_VERSION, "template": plain(chosen)})
        return
    click.echo("\n".join(_describe(chosen)))


def _describe(chosen: Template) -> list[str]:
    lines = [f"{chosen.name}: {' '.join(chosen.description.split())}", "", f"image:   {chosen.image}"]
    lines.append(f"manager: {chosen.manager or 'none'}")
    lines += ["", "defaults:", *_indent(chosen.defaults)]
    if chosen.recipe:
        below = f"on template {chosen.recipe.base}" if chosen.recipe.base else f"on Debian {chosen.recipe.suite}"
        lines += ["", f"without a registry: {below}, with {', '.join(chosen.recipe.apt) or 'no further packages'}"]
    return lines


def _indent(value: object, depth: int = 1) -> list[str]:
    pad = "  " * depth
    if isinstance(value, dict):
        lines = []
        for key, item in value.items():
            inner = _indent(item, depth + 1)
            nested = isinstance(item, dict | list | tuple) or len(inner) > 1
            lines += [f"{pad}{key}:", *inner] if nested else [f"{pad}{key}: {inner[0].strip()}"]
        return lines
    if isinstance(value, list | tuple):
        return [f"{pad}- {' '.join(line.strip() for line in _indent(item, 0))}" for item in value]
    return [f"{pad}{line}" for line in str(value).splitlines()] or [f'{pad}""']
