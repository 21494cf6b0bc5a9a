"""Values of sensitive variables and parameters, in which no text is left that anybody could read."""

from __future__ import annotations

from typing import Any

from nexusctl.config.document.derived import MixedText, rebuilt
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.model.secret import Secret, SecretRef, SourceKind


def seal(node: Node, name: str, noun: SourceKind) -> Node:
    """`node` with a secret in the place of every text in it; `name` is what the first one is called."""
    if isinstance(node, Mapping):
        return rebuilt(node, {key: seal(value, f"{name}.{key}", noun) for key, value in node.values.items()})
    if isinstance(node, Sequence):
        sequence = Sequence(node.source, node.line, node.column)
        sequence.items = [seal(item, f"{name}.{number}", noun) for number, item in enumerate(node.items)]
        return sequence
    if isinstance(node, MixedText):
        return _seal_woven(node, name, noun)
    return MixedText(node, (_make_ref(node, name, noun, node.text.encode()),)) if node.text else node


def _seal_woven(node: MixedText, name: str, noun: SourceKind) -> MixedText:
    """A text with secrets in it becomes one of them, or several where one is known only to an apply."""
    parts = [part for part in node.parts if part != ""]
    if not any(isinstance(part, str) for part in parts):
        return node
    values = [_known(part) for part in parts]
    known = [value for value in values if value is not None]
    if len(known) == len(values):
        return MixedText(node, (_make_ref(node, name, noun, b"".join(known)),), node.origin)
    sealed = [
        _make_ref(node, f"{name}:{number}", noun, part.encode()) if isinstance(part, str) else part
        for number, part in enumerate(parts, 1)
    ]
    return MixedText(node, sealed, node.origin)


def _known(part: Any) -> bytes | None:
    """The value of a part, None where nobody has it yet."""
    if isinstance(part, str):
        return part.encode()
    return part.given.reveal() if isinstance(part, SecretRef) and part.given else None


def _make_ref(node: Scalar, name: str, noun: SourceKind, value: bytes) -> SecretRef:
    place = node.source.location(node.line, node.column)
    return SecretRef(name=name, source=noun, trim=False, given=Secret(value), place=place)
