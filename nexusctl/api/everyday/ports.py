"""Where the ports of live sandboxes are reached on this machine. Changes nothing."""

from __future__ import annotations

from nexusctl.api.everyday.states import find_named
from nexusctl.api.outputs import describe_ports
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.observed.published import Published
from nexusctl.model.stack import Stack


def list_published(engine: Engine, stack: Stack, name: str, wanted: str = "") -> tuple[Published, ...]:
    """Those of the sandboxes that `name` means; with `wanted`, `80` or `53/udp`, that port alone.

    What the health check asks by HTTP comes first. Raises `InputError` where there is none, `EngineError`.
    """
    chosen = find_named(engine, stack, name)
    found = tuple(
        one for live in chosen for one in describe_ports(live) if wanted in ("", one.port, one.port.partition("/")[0])
    )
    if found:
        return found
    names = ", ".join(live.sandbox for live in chosen)
    states = {live.state for live in chosen}
    if states and "running" not in states:
        hint = f"`nexusctl start {name}` starts it"
        said = "does not run, and publishes" if len(chosen) == 1 else "do not run, and publish"
        raise InputError(Diagnostic(f"{names} {said} nothing", hint=hint))
    what = f"port {wanted}" if wanted else "a port"
    verb = "does" if len(chosen) == 1 else "do"
    raise InputError(Diagnostic(f"{names} {verb} not publish {what}", hint="name it under `ports` in the stack file"))
