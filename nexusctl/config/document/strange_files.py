"""Files that do not look like what they are read as: no message repeats anything of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nexusctl.config.document.node import Source
from nexusctl.errors import Diagnostic, Note


def be_reserved(problems: list[Diagnostic], sources: Mapping[str, Source]) -> list[Diagnostic]:
    """`problems` with one for all those of a file that does not look right, since their words may quote it too."""
    strange = {name for name, source in sources.items() if source.kind in _WANTED and _is_strange(source)}
    if not strange:
        return problems
    kept: list[Diagnostic] = []
    for problem in problems:
        file = problem.location.file if problem.location else ""
        if file not in strange:
            notes = tuple(each for each in problem.notes if not (each.location and each.location.file in strange))
            kept.append(replace(problem, notes=notes))
        elif problem.summary.startswith(f"the {sources[file].kind} is "):
            # These words quote nothing.
            kept.append(problem)
        elif not any(other.location and other.location.file == file for other in kept):
            kept.append(_stand_in(problem, sources[file]))
    return kept


def _is_strange(source: Source) -> bool:
    """An empty file is none."""
    return not source.looks_right and any(
        line.strip(" \t{}") and not line.lstrip().startswith("#") for line in source.lines
    )


def _stand_in(problem: Diagnostic, source: Source) -> Diagnostic:
    summary = f"`{source.display}` does not look like {_WANTED[source.kind]}"
    used = tuple(each for each in problem.notes if each.location and each.location.file != source.display)
    notes = (*used, Note("so none of its lines is shown"))
    return Diagnostic(summary, problem.location, hint=_HINTS[source.kind], notes=notes, sandbox=problem.sandbox)


_WANTED = {
    "stack file": "a stack file",
    "file to include": "a part of a stack file",
    "template file": "a template",
    "settings file": "a settings file",
    "policy": "a policy for agents",
    "variable file": "a file of this stack's variables",
    "env file": "an env file",
    "Compose file": "a Compose file",
    "devcontainer.json": "a devcontainer.json",
}
_HINTS = {
    "stack file": "begin it with `name: my-stack` and go on with `sandboxes:`",
    "file to include": "it needs one of the keys of a stack file at its top, such as `sandboxes:`",
    "settings file": "begin it with `defaults:`, or let `NEXUS_SETTINGS` name another file",
    "template file": "begin it with `name: my-template`, `description:` and `extends: base`",
    "policy": "begin it with one of its keys, such as `templates:` or `approval:`",
    "variable file": "write a line for each variable that the stack declares: `NAME: value`",
    "env file": "half of its lines at least have to be `KEY=VALUE`; name another file",
    "Compose file": "name the file with your `services`",
    "devcontainer.json": "name the file, or the folder of the project that has it",
}
