"""Where the files of a stack say something of a sandbox."""

from __future__ import annotations

from nexusctl.config.document.node import Mapping, Scalar
from nexusctl.config.load import Loaded
from nexusctl.errors import Location
from nexusctl.model.stack import Sandbox


def find_places(loaded: Loaded, sandbox: Sandbox) -> dict[str, Location]:
    """The places of the keys of `sandbox`, a template's too, by key, and of those below them, as `env.NAME`.

    That of its own name stands under an empty one.
    """
    group = loaded.groups.get(sandbox.name) or loaded.groups[sandbox.group]
    found = {"": _place(group.key)}
    for name, key in group.node.keys.items():
        found[name] = _place(key)
        below = group.node.values[name]
        if isinstance(below, Mapping):
            found |= {f"{name}.{inner}": _place(each) for inner, each in below.keys.items()}
    return found


def _place(key: Scalar) -> Location:
    return key.source.location(key.line, key.column)
