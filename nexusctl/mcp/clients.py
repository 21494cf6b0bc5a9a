"""The entry with which an agent's client finds this server, and the file of a project in which it stands."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from nexusctl.api.workspace import replace_file
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.frozen import dataclass

_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}")

TOKEN = "NEXUSCTL_MCP_TOKEN"
"""The variable of the environment in which a client finds its token; no file has the token itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """`file` is where a project keeps the entries, in the mapping called `section`."""

    file: str
    section: str


CLIENTS: Mapping[str, Client] = {
    "claude": Client(file=".mcp.json", section="mcpServers"),
    "codex": Client(file=".codex/config.toml", section="mcp_servers"),
    "vscode": Client(file=".vscode/mcp.json", section="servers"),
    "cursor": Client(file=".cursor/mcp.json", section="mcpServers"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How a client reaches a server: a `command` that it starts, with variables `env`, or a `url` with `headers`."""

    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def read_server(client: str, name: str, folder: Path, environ: Mapping[str, str]) -> Server:
    """What the client's file in `folder` says of the server `name`, with the variables of `environ` in their places.

    Raises `InputError` where it says nothing, or nothing that a client can use.
    """
    path = folder / CLIENTS[client].file
    add = f"`nexusctl mcp config {client} --write` writes it"
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text) if client == "codex" else json.loads(text)
    except FileNotFoundError:
        raise InputError(Diagnostic(f"there is no `{path}`", hint=add)) from None
    except (OSError, ValueError) as error:
        raise InputError(Diagnostic(f"`{path}` cannot be read: {error}", hint="mend it")) from None
    section = document.get(CLIENTS[client].section) if isinstance(document, dict) else None
    entry = section.get(name) if isinstance(section, dict) else None
    if not isinstance(entry, dict):
        known = suggest(name, section, "servers") if isinstance(section, dict) and section else add
        raise InputError(Diagnostic(f"`{path}` has no server {name}", hint=known))
    return _make_server(_put_in(entry, environ, path), path, name, environ)


def complete_url(text: str) -> str:
    """The address of a server over HTTP, of which the scheme and the path may be left out. Raises `InputError`."""
    whole = text if "://" in text else f"http://{text}"
    try:
        found = urlsplit(whole)
        right = found.scheme in ("http", "https") and bool(found.hostname) and (found.port is None or found.port > 0)
    except ValueError:
        right = False
    if not right or any(mark.isspace() for mark in text):
        hint = "write it as the server has said it, such as `http://127.0.0.1:8765/mcp`"
        raise InputError(Diagnostic(f"`{text[:80]}` is no address of a server over HTTP", hint=hint))
    return urlunsplit(found._replace(path="/mcp")) if found.path in ("", "/") else whole


def reach(url: str, token: str) -> Server:
    """A server over HTTP, asked with a token where there is one."""
    return Server(url=url, headers={"Authorization": f"Bearer {token}"} if token else {})


def _make_server(entry: Mapping[str, Any], path: Path, name: str, environ: Mapping[str, str]) -> Server:
    env = {key: str(value) for key, value in (entry.get("env") or {}).items()}
    match entry:
        case {"url": str(url)}:
            variable = entry.get("bearer_token_env_var")
            if variable and not environ.get(variable):
                raise _unset(variable, path)
            headers = {key: str(value) for key, value in (entry.get("headers") or {}).items()}
            return reach(url, environ[variable]) if variable else Server(url=url, headers=headers)
        case {"command": str(command)}:
            return Server(command=(command, *map(str, entry.get("args") or ())), env=env)
    hint = "write it anew with `nexusctl mcp config`"
    raise InputError(Diagnostic(f"the server {name} in `{path}` has neither `command` nor `url`", hint=hint))


def _put_in(value: Any, environ: Mapping[str, str], path: Path) -> Any:
    """`value` with variables where `${NAME}` or `${env:NAME}` stand for them, as clients have it."""
    if isinstance(value, dict):
        return {key: _put_in(item, environ, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_put_in(item, environ, path) for item in value]

    def find(match: re.Match[str]) -> str:
        if not environ.get(match[1]):
            raise _unset(match[1], path)
        return environ[match[1]]

    return _VARIABLE.sub(find, value) if isinstance(value, str) else value


def _unset(variable: str, path: Path) -> InputError:
    hint = f"`export {variable}=...`, with the token that the server has said or was given"
    return InputError(Diagnostic(f"`{path}` takes a token from {variable}, which is not set", hint=hint))


def make_entry(client: str, command: list[str], url: str | None) -> dict[str, Any]:
    """What `client` is told of the server: the `command` that starts it, or its `url`."""
    if url is None:
        own = {"type": "stdio"} if client in ("claude", "vscode") else {}
        return {**own, "command": command[0], "args": command[1:]}
    match client:
        case "codex":
            return {"url": url, "bearer_token_env_var": TOKEN}
        case "claude":
            return {"type": "http", "url": url, "headers": {"Authorization": f"Bearer ${{{TOKEN}}}"}}
        case "vscode":
            return {"type": "http", "url": url, "headers": {"Authorization": f"Bearer ${{env:{TOKEN}}}"}}
        case _:
            return {"url": url, "headers": {"Authorization": f"Bearer ${{env:{TOKEN}}}"}}


def render_entry(client: str, name: str, entry: Mapping[str, Any]) -> str:
    """The entry as the client's file has it."""
    if client != "codex":
        return json.dumps({CLIENTS[client].section: {name: entry}}, indent=2) + "\n"
    lines = [f"[{CLIENTS[client].section}.{name}]"]
    # A text and a list of texts look in TOML as they do in JSON.
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()]
    return "\n".join(lines) + "\n"


def write_entry(client: str, name: str, entry: Mapping[str, Any], folder: Path) -> Path:
    """Put the entry into the client's file in `folder`, in the place of one of that name; returns the file.

    Raises `InputError` where that file is not what it should be, or cannot be written.
    """
    path = folder / CLIENTS[client].file
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        add = _add_toml if client == "codex" else _add_json
        text = add(before, path, client, name, entry)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text)
    except OSError as error:
        raise InputError(
            Diagnostic(f"`{path}` cannot be written: {error.strerror}", hint="check its permissions")
        ) from None
    except ValueError as error:
        hint = "mend it, or add the entry by hand, which is printed without `--write`"
        raise InputError(Diagnostic(f"`{path}` cannot be read: {error}", hint=hint)) from None
    return path


def _add_json(before: str, path: Path, client: str, name: str, entry: Mapping[str, Any]) -> str:
    document = json.loads(before) if before.strip() else {}
    section = CLIENTS[client].section
    if not isinstance(document, dict) or not isinstance(document.setdefault(section, {}), dict):
        raise InputError(Diagnostic(f"`{path}` has no mapping `{section}`", hint="mend it, or add the entry by hand"))
    document[section][name] = entry
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _add_toml(before: str, path: Path, client: str, name: str, entry: Mapping[str, Any]) -> str:
    found = tomllib.loads(before).get(CLIENTS[client].section, {}).get(name)
    if found == entry:
        return before
    if found is not None:
        hint = "change it by hand, or name another with `--name`"
        raise InputError(Diagnostic(f"`{path}` has a server {name} already", hint=hint))
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    return f"{before}{gap}{render_entry(client, name, entry)}"
