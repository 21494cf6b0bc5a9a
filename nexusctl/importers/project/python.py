"""A project in Python: its packages, what starts it, and the port that it listens on."""

from __future__ import annotations

import re
from typing import Any

from nexusctl.config.build.files.digests import Unfit
from nexusctl.config.build.locks.requirements import read_requirements
from nexusctl.importers.project.folder import ProjectFolder, section
from nexusctl.importers.project.poetry import poetry_packages
from nexusctl.importers.project.program import Program, fitting, upload

_REQUIREMENTS, _PROJECT = "requirements.txt", "pyproject.toml"
_NAMES = ("main", "app", "server", "wsgi", "asgi", "api")
_APPS = {
    "fastapi": re.compile(r"^(\w+)(?:\s*:[^=\n]+)?\s*=\s*(?:\w+\.)?(?:FastAPI|Starlette)\(", re.MULTILINE),
    "flask": re.compile(
        r"^(\w+)(?:\s*:[^=\n]+)?\s*=\s*(?:\w+\.)?(?:Flask|create_app)\(|^def (create_app)\(", re.MULTILINE
    ),
}

Command = list[str]


def read_python(folder: ProjectFolder) -> Program:
    """The program of the requirements.txt or pyproject.toml in `folder`."""
    told = folder.toml(_PROJECT) if folder.has(_PROJECT) else {}
    project, poetry = section(told, "project"), section(section(told, "tool"), "poetry")
    packages, listed = _packages(folder, project, poetry)
    names = frozenset(re.split(r"[^\w-]", item.lower().strip(), maxsplit=1)[0].replace("_", "-") for item in listed)
    if any(re.match(r"fastapi\s*\[", item.strip().lower()) for item in listed):
        names |= {"uvicorn"}
    sandbox: dict[str, Any] = {"template": "python"}
    if packages:
        sandbox["packages"] = packages
    command, port, file = _find_command(folder, names)
    if command:
        sandbox["command"] = command
        folder.say("command", file, " ".join(command))
    else:
        folder.leftovers.add(str(folder.path), "nothing says how to start; write a `command`")
    if port:
        folder.say("port", file, str(port))
    if any(path.is_dir() for path in folder.path.glob("src/*/")):
        # What an installation would put there is found without one.
        sandbox["env"] = {"PYTHONPATH": "src"}
    sandbox["uploads"] = [upload([".venv/", "__pycache__/", "*.pyc", "dist/"])]
    name = str(project.get("name") or poetry.get("name", ""))
    return Program(name=name, sandbox=sandbox, ports=(port,) if port else (), packages=names)


def _packages(folder: ProjectFolder, project: dict[str, Any], poetry: dict[str, Any]) -> tuple[Any, list[str]]:
    """What is installed, and all that is listed."""
    listed = [str(item) for item in project.get("dependencies", []) if isinstance(item, str)]
    wanted = section(poetry, "dependencies")
    if folder.has(_REQUIREMENTS):
        lines = folder.text(_REQUIREMENTS).splitlines()
        folder.say("packages", _REQUIREMENTS)
        return _required(folder, lines), [*listed, *lines]
    if wanted and not listed:
        listed = list(poetry_packages(wanted))
        folder.say("packages", _PROJECT)
        return fitting("pip", listed, folder.leftovers), listed
    if listed:
        folder.say("packages", _PROJECT)
        plain = (re.sub(r"\s+", "", item.split(";")[0]) for item in listed)
        return fitting("pip", plain, folder.leftovers), listed
    if not project and folder.has(_PROJECT):
        hint = "it lists no `dependencies` under `[project]`; name them under `packages`"
        folder.leftovers.add(_PROJECT, hint)
    return None, listed


def _required(folder: ProjectFolder, lines: list[str]) -> Any:
    """What a requirements.txt installs: the file itself, or what it names of the index where it cannot be used."""
    try:
        read_requirements(folder.path / _REQUIREMENTS)
    except Unfit:
        plain = (re.split(r"[;#\\]|(?:\A|\s)--", line)[0].strip() for line in lines)
        named = (line if line.startswith("-") else re.sub(r"\s+", "", line) for line in plain if line)
        return fitting("pip", named, folder.leftovers)
    return {"pip": {"from": _REQUIREMENTS}}


def _find_command(folder: ProjectFolder, packages: frozenset[str]) -> tuple[Command | None, int | None, str]:
    """What starts it, the port, and the file that says so."""
    if folder.has("manage.py"):
        return ["python3", "manage.py", "runserver", "0.0.0.0:8000"], 8000, "manage.py"
    if "uvicorn" in packages and (found := _find_app(folder, "fastapi")):
        module, app, file = found
        return ["uvicorn", f"{module}:{app}", "--host", "0.0.0.0", "--port", "8000"], 8000, file
    if "flask" in packages and (found := _find_app(folder, "flask")):
        module, app, file = found
        named = module if app in ("app", "application", "create_app") else f"{module}:{app}"
        return ["flask", "--app", named, "run", "--host", "0.0.0.0", "--port", "5000"], 5000, file
    if name := folder.first(*(f"{name}.py" for name in _NAMES)):
        return ["python3", "-u", name], None, name
    inside = sorted(path.parent.name for path in folder.path.glob("*/__main__.py"))
    return (["python3", "-m", inside[0]], None, f"{inside[0]}/__main__.py") if inside else (None, None, "")


def _find_app(folder: ProjectFolder, kind: str) -> tuple[str, str, str] | None:
    """Module, variable and file of the application; by its name alone where nobody sees it made."""
    named = [f"{name}.py" for name in _NAMES]
    below = sorted(
        path.relative_to(folder.path).as_posix()
        for pattern in ("*", "src/*")
        for name in (*named, "__init__.py")
        for path in folder.path.glob(f"{pattern}/{name}")
    )
    for file in (*named, *below):
        if folder.has(file) and (match := _APPS[kind].search(folder.text(file))):
            return _module(file), next(filter(None, match.groups())), file
    first = folder.first(*named)
    return (_module(first), "app", first) if first else None


def _module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").removeprefix("src/").replace("/", ".")
