"""The outputs of a stack, and where the published ports of its sandboxes are reached, as they are now."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, EngineError, InputError
from nexusctl.model.endpoint import address, bracketed, host_of, scheme_of
from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.observed.published import Published
from nexusctl.model.output import OutputValue
from nexusctl.model.plan.plan import Plan
from nexusctl.model.plan.step import RestoreContainer, UpdateContainer
from nexusctl.model.secret import SecretUse
from nexusctl.model.stack import Port, Stack
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.plan.commands.outputs import Tell, find_secrets, resolve_outputs
from nexusctl.plan.commands.status import summarize


def read_outputs(engine: Engine, stack: Stack) -> tuple[OutputValue, ...]:
    """All outputs by name; sensitive ones are `[redacted]`. Raises `EngineError`."""
    if not stack.outputs:
        return ()
    statuses = summarize(stack, engine.observe(stack), 0.0)
    return resolve_outputs((stack.outputs[name] for name in sorted(stack.outputs)), statuses)


def reveal_outputs(engine: Engine, stack: Stack) -> tuple[OutputValue, ...]:
    """All outputs by name, sensitive ones as they are. Raises `EngineError`, `InputError` as `read_output` does."""
    if not stack.outputs:
        return ()
    statuses = summarize(stack, engine.observe(stack), 0.0)
    names = frozenset().union(*(find_secrets(output.value) for output in stack.outputs.values()))
    return resolve_outputs((stack.outputs[name] for name in sorted(stack.outputs)), statuses, _teller(stack, names))


def read_output(engine: Engine, stack: Stack, name: str) -> OutputValue:
    """The output called `name`, a sensitive one as it is.

    Raises `InputError` where there is none, where it is not known yet, and where its secrets cannot be read.
    """
    output = stack.outputs.get(name)
    if output is None:
        hint = suggest(name, stack.outputs, "outputs of this stack")
        raise InputError(Diagnostic(f"stack {stack.name} has no output {name}", hint=hint))
    statuses = summarize(stack, engine.observe(stack), 0.0)
    (found,) = resolve_outputs([output], statuses, _teller(stack, find_secrets(output.value)))
    if not found.known:
        hint = "`nexusctl apply` starts what it refers to"
        if found.left_out:
            hint = f"{found.left_out} has no instances, or a profile that was not asked for: raise its `replicas`, "
            hint += "give its `for_each` a key, or name its profile with --profile"
        raise InputError(Diagnostic(f"the output {name} is not known before its sandbox runs", hint=hint))
    return found


def _teller(stack: Stack, names: frozenset[str]) -> Tell:
    if not names:
        return _nothing
    # Few outputs hold secrets.
    from nexusctl.secrets.reading import read_secrets  # noqa: PLC0415 - deferred: start-up time

    readings = read_secrets(stack.name, {name: stack.secrets[name] for name in sorted(names)})

    def tell(use: SecretUse) -> str:
        return readings.reveal(SecretUse(secret=use.secret, digest=readings.digests[use.secret])).reveal().decode()

    return tell


def _nothing(use: SecretUse) -> str:
    raise AssertionError(f"the output holds no secret {use.secret}")


def find_moved(engine: Engine, chosen: Plan, live: LiveState) -> tuple[Published, ...]:
    """Ports without a number in the file that have another one since `chosen` started containers of `live` again.

    Engines choose anew at each start. What cannot be asked says nothing.
    """
    started = {
        step.container_id
        for step in chosen.steps
        if (isinstance(step, RestoreContainer) and step.how != "unpause")
        or (isinstance(step, UpdateContainer) and step.restarts)
    }
    found: list[Published] = []
    for holder in (holder for holder in live.sandboxes if holder.id in started):
        free = {(p.container, p.protocol) for p in holder.record.ports if p.host is None} if holder.record else set()
        with suppress(EngineError):
            now = engine.condition(holder.id).ports if free else ()
            moved = (p for p in now if (p.container, p.protocol) in free and p not in holder.ports)
            found += describe_ports(replace(holder, ports=tuple(moved)))
    return tuple(found)


def describe_ports(live: LiveSandbox) -> list[Published]:
    """What its health check asks by HTTP comes first."""
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
