from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from nexusctl.api import apply as sentence
from nexusctl.api import connection
from nexusctl.api.connection import Engine
from nexusctl.api.importing import importing as doors
from nexusctl.cli import options
from nexusctl.cli.confirm import Face
from nexusctl.cli.terminal.group import SuggestingGroup
from nexusctl.cli.trust import trust as trusting
from nexusctl.errors import Diagnostic
from nexusctl.importers.draft.draft import Draft, Unplaced
from nexusctl.model.trust import Trust
from nexusctl.model.values.frozen import dataclass
from nexusctl.render.diagnostic import render_diagnostics
from nexusctl.render.event import diagnostic_document
from nexusctl.render.format import FORMAT_VERSION

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another nexusctl that changes the stack."""

_to_stdout = click.option("--stdout", "to_stdout", is_flag=True, help="Print the stack file and write nothing.")
_adopt = click.option(
    "--adopt", is_flag=True, help="Take them over, too: they belong to the stack and stay as they are."
)
_file = click.option(
    "-f", "--file", "file", type=click.Path(path_type=Path, dir_okay=False), default=options.default_file,
    show_default="./nexus.yaml", help="The stack file to write; one that is there already is added to.",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOutput:
    """Where the draft goes, in which form what was done is told, and how far what is imported is trusted."""

    file: Path
    to_stdout: bool
    as_json: bool
    trust: Trust


def output(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where a draft goes; the command takes them as one value, `output`."""

    @_file
    @_to_stdout
    @trusting
    @options.as_json
    @wraps(command)
    def gathered(*arguments: Any, file: Path, to_stdout: bool, as_json: bool, trust: Trust, **others: Any) -> Any:
        output = DraftOutput(file=file, to_stdout=to_stdout, as_json=as_json, trust=trust)
        return command(*arguments, output=output, **others)

    return gathered


@click.group(cls=SuggestingGroup, name="import")
def import_() -> None:
    """Write a stack file for what others describe. Everything that has no place in one is listed."""


@import_.command(name="compose")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--project", "project", default="", help="What the project is called, where the file does not say it.")
@click.option(
    "--profile", "profiles", multiple=True, metavar="NAME", show_default="COMPOSE_PROFILES",
    help="Services with this profile are there always; `*` for all, may be repeated.",
)  # fmt: skip
@click.option(
    "--env-file", "env_files", multiple=True, type=click.Path(path_type=Path), show_default=".env beside FILE",
    help="Variables for the file; may be repeated, the last wins.",
)  # fmt: skip
@_adopt
@output
def import_compose(
    source: Path, project: str, profiles: tuple[str, ...], env_files: tuple[Path, ...], adopt: bool, output: DraftOutput
) -> int:
    """The services of a Compose FILE.

    With --adopt the containers, networks and volumes that Compose made of it belong to the stack afterwards, and the
    next plan has no changes for them.
    """
    _require_file(output, adopt=adopt)
    if not adopt:
        folder, trust = output.file.parent, output.trust
        draft = doors.read_compose(source, folder, project, trust=trust, profiles=profiles, env_files=env_files)
        return _put(draft, output)
    engine = connection.connect()
    draft = doors.read_project(engine, source, output.file, project, output.trust, profiles, env_files)
    way = f"write into {source} what it is, or make it what {source} says by `docker compose up`, and import again"
    return _take_over(engine, draft, output, way)


@import_.command(name="devcontainer")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@output
def import_devcontainer(source: Path, output: DraftOutput) -> int:
    """A devcontainer.json, or the project folder that has one."""
    return _put(doors.read_devcontainer(source, output.file.parent, output.trust), output)


@import_.command(name="container")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--stack", "stack", default="imported", show_default=True, help="The name of the stack.")
@_adopt
@output
def import_container(names: tuple[str, ...], stack: str, adopt: bool, output: DraftOutput) -> int:
    """Containers that run, whoever made them. Nothing is done to them without --adopt.

    With it they belong to the stack, and the next plan has no changes.
    """
    _require_file(output, adopt=adopt)
    engine = connection.connect()
    draft = doors.read_containers(engine, names, stack)
    if not adopt:
        return _put(draft, output)
    return _take_over(engine, draft, output, "name the others only, and this one stays what it is")


@import_.command(name="stack")
@click.argument("name")
@output
def import_stack(name: str, output: DraftOutput) -> int:
    """The file of the stack NAME, made anew from the records of its live sandboxes."""
    return _put(doors.read_stack(connection.connect(), name), output)


def _put(draft: Draft, output: DraftOutput) -> int:
    if output.to_stdout:
        if not output.as_json:
            text = doors.render(draft, output.file)
            # In a file or a pipe it is a YAML file, and those are UTF-8 whatever the locale says.
            click.echo(text if sys.stdout.isatty() else text.encode(), nl=False)
        doors.check(draft, output.file, output.trust)
    else:
        doors.write(draft, output.file, output.trust)
    _tell(draft, output.file, to_stdout=output.to_stdout, as_json=output.as_json)
    return 0


def _require_file(output: DraftOutput, *, adopt: bool) -> None:
    if adopt and output.to_stdout:
        raise click.UsageError("--adopt needs the file that --stdout does not write")


def _take_over(engine: Engine, draft: Draft, output: DraftOutput, way: str) -> int:
    """Asking for it was the consent: nothing but a mark and a name is changed. `way` is for what cannot be had.

    The file comes last: with it, an apply would make a second time what is not yet taken over. Where this is cut off,
    the next import finds what has been taken over.
    """
    stack = doors.preview(draft, output.file, output.trust)
    with connection.hold_lock(engine, stack.name, timeout=LOCK_TIMEOUT, report=options.say):
        basis = doors.prepare_takeover(engine, draft, stack, f"nothing was written or done; {way}")
        taken, there = doors.count_taken(draft, basis), output.file.exists()
        if taken and (taken < len(draft.containers) or not there):
            options.say(f"{taken} of {len(draft.containers)} were taken over before; this goes on from there.")
        face = Face(as_json=output.as_json)
        code = face.follow(sentence.carry_out(engine, basis.plan, face.terms(lock_timeout=LOCK_TIMEOUT)))
        if not code:
            return _put(draft, output)
    options.say(f"{output.file} was not written, because not all of them are taken over. The same again goes on.")
    return code


def _tell(draft: Draft, file: Path, *, to_stdout: bool, as_json: bool) -> None:
    problems = [_describe(leftover) for leftover in draft.leftovers]
    if as_json:
        left = [diagnostic_document(problem) for problem in problems]
        said = {"content": doors.render(draft, file)} if to_stdout else {}
        options.write_json({"format_version": FORMAT_VERSION, "file": str(file), "left_out": left, **said})
        return
    sys.stderr.write(render_diagnostics(problems, color=options.wants_color(sys.stderr)))
    names = ", ".join(draft.document.get("sandboxes", {}))
    what = "Nothing was written" if to_stdout else f"Wrote {file}"
    if to_stdout and draft.files:
        options.say(f"Without --stdout it also writes {', '.join(draft.files)}, which it names.")
    many = "1 thing needs" if len(problems) == 1 else f"{len(problems)} things need"
    noted = f"; {many} a look, see above" if problems else ""
    options.say(f"{what}: {names}{noted}. `nexusctl plan -f {file}` shows what it would do.")


def _describe(leftover: Unplaced) -> Diagnostic:
    return Diagnostic(f"{leftover.what}: {leftover.reason}", leftover.location, leftover.excerpt, severity="warning")
