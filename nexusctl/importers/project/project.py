"""A project folder as a draft: from its package.json, requirements.txt, pyproject.toml or Dockerfile."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nexusctl.config.build.files.digests import Unfit
from nexusctl.config.build.packages import is_package
from nexusctl.config.build.requirements import requirement_files
from nexusctl.config.trust.project_folder import around, why_outside
from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.draft.draft import Draft, Leftovers, move_path
from nexusctl.importers.draft.names import fit_name
from nexusctl.importers.project.dockerfile import read_dockerfile
from nexusctl.importers.project.poetry import poetry_packages
from nexusctl.model.trust import OURS, Trust

_IGNORED = (".git/", "nexus.yaml", "Dockerfile", ".env")
_LISTENS = re.compile(r"\.listen\(\s*(?:process\.env\.PORT\s*(?:\|\||\?\?)\s*)?(\d{2,5})\b")
# What serves nothing before a build was made, and listens on all addresses, on 3000 without a word about it.
_BUILT = re.compile(r"\bnext start\b")
_NAMED_PORT = re.compile(r"(?:-p|--port)[ =]?(\d{2,5})\b")
_READ = ("package.json", "package-lock.json", "requirements.txt", "pyproject.toml", "Dockerfile", ".env")
_LOOKED_INTO = 256 * 1024
_ENTRIES = ("server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs", "app.mjs")


def read_project(folder: Path, target: Path, trust: Trust = OURS) -> Draft:
    """The draft of a stack file in the folder `target` for the project in `folder`.

    Raises `InputError` where nothing there says what it is.
    """
    leftovers, trust = Leftovers(), around(trust, folder / ".env")
    _refuse_links(folder, trust)
    sandbox, name = _read(folder, leftovers, trust)
    if (folder / ".env").is_file():
        sandbox["env_file"] = move_path(".env", folder, target)
    if "uploads" in sandbox:
        sandbox["uploads"] = [{**upload, "source": _source(upload, folder, target)} for upload in sandbox["uploads"]]
    document = {"name": fit_name(name or folder.resolve().name), "sandboxes": {"app": sandbox}}
    return Draft(document=document, leftovers=leftovers.found)


def _refuse_links(folder: Path, trust: Trust) -> None:
    """Raise `InputError` where a stranger's project is made of files that lie elsewhere."""
    for name in _READ if trust.untrusted else ():
        if why := why_outside(folder / name, trust.project):
            raise InputError(Diagnostic(f"`{folder / name}` {why}", hint=trust.hint))


def _read(folder: Path, leftovers: Leftovers, trust: Trust) -> tuple[dict[str, Any], str]:
    if (folder / "package.json").is_file():
        return _read_node(folder, leftovers)
    if (folder / "requirements.txt").is_file() or (folder / "pyproject.toml").is_file():
        return _read_python(folder, leftovers)
    if (folder / "Dockerfile").is_file():
        return read_dockerfile(folder / "Dockerfile", leftovers, trust), ""
    raise InputError(
        Diagnostic(
            f"nothing in `{folder}` says what kind of project it is",
            hint="it needs a package.json, requirements.txt, pyproject.toml or Dockerfile; or take `--template NAME`",
        )
    )


def _source(upload: dict[str, Any], folder: Path, target: Path) -> str:
    moved = move_path(str(upload["source"]), folder, target)
    return "." if moved in ("./.", "./") else moved


def _read_node(folder: Path, leftovers: Leftovers) -> tuple[dict[str, Any], str]:
    told = _parse(folder / "package.json", json.loads)
    scripts, wanted = _section(told, "scripts"), _section(told, "dependencies")
    development = _section(told, "devDependencies")
    page = "react" in wanted and "vite" in {**wanted, **development}
    command = None if page else _node_command(folder, told, scripts)
    if "workspaces" in told:
        hint = "it is several packages in one; `--from-dir` takes the folder of one that has its own"
        leftovers.add("package.json", hint)
    if command == ["npm", "run", "dev"] or page:
        wanted = {**development, **wanted}
    sandbox: dict[str, Any] = {"template": "react" if page else "node"}
    if (folder / "package-lock.json").is_file() and wanted:
        sandbox["packages"] = {"npm": {"from": "package-lock.json"}}
    elif wanted:
        sandbox["packages"] = _fitting("npm", (f"{name}@{version}" for name, version in wanted.items()), leftovers)
    sandbox["uploads"] = [_upload(["node_modules/", "dist/", *([".next/"] if "next" in wanted else [])])]
    port = 5173 if page else _find_port(folder, told)
    if command:
        sandbox["command"] = command
    elif not page:
        leftovers.add("package.json", "it says nothing about how to start; write a `command`")
    return _with_port(sandbox, port, probe=not page), str(told.get("name", ""))


def _node_command(folder: Path, told: dict[str, Any], scripts: dict[str, Any]) -> list[str] | None:
    built = _BUILT.search(str(scripts.get("start", "")))
    if "start" in scripts and not (built and "dev" in scripts):
        return ["npm", "start"]
    if "dev" in scripts:
        return ["npm", "run", "dev"]
    main = told.get("main")
    names = [main] if isinstance(main, str) else []
    found = next((name for name in (*names, *_ENTRIES) if (folder / name).is_file()), None)
    return ["node", found] if found else None


