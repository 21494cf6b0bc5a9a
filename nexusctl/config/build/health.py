"""The health probe, and commands in their two spellings."""

from __future__ import annotations

from nexusctl.config.build.units import seconds
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems
from nexusctl.model.stack import Health

_DEFAULT = Health()


def build_command(node: Node | None) -> tuple[str, ...] | None:
    """A text goes to a shell, a list runs as it is."""
    if isinstance(node, Scalar):
        return ("/bin/sh", "-c", node.text)
    if isinstance(node, Sequence):
        return tuple(item.text for item in node.items if isinstance(item, Scalar))
    return None


def build_health(sandbox: Mapping, problems: Problems) -> Health | None:
    """The probe of a sandbox; None where it has none or switches it off."""
    node = sandbox.get("health")
    if not isinstance(node, Mapping):
        return None
    http_port, http_path = _http(node.get("http"), problems)
    return Health(
        command=build_command(node.get("command")) or (),
        http_port=http_port,
        http_path=http_path,
        tcp_port=_number(node.get("tcp")),
        interval=_positive(node, "interval", _DEFAULT.interval, problems),
        timeout=_positive(node, "timeout", _DEFAULT.timeout, problems),
        retries=_number(node.get("retries")) or _DEFAULT.retries,
        start_period=_duration(node, "start_period", _DEFAULT.start_period),
    )


def _http(node: Node | None, problems: Problems) -> tuple[int | None, str]:
    if isinstance(node, Mapping):
        return _number(node.get("port")), node.text("path") or "/"
    if not isinstance(node, Scalar):
        return None, "/"
    if not isinstance(node.value, str):
        return int(node.value), "/"
    port, slash, path = node.text.removeprefix(":").partition("/")
    if int(port) > 65535:
        problems.add(node, f"there is no port {port}", "ports go from 1 to 65535")
    return int(port), slash + path or "/"


def _number(node: Node | None) -> int | None:
    return int(node.value) if isinstance(node, Scalar) else None


def _duration(node: Mapping, key: str, default: float) -> float:
    value = node.get(key)
    return seconds(value) if isinstance(value, Scalar) else default


def _positive(node: Mapping, key: str, default: float, problems: Problems) -> float:
    duration = _duration(node, key, default)
    if duration <= 0:
        problems.add(node.values[key], f"`{key}` has to be longer than 0", "write for example `5s`")
    return duration
