"""How far nexusctl may go with a sandbox."""

from __future__ import annotations

from collections.abc import Iterator

from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems
from nexusctl.model.stack import Lifecycle
from nexusctl.model.values.did_you_mean import suggest

_IN_PARTS = ("env", "metadata", "packages", "resources", "uploads")

_AS_A_WHOLE = (
    "cap_add",
    "cap_drop",
    "command",
    "health",
    "image",
    "networks",
    "ports",
    "restart",
    "secrets",
    "startup",
    "stop_grace_period",
    "stop_signal",
    "timeout",
    "user",
    "volumes",
    "working_dir",
)


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
        if field not in (*_IN_PARTS, *_AS_A_WHOLE):
            hint = suggest(field, (*_IN_PARTS, *_AS_A_WHOLE), "what can be ignored")
            problems.add(place, f"`{place.text}` is no field that can be ignored", hint)
        elif dot and (field not in _IN_PARTS or not part):
            problems.add(place, f"`{place.text}`: `{field}` has no such parts", f"write `{field}`, for all of it")
        else:
            # What the file calls volumes are mounts of a container.
            yield "mounts" if field == "volumes" else place.text
