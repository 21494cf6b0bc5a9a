"""The files that stack files include: each goes below the one that names it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nexusctl.config.document.hidden_lines import SENSITIVE, hide_declared
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.paths import display, folders_of, locate
from nexusctl.config.document.problems import Problems, note
from nexusctl.config.read.reader import read_source
from nexusctl.config.read.yaml_parser import compose
from nexusctl.errors import Diagnostic, InputError

FILES_LIMIT = 100
SIZE_LIMIT = 4 * 1024 * 1024


def with_included(documents: Iterable[Mapping], problems: Problems) -> tuple[list[Mapping], bool]:
    """`documents` and all that they include, in the order in which they are laid over each other.

    A file that several name is taken once, where it is named first; one that is given itself stays at its own place.
    The second value is False where files include each other or cannot be read, which is reported. Raises `InputError`
    where they are too many.
    """
    roots = list(documents)
    walk = _Includes({_identity(root.source.path) for root in roots}, problems)
    for root in roots:
        walk.take(root, [])
    if any(SENSITIVE in document.source.text for document in walk.order):
        hide_declared(walk.order)
    return walk.order, walk.whole


class _Includes:
    """One walk through all files; `order` is what it found, and `whole` is False where that is not all."""

    def __init__(self, given: set[Path], problems: Problems) -> None:
        self.order: list[Mapping] = []
        self.whole = True
        self._known = given
        self._problems = problems
        self._size = 0

    def take(self, document: Mapping, chain: list[tuple[Mapping, Scalar]]) -> None:
        """Add what `document` includes, then itself; `chain` are the files above it, each with what it names."""
        self._size += len(document.source.text)
        for place in _named(document):
            self._include(place, [*chain, (document, place)])
        self.order.append(document)

    def _include(self, place: Scalar, chain: list[tuple[Mapping, Scalar]]) -> None:
        path = locate(place, "include", self._problems)
        if path is None or self._closes_circle(path, chain):
            self.whole = False
            return
        identity = _identity(path)
        if identity in self._known:
            return
        self._known.add(identity)
        self._refuse_too_many(place)
        try:
            source = read_source(
                path, display(place), "file to include", within=folders_of(place), trust=place.source.trust
            )
            source.root = place.source.root
            document = compose(source, self._problems)
        except InputError as error:
            self.whole = False
            for problem in error.diagnostics:
                self._report(problem, place)
            return
        self.take(document, chain)

    def _report(self, problem: Diagnostic, place: Scalar) -> None:
        if problem.location is None:
            self._problems.add(place, problem.summary, problem.hint, *problem.notes)
        else:
            self._problems.extend([problem])

    def _closes_circle(self, path: Path, chain: list[tuple[Mapping, Scalar]]) -> bool:
        above = [_identity(document.source.path) for document, _ in chain]
        if _identity(path) not in above:
            return False
        circle = chain[above.index(_identity(path)) :]
        names = [document.source.display for document, _ in circle]
        notes = [note(f"`{document.source.display}` includes the next one", place) for document, place in circle[:-1]]
        shown = " -> ".join([*names, names[0]])
        self._problems.add(circle[-1][1], f"these files include each other: {shown}", "remove one of these", *notes)
        return True

    def _refuse_too_many(self, place: Scalar) -> None:
        if len(self._known) <= FILES_LIMIT and self._size <= SIZE_LIMIT:
            return
        what = f"{FILES_LIMIT} files" if len(self._known) > FILES_LIMIT else f"{SIZE_LIMIT // 1024 // 1024} MiB"
        self._problems.add(place, f"the stack includes more than {what}", "include less, or split the stack")
        self._problems.raise_any()


def _identity(path: Path) -> Path:
    return path.resolve()


def _named(document: Mapping) -> list[Scalar]:
    """The paths that `document` includes; what is wrong there is the schema's to say."""
    values: list[Node | None] = [document.get("include"), document.get("+include")]
    nodes = [item for value in values for item in (value.items if isinstance(value, Sequence) else [value])]
    return [node for node in nodes if isinstance(node, Scalar) and isinstance(node.value, str) and node.text]
