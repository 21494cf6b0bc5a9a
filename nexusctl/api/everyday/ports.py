"""Where the ports of live sandboxes are reached on this machine. Changes nothing."""

from __future__ import annotations

from nexusctl.api.everyday.states import find_named
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.endpoint import address, bracketed, host_of, scheme_of
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.stack import Port, Stack
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A port of a sandbox, such as `80/tcp`, and where it is reached: by `place` (`127.0.0.1:8080`) and by `url`."""

    sandbox: str
    port: str
    place: str
    url: str


def list_published(engine: Engine, stack: Stack, name: str, wanted: str = "") -> tuple[Published, ...]:
    """Those of the sandboxes that `name` means; with `wanted`, `80` or `53/udp`, that port alone.

    What the health check asks by HTTP comes first. Raises `InputError` where there is none, `EngineError`.
    """
    chosen = find_named(engine, stack, name)
    found = tuple(one for live in chosen for one in _list(live) if wanted in ("", one.port, one.port.partition("/")[0]))
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


def _list(live: LiveSandbox) -> list[Published]:
    health = live.record.health if live.record else None
    probed = health.http_port if health else None
    ports = sorted(live.ports, key=lambda port: (port.container != probed, port.container, port.protocol, port.address))
    return [_describe(live, port, probed) for port in ports if port.host]


def _describe(live: LiveSandbox, port: Port, probed: int | None) -> Published:
    host = host_of(port.address)
    known = live.record is None or live.record.health is not None
    scheme = scheme_of(port.container, port.protocol, probed, probed=known)
    return Published(
        sandbox=live.sandbox,
        port=f"{port.container}/{port.protocol}",
        place=f"{bracketed(host)}:{port.host}",
        url=address(host, port.host or 0, scheme),
    )
