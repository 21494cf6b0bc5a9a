"""Which names a parameter of a command may have, of the files at hand and of what is live."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from nexusctl.api.completion.known_names import KnownNames, list_execution_ids, list_live, read_declared
from nexusctl.api.config import BESIDE, template_names
from nexusctl.api.everyday.instances import AUTO, find_instance
from nexusctl.api.inspection import STATES
from nexusctl.cli import options
from nexusctl.errors import NexusError
from nexusctl.model.instance import join_name, split_name

Names = Iterable[str]
Complete = Callable[[click.Context, str], Names]


def complete_parameter(parameter: click.Parameter, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """In the place of click's own: what `parameter` may be that begins with `incomplete`."""
    complete = find_complete(ctx.command, parameter)
    if complete is None:
        return parameter.type.shell_complete(ctx, parameter, incomplete)
    given = ctx.params.get(parameter.name or "")
    taken = set(given) if isinstance(given, tuple | list) else set()
    names = dict.fromkeys(name for name in complete(ctx, incomplete) if name.startswith(incomplete))
    items = [CompletionItem(name) for name in names if name not in taken]
    if complete is _copied and ":" not in incomplete:
        items.append(CompletionItem(incomplete, type="file"))
    return items


def find_complete(command: click.Command, parameter: click.Parameter) -> Complete | None:
    """What knows the names for `parameter`; None where it is no name of something."""
    if isinstance(parameter, click.Option):
        return _OPTIONS.get(parameter.opts[-1])
    of_command = _OF_COMMANDS.get((command.name or "", parameter.name or ""))
    return of_command or _ARGUMENTS.get(parameter.metavar or "")


def _sandboxes(ctx: click.Context, _: str) -> Iterator[str]:
    """Declared ones first, then the live ones."""
    yield from _declared(ctx).sandboxes
    yield from list_live().get(_stack(ctx), ())


def _live(ctx: click.Context, _: str) -> Names:
    return list_live().get(_stack(ctx), ())


def _numbers(ctx: click.Context, _: str) -> Iterator[str]:
    yield from (f"{name}=" for name in _declared(ctx).sandboxes)


def _copied(ctx: click.Context, incomplete: str) -> Iterator[str]:
    if ":" not in incomplete:
        yield from (f"{name}:" for name in _live(ctx, ""))


def _listed_executions(ctx: click.Context, incomplete: str) -> Iterator[str]:
    words = ctx.params.get("words") or ()
    if words[:1] == ("rm",):
        yield from _executions(ctx, incomplete)
    else:
        yield from _sandboxes(ctx, incomplete)
        yield from () if words else ("rm",)


def _executions(ctx: click.Context, _: str) -> Names:
    return list_execution_ids(_stack(ctx))


def _stacks(_: click.Context, __: str) -> Iterator[str]:
    yield from sorted(list_live())


def _stack_bases(_: click.Context, __: str) -> Iterator[str]:
    yield from sorted({split_name(name)[0] for name in list_live()})


def _instances(ctx: click.Context, _: str) -> Iterator[str]:
    yield AUTO
    stack = ctx.params.get("stack_name") or _declared(ctx).stack
    yield from sorted(split_name(name)[1] for name in list_live() if split_name(name)[0] == stack and "." in name)


def _outputs(ctx: click.Context, _: str) -> Names:
    return _declared(ctx).outputs


def _profiles(ctx: click.Context, _: str) -> Names:
    return _declared(ctx).profiles


def _variables(ctx: click.Context, _: str) -> Names:
    return [f"{name}=" for name in _declared(ctx).variables]


def _templates(_: click.Context, __: str) -> Names:
    return sorted({*template_names(), *(path.stem for path in Path(BESIDE).glob("*.yaml"))})


def _states(_: click.Context, __: str) -> Names:
    return STATES


def _signals(_: click.Context, __: str) -> Names:
    return sorted(one.name.removeprefix("SIG") for one in signal.Signals)


def _signals_inside(_: click.Context, __: str) -> Names:
    # Few words are of that.
    from nexusctl.api.everyday.executions import SIGNALS  # noqa: PLC0415 - deferred: start-up time

    return sorted(SIGNALS)


def _verbs(ctx: click.Context, _: str) -> Names:
    root = ctx.find_root()
    return root.command.list_commands(root) if isinstance(root.command, click.Group) else ()


def _declared(ctx: click.Context) -> KnownNames:
    files = ctx.params.get("files") or (options.default_file(),)
    return read_declared(Path(path) for path in files)


def _stack(ctx: click.Context) -> str:
    """What the engine calls the stack that the command would be about."""
    name = ctx.params.get("stack_name") or _declared(ctx).stack
    word = ctx.params.get("instance") or os.environ.get("NEXUS_INSTANCE", "")
    try:
        return join_name(name, find_instance(word, Path())[0] if word else "")
    except NexusError:
        return str(name)


_ARGUMENTS: Mapping[str, Complete] = {
    "NAME": _sandboxes,
    "[NAME]...": _sandboxes,
    "NAME[.FIELD]": _sandboxes,
    "NAME[:PATH]": _sandboxes,
    "NAME=NUMBER...": _numbers,
    "[NAME:]SOURCE": _copied,
    "[NAME:]TARGET": _copied,
    "[NAME]... | rm ID...": _listed_executions,
    "[STACK]...": _stacks,
    "ID": _executions,
    "SIGNAL": _signals_inside,
}
"""By what stands for an argument in a command's help."""

_OF_COMMANDS: Mapping[tuple[str, str], Complete] = {
    ("help", "words"): _verbs,
    ("instances", "stack"): _stack_bases,
    ("output", "name"): _outputs,
    ("show", "name"): _templates,
    ("stack", "name"): _stacks,
    ("unlock", "stack"): _stacks,
}

_OPTIONS: Mapping[str, Complete] = {
    "--stack": _stacks,
    "--instance": _instances,
    "--target": _sandboxes,
    "--exclude": _sandboxes,
    "--replace": _sandboxes,
    "--in": _sandboxes,
    "--adopt-container": _numbers,
    "--execution": _executions,
    "--profile": _profiles,
    "--var": _variables,
    "--template": _templates,
    "--extends": _templates,
    "--state": _states,
    "--signal": _signals,
}
