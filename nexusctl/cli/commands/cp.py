from __future__ import annotations

import sys
from pathlib import Path

import click

from nexusctl.api import subject
from nexusctl.api.everyday.copies import copying
from nexusctl.api.everyday.states import find_named
from nexusctl.cli import options
from nexusctl.cli.terminal.signals import obey_hangup, obey_sigterm
from nexusctl.model.load_request import Inputs


@click.command()
@options.stack_inputs
@options.stack_name
@click.argument("source", metavar="[NAME:]SOURCE")
@click.argument("target", metavar="[NAME:]TARGET")
def cp(inputs: Inputs, stack_name: str | None, source: str, target: str) -> None:
    """Copy files and folders into a sandbox or out of one, whether it runs or not.

    NAME is a sandbox, a group or a glob: what goes in goes to each of them, what comes out lies in a folder for each.
    As with `docker cp`, something is copied into a folder that is there, SOURCE/. is what lies in a folder, links stay
    links, and `-` is a tar stream. What goes in belongs to the user of the sandbox.

    Each file is compared with what it came from where it arrived, large ones by a checksum. On a full disk, and where
    this is ended on the way, what was there stays as it was.
    """
    obey_sigterm()
    obey_hangup()
    name, path = _split(source)
    into, place = _split(target)
    if bool(name) == bool(into):
        raise click.UsageError("one of the two has to be in a sandbox, such as `nexusctl cp FILE NAME:PATH`")
    if target == "-" and sys.stdout.isatty():
        raise click.UsageError("a terminal is no place for a tar stream; write `nexusctl cp NAME:SOURCE - > FILE`")
    engine, found = subject.find_subject(inputs, stack_name)
    options.warn(found.problems)
    chosen = find_named(engine, found.stack, name or into)
    many = len(chosen) > 1
    if many and "-" in (source, target):
        raise click.UsageError("a tar stream is for one sandbox alone")
    for live in chosen:
        if into and source == "-":
            copying.copy_tar_in(engine, live, sys.stdin.buffer, place)
        elif into:
            copying.copy_in(engine, live, source, place)
        elif target == "-":
            copying.copy_tar_out(engine, live, path, sys.stdout.buffer)
        else:
            folder = Path(target) / live.sandbox if many else Path(target)
            if many:
                folder.mkdir(parents=True, exist_ok=True)
            for left in copying.copy_out(engine, live, path, folder):
                options.say(f"left out, for it is no file: {left}")


def _split(text: str) -> tuple[str, str]:
    """The sandbox and the path; what begins like a path of this machine has no sandbox."""
    name, colon, path = text.partition(":")
    if not colon or "/" in name or name.startswith("."):
        return "", text
    return name, path or "/"
