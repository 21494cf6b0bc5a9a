"""LiveState -> how each sandbox is, for a person or a program to read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from typing import get_args

from nexusctl.model.endpoint import address, host_of, scheme_of
from nexusctl.model.engine_names import container_name, natural_key
from nexusctl.model.lifetime import find_end
from nexusctl.model.observed.hold import Hold
from nexusctl.model.observed.live import HealthState, LiveSandbox, LiveState, State
from nexusctl.model.observed.usage import Usage
from nexusctl.model.stack import OnExpire, Port, Sandbox, Stack
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.compare.claims import Claim, settle_claims
from nexusctl.plan.compare.moved import follow_moves

STATES = (*get_args(State), "absent", "partial", "expired", *get_args(HealthState))
"""What `select` knows of: the words for states, and those for health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStatus:
    """`state` is the engine's word, or `absent`, or `partial` for one whose creation did not come to an end.

    `restarts` counts how often the engine has started it again by itself. `uptime` and `timeout` are in seconds.
    `endpoint` is where its first published port is reached. `written` are the bytes that it has written outside of
    volumes, None where nobody wants a limit on them; `storage` is that limit. `held` says who
    has stopped it on purpose. Its lifetime is over at `ends`, in seconds since 1970, and `left` are the seconds until
    then, none or fewer where it has expired; both are None where it has no end or is not there. It ends as well when
    nothing happens in it for `idle_timeout` seconds, and nothing has for `idle`, None where nobody knows.
    """

    name: str
    group: str = ""
    kind: str = "service"
    state: str = "absent"
    health: str = "none"
    exit_code: int | None = None
    restarts: int = 0
    uptime: float | None = None
    template: str = ""
    image: str = ""
    ports: tuple[Port, ...] = ()
    endpoint: str = ""
    timeout: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    container: str = ""
    container_id: str = ""
    written: int | None = None
    storage: int | None = None
    held: Hold | None = None
    ends: int | None = None
    left: int | None = None
    on_expire: OnExpire = "stop"
    idle_timeout: int | None = None
    idle: float | None = None

    @property
    def expired(self) -> bool:
        over = self.left is not None and self.left <= 0
        return over or bool(self.held and self.held.by_lifetime)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStats:
    """How a sandbox is, and what it uses.

    `usage` is None where it does not run, `cpu_percent` also where that cannot be told yet: it is in percent of one
    processor, over the time since the sample before.
    """

    status: SandboxStatus
    cpu_percent: float | None = None
    usage: Usage | None = None


def summarize(stack: Stack, live: LiveState, now: float) -> tuple[SandboxStatus, ...]:
    """A status for every declared and every live sandbox, by its name in `stack`. `now` is in seconds since 1970."""
    live = follow_moves(stack, live)
    names = {found.sandbox for found in live.sandboxes} | set(stack.sandboxes)
    claims = settle_claims(live.sandboxes, {name: container_name(live.stack, name) for name in names})
    return tuple(_summarize(name, claims, stack, live, now) for name in sorted(names, key=natural_key))


def select(
    statuses: Iterable[SandboxStatus], *, states: Iterable[str] = (), metadata: Mapping[str, str] | None = None
) -> tuple[SandboxStatus, ...]:
    """Those in one of `states` (a state or a health, all where none is given) that bear all of `metadata`."""
    wanted = set(states)
    pairs = (metadata or {}).items()
    return tuple(
        status
        for status in statuses
        if (not wanted or wanted & {status.state, status.health, "expired" if status.expired else ""})
        and pairs <= status.metadata.items()
    )


def _summarize(name: str, claims: Mapping[str, Claim], stack: Stack, live: LiveState, now: float) -> SandboxStatus:
    claim = claims.get(name, Claim())
    lives = [*([claim.holder] if claim.holder else []), *(leftover.live for leftover in claim.leftovers)]
    desired = stack.sandboxes.get(name)
    if not lives:
        assert desired is not None
        return _describe(name, desired, live.expired.get(name) or live.pruned.get(name))
    return _describe_live(lives[0], lives[0].record or desired, now)


def _describe(name: str, spec: Sandbox, held: Hold | None) -> SandboxStatus:
    return SandboxStatus(
        name=name,
        group=spec.group,
        kind=spec.kind,
        template=spec.template or "",
        image=spec.image,
        timeout=spec.timeout,
        metadata=spec.metadata,
        on_expire=spec.on_expire,
        idle_timeout=spec.idle_timeout,
        held=held,
    )


def _describe_live(live: LiveSandbox, spec: Sandbox | None, now: float) -> SandboxStatus:
    ports = tuple(sorted(live.ports, key=lambda port: (port.container, port.address)))
    ends = find_end(spec, live.created_at, live.extended) if spec else None
    storage = spec.resources.storage if spec and spec.resources.asks_for("storage") else None
    return SandboxStatus(
        name=live.sandbox,
        group=spec.group if spec else "",
        kind=spec.kind if spec else "service",
        state="partial" if live.partial else live.state,
        health=live.health,
        exit_code=live.exit_code,
        restarts=live.restarts,
        uptime=_uptime(live, now),
        template=(spec.template or "") if spec else "",
        image=spec.image if spec else live.image,
        ports=ports,
        endpoint=_endpoint(ports, spec),
        timeout=spec.timeout if spec else None,
        metadata=spec.metadata if spec else {},
        container=live.name,
        container_id=live.id,
        written=live.inspection.writable_bytes if storage and live.inspection else None,
        storage=storage,
        held=live.held,
        ends=ends,
        left=None if ends is None else ends - int(now),
        on_expire=spec.on_expire if spec else "stop",
        idle_timeout=spec.idle_timeout if spec else None,
    )


def _uptime(live: LiveSandbox, now: float) -> float | None:
    started_at = live.inspection.started_at if live.inspection else live.started_at
    if live.state not in ("running", "paused") or not started_at:
        return None
    return max(0.0, now - datetime.fromisoformat(started_at).timestamp())


def _endpoint(ports: tuple[Port, ...], spec: Sandbox | None) -> str:
    return next(_endpoints(ports, spec), "")


def _endpoints(ports: tuple[Port, ...], spec: Sandbox | None) -> Iterator[str]:
    health = spec.health if spec else None
    http_port = health.http_port if health else None
    for port in sorted(ports, key=lambda port: port.container != http_port):
        if port.host:
            scheme = scheme_of(port.container, port.protocol, http_port, probed=spec is None or health is not None)
            yield address(host_of(port.address), port.host, scheme)
