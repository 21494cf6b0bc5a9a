"""What the outputs of a stack come to, by what is live. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nexusctl.model.endpoint import address, host_of
from nexusctl.model.output import Output, OutputText, OutputValue, Reach
from nexusctl.model.secret import REDACTED, SecretUse
from nexusctl.model.stack import Port
from nexusctl.plan.commands.status import SandboxStatus

Ports = Mapping[str, tuple[Port, ...]]
"""The published ports of the sandboxes that run, by name."""

Tell = Callable[[SecretUse], str]
"""The text of a secret, or what stands for it."""


class _Unknown(Exception):
    """A part that nothing live answers."""

    def __init__(self, asked: Reach) -> None:
        super().__init__(asked)
        self.asked = asked


def resolve_outputs(
    outputs: Iterable[Output], statuses: Iterable[SandboxStatus], tell: Tell | None = None
) -> tuple[OutputValue, ...]:
    """Each output with its value; sensitive ones show as `[redacted]` where `tell` is None."""
    ports = {status.name: status.ports for status in statuses if status.state == "running"}
    return tuple(_resolve(output, ports, tell) for output in outputs)


def find_secrets(value: Any) -> frozenset[str]:
    """The names of the secrets in the value of an output."""
    if isinstance(value, OutputText):
        return frozenset(part.secret for part in value.parts if isinstance(part, SecretUse))
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
    return frozenset().union(*map(find_secrets, parts))


def find_sandboxes(value: Any) -> frozenset[str]:
    """The names of the sandboxes that the value of an output asks for something."""
    if isinstance(value, OutputText):
        return frozenset(part.sandbox for part in value.parts if isinstance(part, Reach))
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
    return frozenset().union(*map(find_sandboxes, parts))


def _resolve(output: Output, ports: Ports, tell: Tell | None) -> OutputValue:
    if output.sensitive and tell is None:
        return OutputValue(output=output, value=REDACTED, known=True)
    try:
        return OutputValue(output=output, value=_value(output.value, ports, tell), known=True)
    except _Unknown as error:
        left_out = error.asked.sandbox if error.asked.left_out else ""
        return OutputValue(output=output, value=None, known=False, left_out=left_out)


def _value(value: Any, ports: Ports, tell: Tell | None) -> Any:
    if isinstance(value, Mapping):
        return {key: _value(part, ports, tell) for key, part in value.items()}
    if isinstance(value, tuple):
        return [_value(part, ports, tell) for part in value]
    if not isinstance(value, OutputText):
        return value
    parts = [_part(part, ports, tell) for part in value.parts]
    return parts[0] if len(parts) == 1 else "".join(map(str, parts))


def _part(part: str | Reach | SecretUse, ports: Ports, tell: Tell | None) -> str | int:
    if isinstance(part, str):
        return part
    if isinstance(part, SecretUse):
        return tell(part) if tell else REDACTED
    for port in ports.get(part.sandbox, ()):
        if port.container == part.container and port.protocol == part.protocol and port.host:
            return _reached(part, port.address, port.host)
    raise _Unknown(part)


def _reached(part: Reach, listens_on: str, port: int) -> str | int:
    host = host_of(listens_on)
    match part.attribute:
        case "host":
            return host
        case "port":
            return port
    return address(host, port, part.scheme)
