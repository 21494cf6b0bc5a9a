"""Options that several verbs share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import click

from nexusctl.cli.trust import trust as trusting
from nexusctl.errors import Diagnostic
from nexusctl.model.load_request import NOTHING, STDIN, Given, Inputs
from nexusctl.model.trust import Trust

DEFAULT_FILE = Path("nexus.yaml")
OTHER_FILE = Path("nexus.yml")
"""The name that counts where there is no file of the default name."""


def default_file() -> Path:
    """The stack file where none is named."""
    return OTHER_FILE if OTHER_FILE.exists() and not DEFAULT_FILE.exists() else DEFAULT_FILE


class Duration(click.ParamType[float]):
    """`90`, `500ms`, `10m`, `2h`: seconds as a number."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        # Most commands take no duration, and `--help` should be there at once.
        from nexusctl.model.values.duration import parse_seconds  # noqa: PLC0415 - deferred: start-up time

        try:
            return parse_seconds(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a duration; write 90, 500ms, 10m or 2h", param, ctx)


_files = click.option(
    "-f", "--file", "files", type=click.Path(path_type=Path), multiple=True, show_default="./nexus.yaml, ./nexus.yml",
    help="The stack file, `-` for stdin; repeated, each is laid over the ones before it.",
)  # fmt: skip
_profiles = click.option(
    "--profile", "profiles", multiple=True, metavar="NAME", show_default="NEXUS_PROFILES",
    help="Also the sandboxes with this profile; `*` for all, may be repeated.",
)  # fmt: skip
_instance = click.option(
    "--instance", metavar="NAME", envvar="NEXUS_INSTANCE", show_envvar=True,
    help="This one of several of the same file on one engine; `auto` is the git branch.",
)  # fmt: skip
_variables = click.option(
    "--var", "variables", multiple=True, metavar="NAME=VALUE", help="The value of a variable; wins over all others."
)
_variable_files = click.option(
    "--var-file", "variable_files", type=click.Path(path_type=Path, dir_okay=False), multiple=True,
    help="A YAML file with values of variables; may be repeated, a later one wins.",
)  # fmt: skip
INPUT_FLAGS = {"files": "--file", "profiles": "--profile", "instance": "--instance"}
"""The parameters that a saved plan has the final word on, with their flags."""


def stack_inputs(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options that say what is loaded; the command takes them as one value, `inputs`."""

    @_files
    @_instance
    @_profiles
    @_variables
    @_variable_files
    @trusting
    @wraps(command)
    def gathered(
        *arguments: Any,
        files: tuple[Path, ...],
        instance: str | None,
        profiles: tuple[str, ...],
        variables: tuple[str, ...],
        variable_files: tuple[Path, ...],
        trust: Trust,
        **others: Any,
    ) -> Any:
        values = _split_variables(variables)
        stack_files = _once(files) or (default_file(),)
        named, branch = _find_instance(instance, stack_files[0], others) if instance else ("", "")
        inputs = Inputs(
            files=stack_files,
            instance=named,
            branch=branch,
            given=Given(values=values, files=variable_files) if values or variable_files else NOTHING,
            profiles=profiles,
            ambient_profiles=() if profiles else _split_words(os.environ.get("NEXUS_PROFILES", "")),
            trust=trust,
        )
        return command(*arguments, inputs=inputs, **others)

    return gathered


def _find_instance(word: str, file: Path, others: Mapping[str, Any]) -> tuple[str, str]:
    # Most stacks are there once.
    from nexusctl.api.everyday.instances import find_instance  # noqa: PLC0415 - deferred: start-up time

    source = click.get_current_context().get_parameter_source("instance")
    if (others.get("stack_name") or others.get("stack")) and source is click.core.ParameterSource.ENVIRONMENT:
        # What is named is the whole of its name.
        return "", ""
    return find_instance(word, Path() if file == STDIN else file.absolute().parent)


def _once(files: tuple[Path, ...]) -> tuple[Path, ...]:
    if files.count(STDIN) > 1:
        raise click.BadParameter("stdin can be read only once", param_hint="--file")
    return files


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _split_variables(pairs: Sequence[str]) -> dict[str, str]:
    """As `split_pair`, but what was given, which may be a secret, is told by its place and not shown."""
    values = {}
    for number, pair in enumerate(pairs, 1):
        name, sign, value = pair.partition("=")
        if not sign or not name:
            which = f"number {number} of {len(pairs)} " if len(pairs) > 1 else ""
            what = "has no name before its `=`" if sign else "has no `=`"
            after = f", behind `--var {pairs[number - 2].partition('=')[0]}=...`" if number > 1 else ""
            message = f"{which}{what}{after}; write `--var NAME=VALUE`"
            raise click.BadParameter(message, param_hint="--var")
        values[name] = value
    return values


stack_name = click.option("--stack", "stack_name", metavar="NAME", help="The stack's name, instead of its file.")

JSON = "json"
"""Where the object of a command's context notes that JSON was asked for."""


def _note_json(context: click.Context, _: click.Parameter, asked: bool) -> bool:
    """Tell the boundary, which cannot know which words of a command line are options."""
    if context.obj is not None:
        context.obj[JSON] = asked
    return asked


as_json = click.option(
    "--json", "as_json", is_flag=True, callback=_note_json, help="Print JSON, with a format_version, to stdout."
)
yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
lock_timeout = click.option(
    "--lock-timeout", type=Duration(), default="60s", show_default=True, metavar="DURATION",
    help="How long to wait for another nexusctl that changes this stack.",
)  # fmt: skip

deep = click.option("--deep", is_flag=True, help="Also look inside every sandbox: limits, uploaded files, packages.")
_adopt = click.option(
    "--adopt", is_flag=True,
    help="Take over containers, networks and volumes that somebody else made under names that the stack uses.",
)  # fmt: skip
_adopt_container = click.option(
    "--adopt-container", "adopt_containers", multiple=True, metavar="SANDBOX=CONTAINER",
    help="Take over the container with this name or id as this sandbox, and what --adopt does; may be repeated.",
)  # fmt: skip


def adopt(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what of somebody else's is taken over; the command takes them as one value, `adopt`."""

    @_adopt
    @_adopt_container
    @wraps(command)
    def gathered(*arguments: Any, adopt: bool, adopt_containers: tuple[str, ...], **others: Any) -> Any:
        named = dict(split_pair(pair, "--adopt-container") for pair in adopt_containers)
        return command(*arguments, adopt=named if adopt or named else None, **others)

    return gathered


locked = click.option(
    "--locked/--no-locked", default=None,
    help="Use exactly the images and versions in the lock file; the default where CI is set and there is one.",
)  # fmt: skip
targets = click.option(
    "--target", "targets", multiple=True, metavar="NAME",
    help="Only this sandbox or group and what it depends on; a glob, may be repeated.",
)  # fmt: skip
excludes = click.option(
    "--exclude", "excludes", multiple=True, metavar="NAME",
    help="Not this sandbox or group, nor what comes after it; a glob, may be repeated.",
)  # fmt: skip
start_stopped = click.option(
    "--start-stopped", is_flag=True, help="Also start what somebody has stopped or paused on purpose."
)
replaces = click.option(
    "--replace", "replaces", multiple=True, metavar="NAME",
    help="Make this sandbox or group anew, whatever it is; a glob, may be repeated.",
)  # fmt: skip


def with_lock(inputs: Inputs, locked: bool | None) -> Inputs:
    """`inputs` with the lock file where it is to be used: as was said, else where CI is set and there is one."""
    if locked is None and not os.environ.get("CI"):
        return inputs
    path = inputs.lock_path
    return replace(inputs, lock=path) if locked or (locked is None and path.exists()) else inputs


def split_pair(pair: str, option: str) -> tuple[str, str]:
    """The two sides of a KEY=VALUE that `option` was given; the value may be empty, the key may not."""
    key, sign, value = pair.partition("=")
    if not sign or not key:
        raise click.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint=option)
    return key, value


def wants_color(stream: TextIO) -> bool:
    """Colours only on a terminal that can show them, and never with NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write_json(document: Any) -> None:
    # The json module is loaded by then wherever an engine was asked; a line a document keeps a stream readable.
    import json  # noqa: PLC0415 - deferred: start-up time

    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def warn(problems: Sequence[Diagnostic]) -> None:
    """Say on stderr what does not keep a command from its work."""
    if problems:
        # Most commands have nothing to warn of.
        from nexusctl.render.diagnostic import render_diagnostics  # noqa: PLC0415 - deferred: start-up time

        sys.stderr.write(render_diagnostics(problems, color=wants_color(sys.stderr)))
        sys.stderr.flush()


def say(text: str) -> None:
    """A line for the person who waits, on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
