from __future__ import annotations

import sys
from pathlib import Path

import click

from nexusctl.api import starting
from nexusctl.api.config import template_names
from nexusctl.cli import options
from nexusctl.cli.trust import trust as trusting
from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.draft.draft import Draft
from nexusctl.importers.draft.names import fit_name
from nexusctl.model.trust import Trust
from nexusctl.render.diagnostic import render_diagnostics
from nexusctl.render.format import FORMAT_VERSION


@click.command()
@click.option(
    "-f", "--file", "file", type=click.Path(path_type=Path, dir_okay=False), default=options.default_file,
    show_default="./nexus.yaml", help="The stack file to write; one that is there already stays as it is.",
)  # fmt: skip
@click.option(
    "--template", "template", metavar="NAME", help="Begin with a sandbox from this template, without questions."
)
@click.option(
    "--from-dir", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR",
    help="Propose a sandbox for the project in this folder.",
)  # fmt: skip
@trusting
@options.as_json
def init(file: Path, template: str | None, folder: Path | None, trust: Trust, as_json: bool) -> None:
    """Write a first stack file: after a few questions, from a template, or for a project folder."""
    if template and folder:
        raise click.UsageError("--template and --from-dir exclude each other")
    name = fit_name(file.absolute().parent.name, "first")
    if folder:
        draft = starting.read_project(folder, file.absolute().parent, trust)
    elif template:
        _require_template(template, trust)
        draft = starting.make_starter(starting.StarterOptions(name=name, template=template))
    else:
        draft = starting.make_starter(_ask(name))
    starting.begin_stack(draft, file, trust)
    _tell(draft, file, as_json=as_json)


def _require_template(name: str, trust: Trust) -> None:
    starting.load_template(name, trust)


def _ask(name: str) -> starting.StarterOptions:
    if not sys.stdin.isatty():
        hint = "pass `--template node`, or `--from-dir .` for the project in this folder"
        raise InputError(Diagnostic("there is no terminal to ask questions on", hint=hint))
    stack = click.prompt("Name of the stack", default=name, err=True)
    template = click.prompt("Template", type=click.Choice(template_names()), default="node", err=True)
    command = click.prompt("Command (empty for an example)", default="", show_default=False, err=True)
    usual = starting.default_port(template)
    port = click.prompt(
        "Port that it listens on (0 for none)", type=click.IntRange(0, 65535), default=usual or 0, err=True
    )
    return starting.StarterOptions(name=stack, template=template, command=command or None, port=port or None)


def _tell(draft: Draft, file: Path, *, as_json: bool) -> None:
    left = [
        Diagnostic(f"{one.what}: {one.reason}", one.location, one.excerpt, severity="warning")
        for one in draft.leftovers
    ]
    if as_json:
        by = [{"what": what, "file": file} for what, file in draft.said]
        notes = [{"what": one.what, "reason": one.reason} for one in draft.leftovers]
        options.write_json({"format_version": FORMAT_VERSION, "file": str(file), "left_out": notes, "said": by})
        return
    for what, by_file in draft.said:
        options.say(f"{by_file} says {what}")
    sys.stderr.write(render_diagnostics(left, color=options.wants_color(sys.stderr)))
    options.say(f"Wrote {file}. `nexusctl plan -f {file}` shows what it would do, `nexusctl apply -f {file}` does it.")