def _find_port(folder: Path, told: dict[str, Any]) -> int | None:
    """The port that a program of the project names where it listens."""
    main = told.get("main")
    if built := _BUILT.search(str(_section(told, "scripts").get("start", ""))):
        script = str(_section(told, "scripts").get("dev", built[0]))
        named = _NAMED_PORT.search(script)
        return int(named[1]) if named else 3000
    started = re.findall(r"[\w./-]+\.[mc]?js\b", str(_section(told, "scripts").get("start", "")))
    for name in dict.fromkeys([*started, *([main] if isinstance(main, str) else []), *_ENTRIES]):
        path = folder / name
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            with path.open(encoding="utf-8", errors="replace") as file:
                if match := _LISTENS.search(file.read(_LOOKED_INTO)):
                    return int(match[1])
    return None


def _read_python(folder: Path, leftovers: Leftovers) -> tuple[dict[str, Any], str]:
    pyproject = folder / "pyproject.toml"
    told = _parse(pyproject, tomllib.loads) if pyproject.is_file() else {}
    project = _section(told, "project")
    listed = [str(item) for item in project.get("dependencies", []) if isinstance(item, str)]
    sandbox: dict[str, Any] = {"template": "python"}
    requirements = folder / "requirements.txt"
    poetry = _section(_section(told, "tool"), "poetry")
    wanted = _section(poetry, "dependencies")
    if requirements.is_file():
        lines = requirements.read_text(encoding="utf-8", errors="replace").splitlines()
        sandbox["packages"] = _required(requirements, lines, leftovers)
        listed += lines
    elif wanted and not listed:
        listed = list(poetry_packages(wanted))
        sandbox["packages"] = _fitting("pip", listed, leftovers)
    elif listed:
        sandbox["packages"] = _fitting("pip", (re.sub(r"\s+", "", item.split(";")[0]) for item in listed), leftovers)
    elif "project" not in project and pyproject.is_file():
        leftovers.add("pyproject.toml", "it lists no `dependencies` under `[project]`; name them under `packages`")
    sandbox["uploads"] = [_upload([".venv/", "__pycache__/", "*.pyc", "dist/"])]
    command, port = _python_command(folder, {re.split(r"[^\w-]", item.lower(), maxsplit=1)[0] for item in listed})
    if command:
        sandbox["command"] = command
    else:
        leftovers.add(str(folder), "nothing says how to start; write a `command`")
    return _with_port(sandbox, port, probe=True), str(
        project.get("name") or _section(_section(told, "tool"), "poetry").get("name", "")
    )


def _required(requirements: Path, lines: list[str], leftovers: Leftovers) -> Any:
    """What a requirements.txt installs: the file itself, or what it names of the index where it cannot be used."""
    try:
        requirement_files(requirements)
    except Unfit:
        plain = (re.split(r"[;#\\]|(?:\A|\s)--", line)[0].strip() for line in lines)
        named = (line if line.startswith("-") else re.sub(r"\s+", "", line) for line in plain if line)
        return _fitting("pip", named, leftovers)
    return {"pip": {"from": "requirements.txt"}}


def _python_command(folder: Path, packages: set[str]) -> tuple[list[str] | None, int | None]:
    names = [name for name in ("main", "app", "server", "wsgi") if (folder / f"{name}.py").is_file()]
    if (folder / "manage.py").is_file():
        return ["python3", "manage.py", "runserver", "0.0.0.0:8000"], 8000
    if names and "uvicorn" in packages:
        return ["uvicorn", f"{names[0]}:app", "--host", "0.0.0.0", "--port", "8000"], 8000
    if names and "flask" in packages:
        return ["flask", "--app", names[0], "run", "--host", "0.0.0.0", "--port", "5000"], 5000
    if names:
        return ["python3", "-u", f"{names[0]}.py"], None
    inside = sorted(path.parent.name for path in folder.glob("*/__main__.py"))
    return (["python3", "-m", inside[0]], None) if inside else (None, None)


def _upload(ignored: list[str]) -> dict[str, Any]:
    return {"source": ".", "target": "/app", "ignore": [*_IGNORED, *ignored]}


def _with_port(sandbox: dict[str, Any], port: int | None, *, probe: bool) -> dict[str, Any]:
    if port:
        sandbox["ports"] = [port]
    if port and probe:
        sandbox["health"] = {"tcp": port}
    return sandbox


def _fitting(manager: str, items: Iterable[str], leftovers: Leftovers) -> list[str]:
    """Those of `items` that the manager installs by name; the others are noted."""
    fitting = []
    for item in items:
        if is_package(manager, item):
            fitting.append(item)
        else:
            leftovers.add(item, f"{manager} cannot install it by its name; put it in by `uploads` or `startup`")
    return fitting


def _section(told: Any, key: str) -> dict[str, Any]:
    value = told.get(key) if isinstance(told, dict) else None
    return value if isinstance(value, dict) else {}


def _parse(path: Path, parse: Any) -> dict[str, Any]:
    try:
        told = parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(Diagnostic(f"`{path}` cannot be read: {reason}", hint="put that right first")) from None
    return told if isinstance(told, dict) else {}
