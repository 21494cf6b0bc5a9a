from __future__ import annotations

import sys
from pathlib import Path

import click

from nexusctl.api.editing.layout import lay_out_file, lay_out_text, write_layout
from nexusctl.cli import options
from nexusctl.errors import Diagnostic, InputError
from nexusctl.render.format import FORMAT_VERSION

_STDIN = Path("-")


@click.command()
@click.argument("files", type=click.Path(path_type=Path, dir_okay=False), nargs=-1, metavar="[FILE]...")
@click.option("--check", is_flag=True, help="Write nothing; code 1 where a file has another layout.")
@click.option("--diff", is_flag=True, help="Write nothing, and show what would change.")
@options.as_json
def fmt(files: tuple[Path, ...], check: bool, diff: bool, as_json: bool) -> int:
    """Write stack files in the usual layout; ./nexus.yaml where none is named, `-` from stdin to stdout.

    Indentation, blanks and empty lines change. Comments, quotes and order stay, and so does all that a file says.
    """
    if _STDIN in files:
        if len(files) > 1 or check or diff or as_json:
            raise click.UsageError("`-` goes alone")
        sys.stdout.write(lay_out_text(sys.stdin.read(), "stdin"))
        return 0
    laid, problems = [], list[Diagnostic]()
    for path in dict.fromkeys(files or (options.default_file(),)):
        try:
            laid.append(lay_out_file(path))
        except InputError as error:
            problems += error.diagnostics
    if problems:
        raise InputError(*problems)
    changed = [one for one in laid if one.changes]
    for one in changed:
        if not (check or diff):
            write_layout(one)
        if diff and not as_json:
            click.echo(_compare(str(one.path), one.before, one.after), nl=False)
        elif not as_json:
            click.echo(str(one.path))
    if as_json:
        names = [str(one.path) for one in changed]
        options.write_json({"format_version": FORMAT_VERSION, "changed": names, "written": not (check or diff)})
    return 1 if check and changed else 0


def _compare(name: str, before: str, after: str) -> str:
    # Most files have their layout already.
    import difflib  # noqa: PLC0415 - deferred: start-up time

    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
