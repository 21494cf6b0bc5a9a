"""A project with a package.json: its packages, what starts it, and the port that it listens on."""

from __future__ import annotations

import re
from typing import Any

from nexusctl.importers.project.folder import ProjectFolder, section
from nexusctl.importers.project.program import Program, fitting, upload

_FILE = "package.json"
_PORT = re.compile(
    r"\.listen\(\s*(?:\{\s*port:\s*)?(?:process\.env\.PORT\s*(?:\|\||\?\?)\s*)?[\"']?(\d{2,5})\b"
    r"|process\.env\.PORT\s*(?:\|\||\?\?)\s*[\"']?(\d{2,5})\b"
    r"|\bport\s*[:=]\s*[\"']?(\d{2,5})\b",
    re.IGNORECASE,
)
# What serves nothing before a build was made, and listens on all addresses, on 3000 without a word about it.
_BUILT = re.compile(r"\bnext start\b")
_NAMED_PORT = re.compile(r"(?:-p|--port)[ =]?(\d{2,5})\b")
_SCRIPT = re.compile(r"[\w./-]+\.[mc]?[jt]s\b")
_ENTRIES = ("server", "index", "app", "main", "src/server", "src/index", "src/app", "src/main")
_VITE_PORT = 5173
_SERVERS = {"express", "fastify", "koa", "@nestjs/core", "hapi", "@hapi/hapi", "hono", "polka", "restify"}


def read_node(folder: ProjectFolder) -> Program:
    """The program of the package.json in `folder`."""
    told = folder.json(_FILE)
    scripts, wanted, development = (section(told, key) for key in ("scripts", "dependencies", "devDependencies"))
    page = "vite" in {**wanted, **development} and not _SERVERS & wanted.keys()
    react = page and "react" in wanted
    command: list[str] | str | None = (
        None if react else ["npx", "vite", "--host", "0.0.0.0", "--port", str(_VITE_PORT), "--strictPort"]
    )
    if not page:
        command = _find_command(folder, told, scripts)
    built = command == _build_first()
    sandbox: dict[str, Any] = {"template": "react" if react else "node"}
    migrated = "knex" in {**wanted, **development} or folder.has("prisma/schema.prisma")
    if built or page or migrated or command == ["npm", "run", "dev"]:
        wanted = {**development, **wanted}
    sandbox |= _packages(folder, wanted, bool(told.get("workspaces")))
    ignored = ["node_modules/", "dist/", *([".next/"] if "next" in wanted else [])]
    if command:
        sandbox["command"] = command
        folder.say("command", _FILE, command if isinstance(command, str) else " ".join(command))
    elif not page and not told.get("workspaces"):
        folder.leftovers.add(_FILE, "it says nothing about how to start; write a `command`")
    port, file = (_VITE_PORT, _FILE) if page else find_port(folder, told)
    if not port and _SERVERS & wanted.keys() and "PORT" in folder.variables_read():
        # It asks for one, and has none of its own.
        port, file, sandbox["env"] = 3000, _FILE, {"PORT": "3000"}
    if port:
        folder.say("port", file, str(port))
    return Program(
        name=str(told.get("name", "")),
        sandbox={**sandbox, "uploads": [upload(ignored)]},
        ports=(port,) if port else (),
        packages=frozenset({*wanted, *development}),
        probed=not react,
        several=bool(told.get("workspaces")),
    )


def _build_first() -> str:
    return "npm run build && npm start"


def _packages(folder: ProjectFolder, wanted: dict[str, Any], several: bool) -> dict[str, Any]:
    if folder.has("package-lock.json") and (wanted or several):
        folder.say("packages", "package-lock.json")
        return {"packages": {"npm": {"from": "package-lock.json"}}}
    if several:
        reason = "its members need a package-lock.json beside it: run `npm install` once, and this again"
        folder.leftovers.add(_FILE, reason)
        return {}
    if not wanted:
        return {}
    folder.say("packages", _FILE)
    return {"packages": fitting("npm", (f"{name}@{version}" for name, version in wanted.items()), folder.leftovers)}


def _find_command(folder: ProjectFolder, told: dict[str, Any], scripts: dict[str, Any]) -> list[str] | str | None:
    start = str(scripts.get("start", ""))
    if start and not (_BUILT.search(start) and "dev" in scripts):
        return _build_first() if "build" in scripts and _needs_build(folder, start) else ["npm", "start"]
    if "dev" in scripts:
        return ["npm", "run", "dev"]
    main = told.get("main")
    found = folder.first(*([main] if isinstance(main, str) else []), *_entries(".js", ".mjs", ".cjs"))
    return ["node", found] if found else None


def _needs_build(folder: ProjectFolder, start: str) -> bool:
    """Whether what is started is made by a build, which nobody uploads."""
    named = _SCRIPT.search(start)
    path = named[0].removeprefix("./") if named else ""
    return bool(path) and (path.startswith("dist/") or not folder.has(path)) and start.split(maxsplit=1)[0] == "node"


def _entries(*endings: str) -> list[str]:
    return [f"{name}{ending}" for name in _ENTRIES for ending in endings]


def find_port(folder: ProjectFolder, told: dict[str, Any]) -> tuple[int | None, str]:
    """The port that a program of the project names where it listens, and its file."""
    scripts = section(told, "scripts")
    start = str(scripts.get("start", ""))
    if built := _BUILT.search(start):
        named = _NAMED_PORT.search(str(scripts.get("dev", built[0])))
        return int(named[1]) if named else 3000, _FILE
    if named := _NAMED_PORT.search(start):
        return int(named[1]), _FILE
    main = told.get("main")
    started = [*_SCRIPT.findall(start), *([main] if isinstance(main, str) else [])]
    for name in dict.fromkeys([*started, *_entries(".js", ".mjs", ".cjs", ".ts"), "bin/www"]):
        path = name.removeprefix("./")
        if match := _PORT.search(folder.text(path)):
            return int(match[1] or match[2] or match[3]), path
    return None, ""
