"""Which file a template is: the one of a name, a path, or a commit of a git repository."""

from __future__ import annotations

import json
import os
from pathlib import Path

from nexusctl.config.document.node import Mapping, Node, Scalar
from nexusctl.config.document.paths import display, locate, why_refused
from nexusctl.config.document.problems import Problems
from nexusctl.config.templates.builtin import BESIDE, Found, built_in, is_path, template_names
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.late_regex import late_regex

# A URL, or what git takes for one: `git@host:path`.
_ADDRESS = late_regex(r"[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:")


def find_template(place: Node, root: Path, problems: Problems, above: tuple[Path, ...] = ()) -> Found | None:
    """The file of the template that `place` names: by name, by path, or as a commit of a git repository.

    A name is looked for in `templates/` beside the file that names it, then beside the stack file, which lies in
    `root`, then among the built-in ones; the files `above` are passed over. What is wrong is reported.
    """
    if isinstance(place, Mapping):
        # Few templates come from git.
        from nexusctl.config.templates.git_source import find_in_git  # noqa: PLC0415 - deferred: start-up time

        return find_in_git(place, problems)
    if not isinstance(place, Scalar):
        return None
    name = place.text
    if _ADDRESS.match(name):
        hint = f"write `{{git: {json.dumps(name)}, commit: ID, path: FILE}}` for a file of a git repository"
        problems.add(place, f"a template cannot be read from the address `{name}`", hint)
        return None
    if is_path(name):
        path = locate(place, "template", problems)
        source = place.source
        return Found(path=path, display=display(place), within=source.within, trust=source.trust) if path else None
    if found := _find_beside(place, root, above):
        return found
    if name in template_names():
        return built_in(name, place.source.trust)
    for folder in _folders(place, root):
        if why := why_refused(place, folder / f"{name}.yaml"):
            problems.add(place, f"the template `{name}` in `{BESIDE}/` {why}", place.source.trust.hint)
            return None
    if above and (circle := _find_beside(place, root, ())):
        return circle
    known = {
        *template_names(),
        *(
            path.stem
            for folder in _folders(place, root)
            if not why_refused(place, folder)
            for path in folder.glob("*.yaml")
        ),
    }
    problems.add(place, f"there is no template `{name}`", suggest(name, known, "templates"))
    return None


def _find_beside(place: Scalar, root: Path, above: tuple[Path, ...]) -> Found | None:
    for folder in _folders(place, root):
        path = folder / f"{place.text}.yaml"
        if path not in above and not why_refused(place, path) and path.is_file():
            shown, source = display(place, _relative(path, place.source.folder)), place.source
            return Found(path=path, display=shown, within=source.within, trust=source.trust)
    return None


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder) if path.is_relative_to(folder.parent) else str(path)


def _folders(place: Scalar, root: Path) -> list[Path]:
    source = place.source
    own = source.folder if source.is_template and source.folder.name == BESIDE else source.folder / BESIDE
    return [own] if source.within or root == source.folder else [own, root / BESIDE]
