"""The first stack file of somebody who has none: one sandbox from a template, which works as it stands."""

from __future__ import annotations

from typing import Any

from nexusctl.importers.draft.draft import Draft
from nexusctl.importers.draft.names import fit_name
from nexusctl.model.values.frozen import dataclass

_SERVER = """require("http")
  .createServer((request, response) => response.end("Hello from a sandbox\\n"))
  .listen(PORT, () => console.log("listening on PORT"));
"""

# What each built-in template needs to show something, and the port that it listens on.
_EXAMPLES: dict[str, tuple[dict[str, Any], int | None]] = {
    "base": ({"command": 'while true; do echo "Hello from $(hostname)"; sleep 5; done'}, None),
    "node": ({"command": ["node", "server.js"], "uploads": [{"target": "/app/server.js", "content": _SERVER}]}, 3000),
    "postgres": ({"env": {"POSTGRES_PASSWORD": "only-for-trying"}}, None),
    "python": ({"command": ["python3", "-m", "http.server", "PORT"]}, 8000),
    "react": ({}, 5173),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterOptions:
    """What somebody wants to begin with. `command` and `port` are None for what the example of the template has."""

    name: str
    template: str
    command: str | None = None
    port: int | None = None


def default_port(template: str) -> int | None:
    """The port that the example of a template listens on, None where it does not."""
    return _EXAMPLES.get(template, ({}, None))[1]


def make_starter(wish: StarterOptions) -> Draft:
    """The draft for a wish."""
    example, usual = _EXAMPLES.get(wish.template, ({}, None))
    port = wish.port or usual
    sandbox: dict[str, Any] = {"template": wish.template}
    if wish.command:
        sandbox["command"] = wish.command
    else:
        sandbox |= _with_port(example, port)
    if port and wish.template != "react":
        sandbox["health"] = {"tcp": port}
    if port:
        sandbox["ports"] = [port]
    return Draft(document={"name": fit_name(wish.name, "first"), "sandboxes": {"app": sandbox}})


def _with_port(value: Any, port: int | None) -> Any:
    if isinstance(value, dict):
        return {key: _with_port(item, port) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_port(item, port) for item in value]
    return value.replace("PORT", str(port)) if isinstance(value, str) and "POSTGRES" not in value else value
