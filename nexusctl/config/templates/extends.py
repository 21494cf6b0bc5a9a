"""Templates that extend others: each lies over the one that it names."""

from __future__ import annotations

from pathlib import Path

from nexusctl.config.document.hidden_lines import SENSITIVE, hide_declared
from nexusctl.config.document.node import Mapping, Node
from nexusctl.config.document.problems import Problems, note
from nexusctl.config.read.merge import merge_all
from nexusctl.config.schema.files import TEMPLATE
from nexusctl.config.templates.builtin import Found, read_document
from nexusctl.config.templates.search import find_template
from nexusctl.config.validate.validate import check_part
from nexusctl.errors import InputError

CHAIN_LIMIT = 10


def with_extended(document: Mapping, found: Found, root: Path, problems: Problems) -> list[Mapping]:
    """The documents that `document` extends, the lowest first, then itself.

    Raises `InputError` where templates extend each other, or one cannot be read.
    """
    layers, files, places, whole = [document], [found], [], True
    while (place := layers[0].get("extends")) is not None:
        below = find_template(place, root, problems, tuple(file.path for file in files))
        if below is None:
            whole = False
            break
        places.append(place)
        if below.path in [file.path for file in files]:
            _refuse_circle([*files, below], places, problems)
        if len(files) > CHAIN_LIMIT:
            problems.add(place, f"templates extend each other more than {CHAIN_LIMIT} times", "extend less")
            whole = False
            break
        files.append(below)
        lower = _read(below, place, problems)
        if lower is None:
            whole = False
            break
        layers.insert(0, lower)
    if any(SENSITIVE in layer.source.text for layer in layers):
        hide_declared(layers)
    if not whole and problems:
        check_part(merge_all(layers, problems), TEMPLATE, problems)
        problems.raise_any()
    return layers


def _read(below: Found, place: Node, problems: Problems) -> Mapping | None:
    try:
        return read_document(below, problems)
    except InputError as error:
        if error.diagnostics[0].location is None:
            problem = error.diagnostics[0]
            problems.add(place, problem.summary, problem.hint)
        problems.extend(problem for problem in error.diagnostics if problem.location)
        return None


def _refuse_circle(files: list[Found], places: list[Node], problems: Problems) -> None:
    begin = next(index for index, file in enumerate(files) if file.path == files[-1].path)
    if len(files) - begin == 2:
        summary = f"the template `{files[-1].display}` extends itself"
        problems.add(places[-1], summary, "remove this, or name another one")
        problems.raise_any()
    shown = " -> ".join(file.display for file in files[begin:])
    notes = [note("this one names the next", place) for place in places[begin:-1]]
    problems.add(places[-1], f"these templates extend each other: {shown}", "remove one of these", *notes)
    problems.raise_any()
