"""`outputs`: what stands there, and what it asks of sandboxes once they run."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from typing import Any

from nexusctl.config.build.dependencies import Declarations
from nexusctl.config.build.environment import secret_name
from nexusctl.config.build.sandbox import LoadContext
from nexusctl.config.document.derived import MixedText, point_into
from nexusctl.config.document.expression import Expression
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.interpolate.interpolate import Unresolved
from nexusctl.config.interpolate.sandboxes import no_sandbox, take_apart
from nexusctl.model.endpoint import scheme_of
from nexusctl.model.output import Attribute, Output, OutputText, Reach
from nexusctl.model.secret import SecretRef, SecretUse
from nexusctl.model.stack import Port, Sandbox
from nexusctl.model.values.did_you_mean import suggest


class OutputReference:
    """What an output asks of a sandbox; answered when all sandboxes are built."""

    __slots__ = ("attribute", "name", "place", "port")

    def __init__(self, name: str, attribute: Attribute, port: int | None, place: Scalar) -> None:
        self.name = name
        self.attribute = attribute
        self.port = port
        self.place = place


def ask(expression: Expression, place: Scalar) -> OutputReference:
    """The namespace `sandbox` inside of `outputs`."""
    return OutputReference(*take_apart(expression), point_into(place, expression.at))


def build_outputs(
    section: MappingType[str, Node], sandboxes: MappingType[str, Sandbox], known: Declarations, around: LoadContext
) -> dict[str, Output]:
    """The outputs by name; what they ask in vain, and secrets that would show, are reported."""
    outputs: dict[str, Output] = {}
    for name, node in section.items():
        spec = node if isinstance(node, Mapping) else Mapping(node.source, node.line, node.column)
        sensitive = (spec.text("sensitive") or "").lower() == "true"
        value = _Builder(sandboxes, known, around, sensitive=sensitive).value(spec.get("value") or node)
        description = spec.text("description") or ""
        outputs[name] = Output(name=name, value=value, description=description, sensitive=sensitive)
    return outputs


class _Builder:
    """Builds the value of one output."""

    def __init__(
        self, sandboxes: MappingType[str, Sandbox], known: Declarations, around: LoadContext, *, sensitive: bool
    ) -> None:
        self.sandboxes = sandboxes
        self.known = known
        self.problems = around.problems
        self.secrets = around.secrets
        self.sensitive = sensitive

    def value(self, node: Node) -> Any:
        if isinstance(node, Mapping):
            return {key: self.value(part) for key, part in node.values.items()}
        if isinstance(node, Sequence):
            return tuple(self.value(item) for item in node.items)
        if not isinstance(node, MixedText):
            return node.value
        return OutputText(parts=tuple(self.part(part, node) for part in node.parts))

    def part(self, part: Any, place: Scalar) -> str | Reach | SecretUse:
        if isinstance(part, SecretRef):
            return self.secret(part, place)
        if not isinstance(part, OutputReference):
            return str(part)
        try:
            return self.reach(part)
        except Unresolved as error:
            self.problems.add(part.place, error.summary, error.hint, *error.notes)
            return ""

    def secret(self, ref: SecretRef, place: Scalar) -> SecretUse:
        if not self.sensitive:
            hint = "write `{value: ..., sensitive: true}`; it then shows only to those who ask for it by name"
            self.problems.add(place, "this output holds a secret", hint)
        name = secret_name(ref)
        self.secrets[name] = ref
        return SecretUse(secret=name)

    def reach(self, asked: OutputReference) -> Reach:
        sandbox = self.sandboxes.get(asked.name) or self.first(asked.name)
        if sandbox is None:
            if asked.name not in self.known.declared:
                raise no_sandbox(asked.name, self.known.declared)
            # Nothing answers, unless it runs from another time.
            return Reach(sandbox=asked.name, attribute=asked.attribute, container=asked.port or 0, left_out=True)
        port = _published(sandbox, asked.port)
        scheme = scheme_of(port.container, port.protocol, _http_port(sandbox), probed=sandbox.health is not None)
        return Reach(
            sandbox=sandbox.name,
            attribute=asked.attribute,
            container=port.container,
            protocol=port.protocol,
            scheme=scheme,
        )

    def first(self, group: str) -> Sandbox | None:
        """What the name of a group means here, where one is to answer."""
        return next((member for member in self.sandboxes.values() if member.group == group), None)


def _published(sandbox: Sandbox, number: int | None) -> Port:
    """The published port that is asked for; without a number that of the http probe, else the first."""
    if not sandbox.ports:
        hint = f"name the port under `ports` of `{sandbox.name}`"
        raise Unresolved(f"`{sandbox.name}` publishes no port, so nothing outside reaches it", hint)
    wanted = number or _http_port(sandbox)
    found = next((port for port in sandbox.ports if port.container == wanted), None)
    if found is None and number:
        known = [str(port.container) for port in sandbox.ports]
        raise Unresolved(
            f"`{sandbox.name}` does not publish port {number}", suggest(str(number), known, "it publishes")
        )
    return found or sandbox.ports[0]


def _http_port(sandbox: Sandbox) -> int | None:
    return sandbox.health.http_port if sandbox.health else None
