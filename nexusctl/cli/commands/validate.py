from __future__ import annotations

import click

from nexusctl.api import planning
from nexusctl.cli import options
from nexusctl.cli.exit_codes import FAILED
from nexusctl.errors import InputError
from nexusctl.model.load_request import STDIN, Inputs
from nexusctl.model.stack import Stack
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import count


@click.command()
@options.stack_inputs
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True,
    help="How problems are shown: for people, for editors, or as annotations of GitHub Actions.",
)  # fmt: skip
@options.as_json
def validate(inputs: Inputs, form: str, as_json: bool) -> int:
    """Check a stack file and everything that it names; touches no engine."""
    form = "json" if as_json else form
    try:
        stack = planning.load(inputs)
    except InputError as error:
        if form == "text":
            raise
        _report(error, form)
        return FAILED
    _confirm(stack, inputs, form)
    return 0


def _report(error: InputError, form: str) -> None:
    # Only a file with a mistake needs it.
    from nexusctl.render.problems import problems_document, render_annotations  # noqa: PLC0415 - deferred: start-up time

    if form == "json":
        options.write_json(problems_document(error.diagnostics))
    else:
        click.echo(render_annotations(error.diagnostics), nl=False)


def _confirm(stack: Stack, inputs: Inputs, form: str) -> None:
    if form == "json":
        options.write_json({"format_version": FORMAT_VERSION, "stack": stack.name, "sandboxes": list(stack.sandboxes)})
    elif form == "text":
        files = " with ".join("stdin" if file == STDIN else str(file) for file in inputs.files)
        click.echo(f"{files} is valid: stack {stack.name} with {count(len(stack.sandboxes), 'sandbox')}.")
