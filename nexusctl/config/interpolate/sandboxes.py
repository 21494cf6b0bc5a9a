"""What `${sandbox.NAME...}` means inside of another sandbox of the stack, and the dependency that it makes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingType
from typing import NamedTuple, get_args

from nexusctl.config.document.expression import Expression
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import note
from nexusctl.config.interpolate.for_each import Instance
from nexusctl.config.interpolate.interpolate import Namespace, Reported, Unresolved, wrong_form
from nexusctl.model.endpoint import address, scheme_of
from nexusctl.model.output import Attribute
from nexusctl.model.values.did_you_mean import nearest, suggest

_PORT = re.compile(r"(?:.*:)?(?P<port>[0-9]{1,5})(?:/(?P<protocol>tcp|udp))?\Z")
_HTTP = re.compile(r":(?P<port>[0-9]{1,5})(?:/.*)?\Z")


class Reference(NamedTuple):
    """A `${sandbox...}` to the sandbox or group `target`, at the index `at` of the text of `scalar`."""

    target: str
    scalar: Scalar
    at: int


class Listening(NamedTuple):
    """The ports that a sandbox declares with their protocols, and what its probe says about them."""

    ports: MappingType[int, str]
    http_port: int | None
    probed: bool

    @property
    def endpoint(self) -> int | None:
        """The port that the sandbox is reached at: that of its http probe, else the first."""
        return self.http_port or next(iter(self.ports), None)


def read_listening(settings: Mapping) -> Listening:
    """What a sandbox with `settings`, those of its template included, says about its ports; wrong parts say nothing."""
    health = settings.get("health")
    probed = isinstance(health, Mapping)
    http_port = _http_port(health.get("http")) if isinstance(health, Mapping) else None
    tcp = health.get("tcp") if isinstance(health, Mapping) else None
    items = settings.get("ports")
    declared = [_port(item) for item in items.items] if isinstance(items, Sequence) else []
    probes = [(port, "tcp") for port in (http_port, _number(tcp)) if port]
    ports: dict[int, str] = {}
    for port, protocol in [*(found for found in declared if found), *probes]:
        ports.setdefault(port, protocol)
    return Listening(ports, http_port, probed)


def _http_port(node: Node | None) -> int | None:
    if isinstance(node, Mapping):
        return _number(node.get("port"))
    match = _HTTP.match(node.text) if isinstance(node, Scalar) else None
    return int(match["port"]) if match else _number(node)


def _port(node: Node) -> tuple[int, str] | None:
    if isinstance(node, Mapping):
        number = _number(node.get("container"))
        return (number, node.text("protocol") or "tcp") if number else None
    match = _PORT.match(node.text) if isinstance(node, Scalar) else None
    return (int(match["port"]), match["protocol"] or "tcp") if match else None


def _number(node: Node | None) -> int | None:
    return node.value if isinstance(node, Scalar) and type(node.value) is int else None


class Siblings:
    """Lives as long as one load, and notes who refers to whom: `references` has them by the name of the entry.

    `places` are the names of all groups and sandboxes with their places. `keys` are the names in the file with theirs;
    `listen` says where an entry listens, None where that is wrong.
    """

    def __init__(
        self,
        entries: Iterable[Instance],
        keys: MappingType[str, Scalar],
        listen: Callable[[Instance], Listening | None],
    ) -> None:
        self.references: dict[str, list[Reference]] = {}
        self._listen = listen
        self._known: dict[str, Listening | None] = {}
        self._open: list[str] = []
        self._targets: dict[str, list[Instance]] = {name: [] for name in keys}
        for entry in entries:
            self._targets[entry.key.text].append(entry)
        self.places = dict(keys)
        for entry in entries:
            for name in entry.instances:
                self._targets.setdefault(name, [entry])
                self.places.setdefault(name, entry.key)

    def scope(self, entry: Instance) -> dict[str, Namespace]:
        """The namespace `sandbox` inside of `entry`."""

        def resolve(expression: Expression, place: Scalar) -> str | int:
            name, attribute, port = take_apart(expression)
            if name not in self._targets:
                raise no_sandbox(name, self.places)
            value = self._value(name, attribute, port)
            found = Reference(name, place, expression.at)
            self.references.setdefault(entry.name, []).append(found)
            return value

        return {"sandbox": resolve}

    def _value(self, name: str, attribute: str, port: int | None) -> str | int:
        if attribute == "host":
            return name
        listening = self._listening(name)
        if port is not None:
            if port not in listening.ports:
                raise no_port(name, port, listening.ports)
            return port
        number = listening.endpoint
        if number is None:
            raise no_endpoint(name)
        scheme = scheme_of(number, listening.ports[number], listening.http_port, probed=listening.probed)
        return address(name, number, scheme)

    def _listening(self, name: str) -> Listening:
        if name in self._open:
            shown = " -> ".join([*self._open[self._open.index(name) :], name])
            hint = "write one of them as a number"
            raise Unresolved(f"the ports of these sandboxes depend on each other: {shown}", hint)
        if name not in self._known:
            self._open.append(name)
            found = [self._listen(entry) for entry in self._targets[name]]
            self._open.pop()
            if not found:
                raise Unresolved(f"`{name}` makes no sandbox", "give its `for_each` a key")
            if any(other != found[0] for other in found):
                members = [entry.name for entry in self._targets[name]]
                raise Unresolved(f"the sandboxes of `{name}` have different ports", suggest("", members, "name one of"))
            self._known[name] = found[0]
        listening = self._known[name]
        if listening is None:
            raise Reported
        return listening


def take_apart(expression: Expression) -> tuple[str, Attribute, int | None]:
    """The name, the attribute and for `port` its number. Raises `Unresolved`."""
    words = expression.words
    form = "${sandbox.NAME.host}`, `${sandbox.NAME.endpoint}` or `${sandbox.NAME.port.3000}"
    if len(words) < 2 or expression.argument is not None:
        raise wrong_form(expression, form)
    name, attribute, *rest = words
    known = get_args(Attribute)
    if attribute not in known and rest and rest[0] in known:
        shown = ".".join((f"{name}-{attribute}", *rest))
        raise Unresolved(
            f"a sandbox has no `{attribute}` to refer to", f"write `${{sandbox.{shown}}}` for one of a group"
        )
    if attribute not in known:
        raise Unresolved(f"a sandbox has no `{attribute}` to refer to", suggest(attribute, known, "it has"))
    is_port = attribute == "port"
    if len(rest) != is_port or (is_port and not rest[0].isdecimal()):
        raise wrong_form(expression, f"${{sandbox.{name}.{attribute}{'.3000' * is_port}}}")
    return name, attribute, int(rest[0]) if is_port else None  # type: ignore[return-value]


def no_sandbox(name: str, places: MappingType[str, Scalar]) -> Unresolved:
    """The error for a name that no sandbox has; `places` are those that there are, and where they are declared."""
    near = nearest(name, places)
    notes = (note(f"`{near}` is declared here", places[near]),) if near else ()
    return Unresolved(f"there is no sandbox `{name}`", suggest(name, places, "sandboxes"), *notes)


def no_port(name: str, port: int, ports: Iterable[int]) -> Unresolved:
    """The error for a port that a sandbox says nothing about."""
    hint = suggest(str(port), map(str, ports), f"ports of `{name}`")
    more = f"{hint} Or name it" if hint.endswith("?") else f"{hint}; name it"
    return Unresolved(f"`{name}` declares no port {port}", f"{more} under its `ports` if it listens there")


def no_endpoint(name: str) -> Unresolved:
    hint = f"name one under its `ports`, or write `http://${{sandbox.{name}.host}}:3000`"
    return Unresolved(f"`{name}` declares no port, so it has no endpoint", hint)
