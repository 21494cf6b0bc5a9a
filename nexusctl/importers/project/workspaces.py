"""The members of an npm workspace that are programs of their own."""

from __future__ import annotations

from typing import Any

from nexusctl.importers.draft.names import fit_name
from nexusctl.importers.project.folder import ProjectFolder, section
from nexusctl.importers.project.node import find_port

_VITE = "vite"


def read_workspaces(folder: ProjectFolder) -> dict[str, dict[str, Any]]:
    """What each member that can be started says of its own, by the name of its sandbox; the rest is the root's."""
    told = folder.json("package.json")
    named = told.get("workspaces", [])
    patterns = named.get("packages", []) if isinstance(named, dict) else named
    members: dict[str, dict[str, Any]] = {}
    for pattern in patterns if isinstance(patterns, list) else ():
        for path in sorted(folder.path.glob(str(pattern))) if ".." not in str(pattern) else ():
            member = path.relative_to(folder.path).as_posix()
            if path.is_dir() and (path / "package.json").is_file() and (own := _read_member(folder, member)):
                members[fit_name(path.name)] = own
    return members


def _read_member(folder: ProjectFolder, member: str) -> dict[str, Any] | None:
    file = f"{member}/package.json"
    folder.text(file)
    told = folder.json(file)
    scripts = section(told, "scripts")
    script = next((name for name in ("start", "dev") if name in scripts), "")
    if not script:
        return None
    inner = ProjectFolder(folder.path / member, folder.trust)
    command = ["npm", *(["start"] if script == "start" else ["run", script]), "--workspace", member]
    port, _ = find_port(inner, told)
    if _VITE in str(scripts[script]).split():
        port = 5173
        command += ["--", "--host", "0.0.0.0", "--port", str(port), "--strictPort"]
    own: dict[str, Any] = {"command": command}
    if not port and "PORT" in inner.variables_read():
        port, own["env"] = 3000, {"PORT": "3000"}
    folder.say(f"command of {inner.path.name}", file, " ".join(command))
    if port:
        own |= {"ports": [port], "health": {"tcp": port}}
        folder.say(f"port of {inner.path.name}", file, str(port))
    return own
