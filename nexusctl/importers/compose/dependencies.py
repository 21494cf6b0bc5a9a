"""Which services a service waits for: those that it names, and those that something else of it implies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nexusctl.config.document.node import Mapping as MappingNode
from nexusctl.config.document.node import Node, Scalar
from nexusctl.importers.compose.context import ComposeContext
from nexusctl.importers.compose.reader import Reader

_NO_PLACE = "it has no place in a stack file"
_CONDITIONS = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "completed",
}
_SHARED = {
    "ipc": "a sandbox cannot share the memory of `{}`; it only starts after it",
    "pid": "a sandbox cannot see the processes of `{}`; it only starts after it",
    "network_mode": "a sandbox cannot share the network of `{}`; it only starts after it",
}
_OF = "service:"


def read_dependencies(own: str, service: Reader, around: ComposeContext) -> dict[str, Any]:
    """What the sandbox of the service `own` waits for, by the names of the draft."""
    node = service.get("depends_on")
    if isinstance(node, MappingNode):
        wishes: dict[str, Node] = dict(node.values)
    else:
        wishes = {item.text: item for item in service.scalars("depends_on")}
    for name in wishes.keys() - around.names.keys():
        service.drop_at(f"{service.where}.depends_on.{name}", "the file has no service of this name", wishes.pop(name))
    found = {name: _read_wish(name, wish, service) for name, wish in wishes.items()}
    for name, said in _find_implied(service, around):
        if name != own:
            found.setdefault(name, said)
    for name, said in found.items():
        if said.get("required", True) and _may_be_absent(own, name, around):
            said["required"] = False
            reason = f"{name} is there only with its profile, so it is waited for where it is there"
            service.drop_at(f"{service.where}.depends_on.{name}", reason, wishes.get(name, service.node))
    return {around.names[name]: said for name, said in found.items()}


def _may_be_absent(own: str, name: str, around: ComposeContext) -> bool:
    """Whether `own` can be there without `name`, of which no profile was asked for."""
    theirs, ours = around.optional.get(name, frozenset()), around.optional.get(own, frozenset())
    if not theirs or theirs & around.profiles or "*" in around.profiles:
        return False
    return not ours or bool(ours & around.profiles) or not ours <= theirs


def _read_wish(name: str, node: Node, service: Reader) -> dict[str, Any]:
    """In Compose a name alone waits for the start only."""
    if not isinstance(node, MappingNode):
        return {"condition": "started"}
    wish = service.inside(f"depends_on.{name}", node)
    condition = wish.text("condition") or "service_started"
    if condition not in _CONDITIONS:
        wish.drop("condition", "there is no such condition; it waits for the start")
    said: dict[str, Any] = {"condition": _CONDITIONS.get(condition, "started")}
    if wish.get("required") is not None and not wish.flag("required"):
        said["required"] = False
    if wish.flag("restart"):
        said["restart"] = True
    wish.finish({}, _NO_PLACE)
    return said


def _find_implied(service: Reader, around: ComposeContext) -> Iterator[tuple[str, dict[str, Any]]]:
    """What Compose waits for because something else names it; it restarts what shares something with its program."""
    for item in service.scalars("links"):
        name, _, alias = service.rewrite(item).partition(":")
        if name in around.names:
            yield name, {"condition": "started", "restart": True}
        if name not in around.names:
            service.drop_at(service.path("links"), "the file has no service of this name", item)
        elif alias and alias != name:
            reason = f"write `{alias}` under `aliases` of {around.names[name]}, whom others then find by it, too"
            service.drop_at(service.path("links"), reason, item)
    for key, reason in _SHARED.items():
        node = service.node.get(key)
        whose = service.rewrite(node) if isinstance(node, Scalar) else ""
        name = whose.removeprefix(_OF)
        if whose.startswith(_OF) and name in around.names:
            yield name, {"condition": "started", "restart": True}
            service.drop(key, reason.format(whose))
    for item in service.scalars("volumes_from"):
        name = service.rewrite(item).partition(":")[0]
        if name in around.names:
            yield name, {"condition": "started"}
        service.drop_at(service.path("volumes_from"), "name the volumes in each sandbox", item)
