from __future__ import annotations

import sys
from pathlib import Path

import click

from nexusctl.cli import options
from nexusctl.cli.terminal.group import SuggestingGroup
from nexusctl.model.secret import NAME, SAFE
from nexusctl.render.text_style import count


class _SecretName(click.ParamType[str]):
    """The name of a secret, as a stack file writes it."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not NAME.match(value):
            self.fail(f"{value!r} cannot be the name of a secret; use letters, digits, `_` and `-`", param, ctx)
        return value


_safe = click.option(
    "--file", "path", type=click.Path(path_type=Path, dir_okay=False), default=Path(SAFE),
    show_default=f"./{SAFE}", help="The file of encrypted secrets.",
)  # fmt: skip


@click.group(cls=SuggestingGroup)
def secrets() -> None:
    """Keep secrets in the repository, encrypted with age for those who may read them."""


@secrets.command()
@click.argument("name", type=_SecretName())
@_safe
@click.option("--recipient", "recipients", multiple=True, metavar="KEY", help="For whom a new file is; else for you.")
def encrypt(name: str, path: Path, recipients: tuple[str, ...]) -> None:
    """Encrypt a value from standard input as NAME. It takes no identity: who adds one need not read the others."""
    # The group's help needs none of it.
    from nexusctl.api import keeping  # noqa: PLC0415 - deferred: start-up time

    keeping.encrypt_secret(path, name, _read_value(name), recipients)
    options.say(f"{path}: {name} is encrypted; `${{ENCRYPTED:{name}}}` or `{{age: ./{path.name}}}` uses it.")


@secrets.command()
@click.argument("name", type=_SecretName())
@_safe
def edit(name: str, path: Path) -> None:
    """Open the value of NAME, old or new, in $EDITOR. Nothing of it gets on a disk."""
    # See `encrypt`.
    from nexusctl.api import keeping  # noqa: PLC0415 - deferred: start-up time

    changed = keeping.edit_secret(path, name)
    options.say(f"{path}: {name} is encrypted anew." if changed else f"{path}: {name} is as it was.")


@secrets.command(name="list")
@_safe
@options.as_json
def list_(path: Path, as_json: bool) -> None:
    """Show which secrets there are and who can read them; no value, and no identity is needed."""
    # See `encrypt`.
    from nexusctl.api import keeping  # noqa: PLC0415 - deferred: start-up time

    safe = keeping.list_secrets(path)
    if as_json:
        names, keys = sorted(safe.values), sorted(safe.recipients)
        options.write_json({"format_version": "1.0", "secrets": names, "recipients": keys})
        return
    for name in sorted(safe.values):
        click.echo(name)
    options.say(f"{count(len(safe.values), 'secret')} for {', '.join(sorted(safe.recipients))}")


@secrets.command()
@_safe
@click.option("--add", multiple=True, metavar="KEY", help="Somebody who can read them from now on.")
@click.option("--remove", multiple=True, metavar="KEY", help="Somebody who cannot any more.")
def rekey(path: Path, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Encrypt everything anew, after adding or removing recipients.

    Who was removed still has what git remembers: change the values too.
    """
    # See `encrypt`.
    from nexusctl.api import keeping  # noqa: PLC0415 - deferred: start-up time

    safe = keeping.rekey(path, add, remove)
    options.say(f"{path}: {count(len(safe.values), 'secret')} for {', '.join(sorted(safe.recipients))}")


@secrets.command()
@click.option("--to", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Another file.")
def keygen(path: Path | None) -> None:
    """Make an identity of your own, and print its public key for others to add you."""
    # See `encrypt`.
    from nexusctl.api import keeping  # noqa: PLC0415 - deferred: start-up time

    file, key = keeping.keygen(path)
    options.say(f"your identity is in {file}; keep it to yourself. Your public key:")
    click.echo(key)


def _read_value(name: str) -> bytes:
    if sys.stdin.isatty():
        value: str = click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True, err=True)
        return value.encode()
    return sys.stdin.buffer.read()
