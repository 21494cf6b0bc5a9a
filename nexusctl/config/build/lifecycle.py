"""How far nexusctl may go with a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems
from nexusctl.model.stack import Lifecycle, Sandbox
from nexusctl.model.values.did_you_mean import suggest

_IN_PARTS = ("env", "metadata", "packages", "resources", "uploads")

_NEVER = (
    "aliases", "depends_on", "group", "image_health", "kind", "lifecycle", "mounts", "name", "on_replace", "run",
    "shares", "start_timeout", "state", "template",
)  # fmt: skip
"""What is a part of another field, and what says only how nexusctl goes about a sandbox."""


def build_lifecycle(sandbox: Mapping, problems: Problems) -> Lifecycle:
    node = sandbox.section("lifecycle")
    protects = node.get("prevent_destroy")
    return Lifecycle(
        prevent_destroy=isinstance(protects, Scalar) and protects.value is True,
        ignore=tuple(sorted(set(_build_ignore(node, problems)))),
    )


def _build_ignore(node: dict[str, Node], problems: Problems) -> Iterator[str]:
    """The paths as differences name them; those of no field are reported."""
    listed = node.get("ignore")
    for place in listed.items if isinstance(listed, Sequence) else ():
        if not isinstance(place, Scalar):
            continue
        field, dot, part = place.text.partition(".")
        if field not in (known := _list_ignorable()):
            hint = suggest(field, known, "what can be ignored")
            problems.add(place, f"`{place.text}` is no field that can be ignored", hint)
        elif dot and (field not in _IN_PARTS or not part):
            problems.add(place, f"`{place.text}`: `{field}` has no such parts", f"write `{field}`, for all of it")
        else:
            # What the file calls volumes are mounts of a container.
            yield "mounts" if field == "volumes" else place.text


def _list_ignorable() -> list[str]:
    """Every field of a sandbox but a few, as a stack file calls them."""
    return [*(field.name for field in fields(Sandbox) if field.name not in _NEVER), "volumes"]
