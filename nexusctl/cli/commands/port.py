"""The verbs that tell where a port of a sandbox is reached, and go there."""

from __future__ import annotations

import click

from nexusctl.api import subject
from nexusctl.api.everyday.ports import list_published
from nexusctl.cli import options
from nexusctl.cli.exit_codes import FAILED
from nexusctl.model.load_request import Inputs
from nexusctl.model.observed.published import Published
from nexusctl.render.ports import ports_document


@click.command()
@options.stack_inputs
@options.stack_name
@options.as_json
@click.argument("sandbox", metavar="NAME")
@click.argument("wanted", metavar="[PORT]", required=False, default="")
def port(inputs: Inputs, stack_name: str | None, as_json: bool, sandbox: str, wanted: str) -> None:
    """Show where the ports of NAME are reached on this machine; with PORT, such as 80 or 53/udp, that place alone."""
    found = _find(inputs, stack_name, sandbox, wanted)
    if as_json:
        options.write_json(ports_document(found))
        return
    many = len({one.sandbox for one in found}) > 1
    for one in found:
        name = f"{one.sandbox} " if many else ""
        click.echo(one.place if wanted and not many else f"{name}{one.port} -> {one.place}")


@click.command(name="open")
@options.stack_inputs
@options.stack_name
@click.argument("sandbox", metavar="NAME")
@click.argument("wanted", metavar="[PORT]", required=False, default="")
def open_(inputs: Inputs, stack_name: str | None, sandbox: str, wanted: str) -> int:
    """Open a published port of NAME in the browser: the one that its health check asks, else the lowest, or PORT."""
    import webbrowser  # noqa: PLC0415 - deferred: start-up time

    url = next((o.url for o in _find(inputs, stack_name, sandbox, wanted) if o.url.startswith("http")), "")
    if not url:
        raise click.UsageError(
            f"{sandbox} publishes nothing there that a browser reads; `nexusctl port {sandbox}` lists it"
        )
    click.echo(url)
    if webbrowser.open(url):
        return 0
    options.say("no browser was found here; open that address in one")
    return FAILED


open = open_  # noqa: A001 - the verb's own name, which nothing in here needs otherwise


def _find(inputs: Inputs, stack_name: str | None, sandbox: str, wanted: str) -> tuple[Published, ...]:
    engine, about = subject.find_subject(inputs, stack_name)
    options.warn(about.problems)
    return list_published(engine, about.stack, sandbox, wanted)
