"""What a service says in the words of a stack file: taken over as it is, where a stack file takes such a value."""

from __future__ import annotations

from typing import Any

from nexusctl.config.document.expression import parse
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.schema.fast_check import acceptor
from nexusctl.config.schema.files import STACK, resolve
from nexusctl.importers.compose.reader import Reader
from nexusctl.importers.draft.references import settle
from nexusctl.plan.compare.fields import TABLE


def read_same_words(service: Reader, *, uploaded: bool) -> dict[str, Any]:
    """By field; what a stack file does not take is left over, for itself or where something is `uploaded`."""
    found = {rule.field: _read(service, rule.field) for rule in TABLE if rule.plain}
    if uploaded and found["read_only"]:
        service.drop("read_only", "its configs are uploaded, for which it has to be writable")
        del found["read_only"]
    return found


def _read(service: Reader, key: str) -> Any:
    node = service.get(key)
    if node is None:
        return None
    place = f"{STACK}#/$defs/sandbox/properties/{key}"
    takes_text = "string" in resolve(place).get("type", ())
    value = _take(service, key, node, keep=takes_text)
    if takes_text and _holds_variable(value):
        return value
    if not acceptor(place)(value):
        service.drop(key, f"a stack file takes no such value; see `{key}` in the reference of its fields")
        return None
    return value or None


def _take(service: Reader, key: str, node: Node, *, keep: bool) -> Any:
    """As plain values. Without `keep`, what stands in for a variable is there instead of it."""
    if isinstance(node, Mapping):
        return {name: _take(service, key, item, keep=keep) for name, item in node.values.items()}
    if isinstance(node, Sequence):
        return [_take(service, key, item, keep=keep) for item in node.items]
    assert isinstance(node, Scalar)
    text = service.rewrite(node)
    if keep or "${" not in text:
        return text if isinstance(node.value, str) else node.value
    settled = settle(parse(text))
    service.drop(key, f"no variable can give this here; it is {settled or 'left out'}")
    known = {"true": True, "false": False}
    return int(settled) if settled.isdigit() else known.get(settled.lower(), settled)


def _holds_variable(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_variable, value.values()))
    return any(map(_holds_variable, value)) if isinstance(value, list) else "${" in str(value)
