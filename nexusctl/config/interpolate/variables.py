"""Typed variables: what is declared, what was supplied, and the value that comes of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from collections.abc import Mapping as MappingType
from pathlib import Path

from nexusctl.config.document.derived import GivenText, MixedText, Placed, Supplied, move, origin_of
from nexusctl.config.document.describe import describe
from nexusctl.config.document.expression import Expression
from nexusctl.config.document.hidden_lines import hide_all, hide_entries, is_sensitive
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence, Source, plain, resolve
from nexusctl.config.document.problems import Problems, note
from nexusctl.config.interpolate.env_stack_file import is_usable
from nexusctl.config.interpolate.interpolate import Reported, Unresolved, dig, wrong_form
from nexusctl.config.read.reader import read_source
from nexusctl.config.read.yaml_parser import compose, compose_any
from nexusctl.config.schema.bounded_regex import Patience, TooSlow
from nexusctl.config.trust.project_folder import around, inside
from nexusctl.errors import Diagnostic, InputError, Note
from nexusctl.model.load_request import VARIABLE as PREFIX
from nexusctl.model.load_request import Given
from nexusctl.model.secret import SourceKind
from nexusctl.model.trust import Trust
from nexusctl.model.values.did_you_mean import nearest, suggest

CHAIN_LIMIT = 30

_KINDS = {
    "string": ("a text", "hello"),
    "integer": ("a whole number", "3000"),
    "number": ("a number", "0.5"),
    "boolean": ("true or false", "true"),
    "list": ("a list", "[a, b]"),
    "map": ("a mapping", "{a: 1, b: 2}"),
}

_PROPERTIES = {"type", "default", "description", "allowed", "pattern", "sensitive"}

Weave = Callable[[Node], Node | None]


def gather(given: Given, section: Mapping, problems: Problems) -> dict[str, Supplied | None]:
    """The strongest value that was supplied for each variable that `section` declares; other names are reported.

    None stands for a value that was in something which cannot be read.
    """
    declared = section.keys
    supplied: dict[str, Supplied | None] = {}
    for name in declared:
        readable = declared[name].source.trust.allows_env(PREFIX + name)
        if readable and (text := os.environ.get(PREFIX + name)) is not None:
            supplied[name] = _from_text(text, declared[name], f"{PREFIX}{name}")
    sensitive = [name for name, node in section.values.items() if is_sensitive(node)]
    for path in given.files:
        values = read_values(path, sensitive, problems, section)
        if values is None:
            # It may have held any of them.
            supplied |= {name: None for name in declared if name not in supplied}
            continue
        # A name that nobody knows may be meant for a sensitive one.
        hide_entries([*sensitive, *(values.keys.keys() - declared.keys())] if sensitive else (), values)
        for name, node in values.values.items():
            supplied[name] = Supplied(node, f"the file {path}", False, supplied.get(name))
            if name not in declared:
                hint, notes = _likely(name, declared)
                problems.add(values.keys[name], f"the stack declares no variable `{name}`", hint, *notes)
    for name, text in given.values.items():
        if name in declared:
            supplied[name] = _from_text(text, declared[name], f"`--var {name}=...`", supplied.get(name))
        else:
            hint, notes = _likely(name, declared)
            problems.extend([Diagnostic(f"`--var {name}=...`: no such variable is declared", hint=hint, notes=notes)])
    return supplied


def read_values(path: Path, sensitive: Collection[str], problems: Problems, section: Mapping) -> Mapping | None:
    """What a variable file says of what `section` declares; None where it cannot be read, which is reported."""
    source = Source(path, str(path), "")
    try:
        trust = around(section.source.trust, path)
        source = read_source(path, kind="variable file", within=inside(trust), trust=trust)
        source.expected = section.keys
        return compose(source, problems)
    except InputError as error:
        if sensitive:
            hide_all(source)
        problems.extend(error.diagnostics)
    return None


def _from_text(text: str, place: Scalar, by: str, over: Supplied | None = None) -> Supplied:
    return Supplied(GivenText(place, text, by), by, True, over)


def _likely(
    name: str, declared: MappingType[str, Scalar], sensitive: frozenset[str] = frozenset()
) -> tuple[str, tuple[Note, ...]]:
    """The hint for a name that is not declared, and where the one stands that was meant.

    The line of a sensitive one is not shown, for its default may stand there.
    """
    if not declared:
        return "declare it: `variables: {" + name + ": {type: string}}`", ()
    near = nearest(name, declared)
    found = note(f"`{near}` is declared here", declared[near]) if near else None
    if found and near in sensitive:
        found = Note(found.text, found.location)
    return suggest(name, declared, "variables of this stack"), (found,) if found else ()


def _find_misspelt(name: str, declared: Collection[str], trust: Trust) -> str | None:
    """What the environment has that looks like `name`, and sets no variable that is `declared`.

    Only asked where `name` has no value: the environment is everybody's, and what it has for others is no mistake.
    """
    environ = trust.environment(os.environ)
    others = {key: key[len(PREFIX) :] for key in sorted(environ) if key.upper().startswith(PREFIX)}
    strays = {word.lower(): key for key, word in others.items() if key != PREFIX + word or word not in declared}
    near = nearest(name.lower(), strays)
    return strays[near] if near else None


class Variables:
    """The variables of one load, each worked out when it is first asked for.

    `section` is what the file says below `variables`; whether that conforms to the schema is not looked at here.
    `weave` puts the references of a default in their places. `resolve` is the namespace. `sensitive` are the names of
    those whose values are secrets.
    """

    noun: SourceKind = "variable"

    def __init__(
        self, section: Mapping, supplied: MappingType[str, Supplied | None], weave: Weave, problems: Problems
    ) -> None:
        self.keys = section.keys
        self.sensitive = frozenset(name for name, node in section.values.items() if is_sensitive(node))
        self._section = section.values
        self._supplied = supplied
        self._weave = weave
        self._problems = problems
        self._values: dict[str, Node | None] = {}
        self._open: list[str] = []
        self._patience = Patience()

    def resolve(self, expression: Expression, place: Scalar) -> Node:
        """What `${var.NAME}` means, or `${var.NAME.KEY}` for a part of a map or list."""
        if not expression.words or expression.argument is not None:
            raise wrong_form(expression, "${var.NAME}")
        name = expression.words[0]
        if name not in self.keys:
            hint, notes = _likely(name, self.keys, self.sensitive)
            raise Unresolved(f"there is no variable `{name}`", hint, *notes)
        if name in self._open:
            shown = " -> ".join([*self._open[self._open.index(name) :], name])
            places = [note(f"`{other}` is declared here", self.keys[other]) for other in self._open]
            raise Unresolved(f"these variables need each other: {shown}", "give one a value of its own", *places)
        if len(self._open) > CHAIN_LIMIT:
            hint = "let them refer to each other less"
            raise Unresolved(f"these variables refer to each other more than {CHAIN_LIMIT} times", hint)
        value = self.value(name)
        if value is None:
            raise Reported
        return dig(value, expression.words[1:], expression)

    def value(self, name: str) -> Node | None:
        """The value of a declared variable; None where there is no right one, which is reported."""
        if name not in self._values:
            self._open.append(name)
            value = self._work_out(name)
            self._values[name] = self._hide(value, name) if value and name in self.sensitive else value
            self._open.pop()
        return self._values[name]

    def _hide(self, node: Node, name: str) -> Node:
        # Most variables are not sensitive.
        from nexusctl.config.interpolate.seal_sensitive import seal  # noqa: PLC0415 - deferred: start-up time

        return seal(node, name, self.noun)

    def _work_out(self, name: str) -> Node | None:
        section = self._section.get(name)
        declaration = section if isinstance(section, Mapping) else Mapping(self.keys[name].source, 1, 1)
        supplied = self._supplied.get(name) or self._default(declaration)
        if supplied is None and name in self._supplied:
            return None
        if supplied is None:
            # Where the declaration itself is wrong, the schema says so.
            if "default" not in declaration.values and section is not None and _is_right(section):
                self._refuse_missing(name, declaration)
            return None
        if isinstance(supplied.node, Scalar) and not is_usable(supplied.node.text):
            self._problems.add(self.keys[name], f"{self._subject(name, supplied)} is not UTF-8", "set it to a text")
            return None
        kind = declaration.text("type") or _natural_type(declaration)
        if kind not in _KINDS:
            return None
        value = _convert(supplied, kind)
        if value is None:
            needed, example = _KINDS[kind]
            found = "something else" if is_sensitive(declaration) else describe(supplied.node)
            summary = f"{self._subject(name, supplied)} has to be {needed}, not {found}"
            self._refuse(declaration, supplied.node, summary, f"give it one such as `{example}`")
            return None
        return value if self._is_allowed(name, declaration, supplied, value) else None

    def _default(self, declaration: Mapping) -> Supplied | None:
        default = declaration.get("default")
        if default is None:
            return None
        woven = self._weave(default)
        return Supplied(woven, "", woven is not default) if woven is not None else None

    def _refuse_missing(self, name: str, declaration: Mapping) -> None:
        about = (declaration.text("description") or "").strip().rstrip(".")
        how = f"set it with `--var {name}=...`, {PREFIX}{name} or a `--var-file`, or give it a `default`"
        hint = f"{about}. {how[0].upper()}{how[1:]}" if about else how
        meant = _find_misspelt(name, self.keys, self.keys[name].source.trust)
        notes = (
            [Note(f"{meant} is set, but no such variable is declared: did you mean {PREFIX}{name}?")] if meant else []
        )
        self._problems.add(self.keys[name], f"the variable `{name}` has no value", hint, *notes)

    def _refuse(self, declaration: Mapping, place: Node, summary: str, hint: str, *notes: Note) -> None:
        """Report a wrong value; of a sensitive one without the lines that it may stand in."""
        if is_sensitive(declaration):
            location = place.source.location(place.line, place.column)
            self._problems.extend([Diagnostic(summary, location, hint=hint)])
        else:
            self._problems.add(place, summary, hint, *notes)

    def _subject(self, name: str, supplied: Supplied) -> str:
        by = f", set by {supplied.by}," if supplied.by else ""
        return f"the {self.noun} `{name}`{by}"

    def _is_allowed(self, name: str, declaration: Mapping, supplied: Supplied, value: Node) -> bool:
        allowed, pattern = declaration.get("allowed"), declaration.get("pattern")
        secret = is_sensitive(declaration)
        subject, shown = self._subject(name, supplied), "this value" if secret else describe(value)
        if isinstance(allowed, Sequence) and not isinstance(value, MixedText):
            values = value.items if isinstance(value, Sequence) else [value]
            known = [plain(item) for item in allowed.items]
            wrong = next((item for item in values if not _is_among(plain(item), known)), None)
            if wrong is not None:
                shown = "this value" if secret else describe(wrong)
                words = [item.text for item in allowed.items if isinstance(item, Scalar)]
                hint = suggest("" if secret or not isinstance(wrong, Scalar) else wrong.text, words, "allowed are")
                places = [] if supplied.by else [note(f"`{name}` is declared here", self.keys[name])]
                self._refuse(declaration, supplied.node, f"{subject} cannot be {shown}", hint, *places)
                return False
        if isinstance(pattern, Scalar) and isinstance(value, Scalar) and not isinstance(value, MixedText):
            try:
                fits = self._patience.matches(pattern.text, value.text)
            except re.error as error:
                self._problems.add(
                    pattern, f"`pattern` is no regular expression: {error}", "write one such as `[a-z]+`"
                )
            except TooSlow:
                hint = "write one without a repetition inside of a repetition"
                self._problems.add(pattern, "`pattern` takes too long to try", hint)
            else:
                if fits:
                    return True
                hint = f"the whole of it has to match `{pattern.text}`"
                place = note("the pattern is here", pattern)
                self._refuse(declaration, supplied.node, f"{subject} cannot be {shown}", hint, place)
            return False
        return True


def _is_right(section: Node) -> bool:
    if isinstance(section, Mapping):
        return section.values.keys() <= _PROPERTIES
    return isinstance(section, Scalar) and section.value is None


def _is_among(value: object, known: list[object]) -> bool:
    return any(type(value) is type(other) and value == other for other in known)


def _natural_type(declaration: Mapping) -> str:
    """The type of a variable whose declaration names none: that of its default, or text."""
    default = declaration.get("default")
    if isinstance(default, Mapping):
        return "map"
    if isinstance(default, Sequence):
        return "list"
    kinds = {bool: "boolean", int: "integer", float: "number"}
    return kinds.get(type(default.value), "string") if default is not None else "string"


def _convert(supplied: Supplied, kind: str) -> Node | None:
    """The value as its type has it, None where it is none of that type."""
    node: Node | None = supplied.node
    if kind in ("list", "map"):
        if supplied.is_text and isinstance(node, Scalar):
            node = _read(node.text, node)
        return node if isinstance(node, Sequence if kind == "list" else Mapping) else None
    if not isinstance(node, Scalar) or node.value is None:
        return None
    if isinstance(node, MixedText):
        # What is not known yet cannot be told to be wrong.
        return node
    if kind == "string":
        return node if node.value is node.text else Placed(node, node.text, node.text, node)
    value = resolve(node.text.strip()) if supplied.is_text else node.value
    right = {"integer": (int,), "number": (int, float), "boolean": (bool,)}.get(kind, (type(value),))
    if type(value) not in right:
        return None
    return Placed(node, node.text.strip(), value, node) if supplied.is_text else node


def _read(text: str, place: Scalar) -> Node | None:
    """A list or mapping written as one text, in YAML or JSON; the mistakes in it are not told, as it may be secret."""
    try:
        found = Problems()
        node = compose_any(Source(place.source.path, place.source.display, text, trust=place.source.trust), found)
        found.raise_any()
    except InputError:
        return None
    # What is written in one text has no places of its own.
    return move(node, place, origin_of(place)) if node is not None else None
