"""The variables that the caller, `.env` and `--env-file` give to a Compose file, and those that nobody gives."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as MappingType
from pathlib import Path

from nexusctl.config.document.node import Mapping, Node, Scalar
from nexusctl.config.read.dotenv import read_variables
from nexusctl.config.trust.project_folder import why_outside
from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.compose.texts.substitution import Default, find_signs, take_apart
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.model.trust import Trust


def read_defaults(
    folder: Path, chosen: Sequence[Path], environment: MappingType[str, str], trust: Trust
) -> tuple[dict[str, Default], list[tuple[str, Scalar]]]:
    """The variables in the `chosen` files, of which the last wins, or in `.env` in `folder` where none is chosen.

    Beside them the variables that their values refer to and nobody gives. COMPOSE_ENV_FILES in the `environment`
    chooses too. Raises `InputError` where a file cannot be read, or where a chosen one is not there.
    """
    chosen = chosen or [Path(name) for name in environment.get("COMPOSE_ENV_FILES", "").split(",") if name]
    defaults: dict[str, Default] = {}
    unset: list[tuple[str, Scalar]] = []
    for path in chosen or [folder / ".env"]:
        if chosen and not path.is_file():
            hint = "`--env-file` takes a path from where you are; COMPOSE_ENV_FILES names some too"
            raise InputError(Diagnostic(f"there is no env file {path}", hint=hint))
        if trust.untrusted and not chosen and why_outside(path, trust.project):
            continue
        found, problems = read_variables(path, str(path) if chosen else path.name, trust)
        problems.raise_any()
        for variable in found:
            # Only those above have a value by then.
            above = dict(defaults) if variable.template else {}
            defaults[variable.key.text] = Default(variable.value.text, variable.template, above)
            unset += [(name, variable.key) for name in find_unset(variable.template, {*environment, *above})]
    return defaults, unset


def note_unset(
    root: Node, above: Sequence[tuple[str, Scalar]], known: Collection[str], leftovers: Leftovers, trust: Trust
) -> None:
    """List the variables for which Compose takes an empty text, each where it is first: in the files of variables,
    which are `above`, or below `root`.
    """
    below = [(name, place) for place in _scalars(root) for name in find_unset(place.text, known)]
    seen: set[str] = set()
    for name, place in [*above, *below]:
        if name not in seen and trust.allows_env(name):
            reason = f"the variable is not set, and an empty text stands in for it; set {name} for apply"
            # A line of a file of variables may be a secret.
            leftovers.add(f"${{{name}}}", reason, place, shown=place.source is root.source)
        seen.add(name)


def find_unset(text: str, known: Collection[str]) -> Iterator[str]:
    """The variables in `text` that are not `known` and have nothing that stands in for them."""
    for begin, end in find_signs(text):
        parts = take_apart(text[begin:end]) if text[begin:end] != "$$" else None
        if parts is None:
            continue
        name, mark, rest = parts
        if not mark and name not in known:
            yield name
        yield from find_unset(rest, known)


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
        return
    for item in node.values.values() if isinstance(node, Mapping) else node.items:
        yield from _scalars(item)
