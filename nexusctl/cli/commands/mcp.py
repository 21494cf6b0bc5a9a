from __future__ import annotations

import os
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from nexusctl.cli import options
from nexusctl.cli.terminal.group import SuggestingGroup
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.endpoint import is_host_name

TOKEN = "NEXUSCTL_MCP_TOKEN"
"""The variable of the environment that a server over HTTP takes its one token from."""


class Address(click.ParamType[tuple[str, int]]):
    """`127.0.0.1:8765`, `[::1]:8765`, or a port alone."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        host, _, port = str(value).rpartition(":")
        if not port.isdecimal() or int(port) > 65535:
            self.fail(f"{value!r} is no address; write `127.0.0.1:8765`", param, ctx)
        return host.strip("[]") or "127.0.0.1", int(port)


class HostName(click.ParamType[str]):
    """`agents.example.com` or `192.0.2.7`, as it stands in a URL."""

    name = "name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_host_name(str(value)):
            self.fail(f"{value!r} is no name of a host; write `agents.example.com`, with no scheme or port", param, ctx)
        return str(value).lower()


@click.group(cls=SuggestingGroup, invoke_without_command=True)
@click.option(
    "-f", "--file", "file", type=click.Path(path_type=Path, dir_okay=False), show_default="./nexus.yaml, ./nexus.yml",
    help="The stack file that agents' calls edit; made on the first of them where it is missing.",
)  # fmt: skip
@click.option(
    "--http", "http", type=Address(), metavar="ADDRESS", help="Serve over HTTP there, such as 127.0.0.1:8765."
)
@click.option(
    "--allow-host", "names", type=HostName(), multiple=True, metavar="NAME",
    help="A name or an address, besides that of --http and localhost, that clients reach it by; once for each.",
)  # fmt: skip
@click.option(
    "--tokens", "tokens", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help=f"A line `OWNER TOKEN` for each who may call over HTTP; without it {TOKEN}, or one that is made and shown.",
)  # fmt: skip
@click.option(
    "--commit", is_flag=True, help="Make a git commit of each change, with whoever asked for it as its author."
)
@click.option(
    "--policy", "policy", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", show_default="door.yaml",
    help="What agents may ask for; without a file of that name beside the stack file, all that there is.",
)  # fmt: skip
@click.pass_context
def mcp(
    context: click.Context,
    file: Path | None,
    http: tuple[str, int] | None,
    names: tuple[str, ...],
    tokens: Path | None,
    commit: bool,
    policy: Path | None,
) -> None:
    """Serve agents: tools of the Model Context Protocol on stdin and stdout, or over HTTP."""
    if context.invoked_subcommand:
        return
    if names and not http:
        raise click.UsageError("--allow-host needs --http: nobody reaches a server on stdio by a name")
    if find_spec("mcp") is None:
        hint = "`pip install 'nexusctl[mcp]'` brings it"
        raise InputError(Diagnostic("serving agents needs the package `mcp`", hint=hint))
    from nexusctl.mcp.serve import ServerOptions, find_policy, own_token, read_tokens, serve_http, serve_stdio  # noqa: PLC0415 - deferred: start-up time

    given = os.environ.pop(TOKEN, "")
    known = (read_tokens(tokens) if tokens else own_token(given, TOKEN)) if http else {}
    path = _find_file(file)
    policy = policy.absolute() if policy else None
    # Whatever a path means, it starts where the stack file lies.
    os.chdir(path.parent)
    terms = ServerOptions(file=Path(path.name), commit=commit, policy=find_policy(policy))
    if http:
        serve_http(terms, *http, known, names, options.say)
    else:
        serve_stdio(terms)


def _find_file(file: Path | None) -> Path:
    """The stack file by its whole path; it need not be there, but its folder does. Raises `InputError`."""
    path = (file or options.default_file()).absolute()
    folder = path.parent
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is not there"
        hint = "name a stack file in a folder that is there" if folder.exists() else f"`mkdir -p {folder}` makes it"
        raise InputError(Diagnostic(f"`{folder}`, where `{path.name}` would lie, {what}", hint=hint))
    if not os.access(folder, os.R_OK | os.X_OK):
        raise InputError(Diagnostic(f"you may not enter `{folder}`", hint="check its permissions"))
    return path


@mcp.command(name="config")
@click.argument("client", type=click.Choice(["claude", "codex", "vscode", "cursor"]))
@click.option("--url", metavar="URL", help="Of a server over HTTP; without it the client starts one itself.")
@click.option(
    "--name", default="sandboxes", show_default=True, metavar="NAME", help="What the client calls the server."
)
@click.option("--write", is_flag=True, help="Write it into the client's file of this folder's project.")
@click.pass_context
def config(context: click.Context, client: str, url: str | None, name: str, write: bool) -> None:
    """Print the entry with which an agent's client finds the server."""
    # Serving needs none of it.
    from nexusctl.mcp.clients import CLIENTS, complete_url, make_entry, render_entry, write_entry  # noqa: PLC0415 - deferred: start-up time

    assert context.parent
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise click.BadParameter("use letters, digits, dashes and underscores", param_hint="--name")
    if url:
        entry = make_entry(client, [], complete_url(url))
    else:
        entry = make_entry(client, [_program(), "mcp", "-f", str(_find_file(context.parent.params["file"]))], None)
    if write:
        options.say(f"Wrote {write_entry(client, name, entry, Path())}.")
        return
    options.say(f"For {CLIENTS[client].file} of a project:")
    click.echo(render_entry(client, name, entry), nl=False)


@mcp.command(name="check")
@click.argument("client", type=click.Choice(["claude", "codex", "vscode", "cursor"]), required=False)
@click.option("--url", metavar="URL", help=f"Of a server over HTTP, asked with the token in {TOKEN}.")
@click.option(
    "--name", default="sandboxes", show_default=True, metavar="NAME", help="What the client calls the server."
)
@click.pass_context
def check(context: click.Context, client: str | None, url: str | None, name: str) -> None:
    """Play a short walkthrough as an agent would, and say what is wrong: with CLIENT's entry, or with a server.

    It makes a sandbox and deletes it again. With neither a client nor a URL it starts a server for the stack file.
    """
    if find_spec("mcp") is None:
        raise InputError(Diagnostic("asking a server needs the package `mcp`", hint="`pip install 'nexusctl[mcp]'`"))
    # As above.
    from nexusctl.mcp.clients import Server, complete_url, reach, read_server  # noqa: PLC0415 - deferred: start-up time
    from nexusctl.mcp.protocol.check import CheckedStep, check_server  # noqa: PLC0415 - deferred: start-up time

    assert context.parent
    if client and url:
        raise click.UsageError("name a client or a --url, not both")
    if client:
        server = read_server(client, name, Path(), os.environ)
    elif url:
        server = reach(complete_url(url), os.environ.get(TOKEN, ""))
    else:
        file = _find_file(context.parent.params["file"])
        server = Server(command=(sys.executable, "-m", "nexusctl", "mcp", "-f", str(file)))

    def report(step: CheckedStep) -> None:
        how = "wrong" if step.problem else "-" if step.skipped else "ok"
        click.echo(f"{how:<6}{step.name:<20}{step.seconds:>6.1f} s  {step.skipped or step.found}".rstrip())

    if problems := check_server(server, report):
        raise InputError(*problems)


def _program() -> str:
    """The command that a client can call, whatever its PATH."""
    return shutil.which("nexusctl") or str(Path(sys.argv[0]).absolute())
