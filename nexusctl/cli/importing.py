from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from nexusctl.api import connection
from nexusctl.api import importing as doors
from nexusctl.cli import options
from nexusctl.errors import Diagnostic
from nexusctl.imports.draft import Draft, Leftover
from nexusctl.render.diagnostic import render_diagnostics
from nexusctl.render.event import diagnostic_document
from nexusctl.render.format import FORMAT_VERSION

to_stdout = click.option("--stdout", "to_stdout", is_flag=True, help="Print the stack file and write nothing.")
written = click.option(
    "-f", "--file", "file", type=click.Path(path_type=Path, dir_okay=False), default=options.DEFAULT_FILE,
    show_default="./nexus.yaml", help="The stack file to write; one that is there already is added to.",
)  # fmt: skip


@click.group(name="import")
def importing() -> None:
    """Write a stack file for what others describe. Everything that has no place in one is listed."""


@importing.command(name="compose")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@written
@to_stdout
@options.as_json
def import_compose(source: Path, file: Path, to_stdout: bool, as_json: bool) -> int:
    """The services of a Compose FILE."""
    return _import(lambda: doors.read_compose(source, file.parent), file, to_stdout=to_stdout, as_json=as_json)


@importing.command(name="devcontainer")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@written
@to_stdout
@options.as_json
def import_devcontainer(source: Path, file: Path, to_stdout: bool, as_json: bool) -> int:
    """A devcontainer.json, or the project folder that has one."""
    return _import(lambda: doors.read_devcontainer(source, file.parent), file, to_stdout=to_stdout, as_json=as_json)


@importing.command(name="container")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--stack", "stack", default="imported", show_default=True, help="The name of the stack.")
@written
@to_stdout
@options.as_json
def import_container(names: tuple[str, ...], stack: str, file: Path, to_stdout: bool, as_json: bool) -> int:
    """Containers that run, whoever made them. Nothing is done to them."""
    engine = connection.connect()
    return _import(lambda: doors.read_containers(engine, names, stack), file, to_stdout=to_stdout, as_json=as_json)


@importing.command(name="stack")
@click.argument("name")
@written
@to_stdout
@options.as_json
def import_stack(name: str, file: Path, to_stdout: bool, as_json: bool) -> int:
    """The file of the stack NAME, made anew from the records of its live sandboxes."""
    engine = connection.connect()
    return _import(lambda: doors.read_stack(engine, name), file, to_stdout=to_stdout, as_json=as_json)


def _import(read: Callable[[], Draft], file: Path, *, to_stdout: bool, as_json: bool) -> int:
    draft = read()
    if to_stdout:
        click.echo(doors.render(draft, file), nl=False)
    else:
        doors.write(draft, file)
    _tell(draft, file, to_stdout=to_stdout, as_json=as_json)
    return 0


def _tell(draft: Draft, file: Path, *, to_stdout: bool, as_json: bool) -> None:
    problems = [_describe(leftover) for leftover in draft.leftovers]
    if as_json and not to_stdout:
        left = [diagnostic_document(problem) for problem in problems]
        options.write_json({"format_version": FORMAT_VERSION, "file": str(file), "left_out": left})
        return
    sys.stderr.write(render_diagnostics(problems, color=options.wants_color(sys.stderr)))
    names = ", ".join(draft.document.get("sandboxes", {}))
    what = "Nothing was written" if to_stdout else f"Wrote {file}"
    noted = f"; {len(problems)} things need a look, see above" if problems else ""
    options.say(f"{what}: {names}{noted}. `nexusctl plan -f {file}` shows what it would do.")


def _describe(leftover: Leftover) -> Diagnostic:
    return Diagnostic(f"{leftover.what}: {leftover.reason}", leftover.location, leftover.excerpt, severity="warning")
