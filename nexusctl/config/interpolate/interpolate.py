"""`${...}` in the values of a tree: every reference is looked up in its namespace, and what it means takes its place.

A namespace is a function: it takes the `Expression` and the `Scalar` that it stands in, and returns what the reference
means: a JSON value, a `Node`, or an object of any other class. It raises `Unresolved` where it means nothing. To add
one, write it in a file of its own and enter it under its name in `resolve.py`:

    def resolve(expression: Expression, place: Scalar) -> SecretRef:
        name = one_word(expression, "NAME")
        if name not in declared:
            raise Unresolved(f"there is no secret `{name}`", suggest(name, declared, "secrets of this stack"))
        return SecretRef(name)

For a short form such as `${ENCRYPTED:api_key}` it takes `one_argument(expression, "NAME")`.

Where a reference is a whole scalar, its value goes in as it is: an integer where the schema wants one, a list, a
mapping. Inside of a text it goes in as text. An object that is no JSON value makes its scalar a `MixedText`, whose
`parts` keep it apart from the texts around it until somebody who may see it puts them together.

Wrong references are reported, all of them, each at its place inside of the scalar. What they stand in is left out as
what the schema refuses is, so that nothing else is said about it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from collections.abc import Mapping as MappingType
from contextlib import suppress
from typing import Any

from nexusctl.config.document.derived import MixedText, Placed, from_value, measure, move, point_into, rebuilt
from nexusctl.config.document.expression import OPENING, Expression, MalformedReference, Part, parse, shorten
from nexusctl.config.document.hidden_lines import Discreet
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence, find_inside
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.yaml_parser import DEPTH_LIMIT, NODE_LIMIT
from nexusctl.errors import Note
from nexusctl.model.values.did_you_mean import nearest, suggest

TEXT_LIMIT = 16 * 1024 * 1024

Namespace = Callable[[Expression, Scalar], Any]

# The namespace whose references may say what stands in for them.
_OPTIONAL = "env"

# Namespaces that are not everywhere, and where they are.
_ELSEWHERE = {
    "each": "write it inside of a sandbox that has `for_each`",
    "sandbox": "write it inside of a sandbox, or in `outputs`",
}

# What a stack file can refer to, and a template cannot.
_OF_A_STACK = ("env", "secret", "stack", "var")


# What is said of what is none, where it may be a part of something sensitive.
NO_REFERENCE = ("this `${` begins no reference", "write one such as `${var.port}`, or `$${` for a literal `${`")


class Unresolved(Exception):
    """A reference that means nothing: what is wrong, what to do, and other places that belong to it.

    `discreet` is the same without what the file says there beside names, where the two others repeat that.
    """

    def __init__(self, summary: str, hint: str, *notes: Note, discreet: Discreet | None = None) -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint
        self.notes = notes
        self.discreet = discreet


class Reported(Unresolved):
    """A reference to something that is wrong itself, which is reported already."""

    def __init__(self) -> None:
        super().__init__("", "")


class Interpolation:
    """Lives as long as one load, and bounds what all references of it make together.

    `variables` are the names of variables or parameters that a user may have meant who wrote `${port}`. `failures`
    counts the wrong references so far.
    """

    def __init__(
        self, namespaces: MappingType[str, Namespace], problems: Problems, variables: Collection[str] = ()
    ) -> None:
        self._namespaces = namespaces
        self._problems = problems
        self._variables = variables
        self.failures = 0
        self._texts = 0
        self._nodes = 0

    def tree(self, node: Node, **more: Namespace) -> Node | None:
        """`node` with every reference in its place, itself where it has none; None where it is wrong as a whole.

        `more` are namespaces that have a meaning only here, such as `each`.
        """
        return _TreeWalk(self, {**self._namespaces, **more}).take(node)

    def scalar(self, node: Scalar, namespaces: MappingType[str, Namespace]) -> Node | None:
        """What a scalar says with its references looked up; None where one of them is wrong, which is reported."""
        return self._combine(parse(node.text), node, namespaces)

    def _combine(self, parts: tuple[Part, ...], place: Scalar, namespaces: MappingType[str, Namespace]) -> Node | None:
        whole = len(parts) == 1
        values = [self._value(part, place, namespaces, whole=whole) for part in parts]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        if whole and not isinstance(known[0], str):
            nodes, length, height = measure(known[0])
            self._spend(nodes, length, place)
            if height > DEPTH_LIMIT:
                hint = "nest them less"
                self._problems.add(place, f"lists and mappings lie more than {DEPTH_LIMIT} deep in each other", hint)
                return None
            return move(known[0], place)
        pieces = [piece for value in known for piece in _pieces(value)]
        texts = [piece for piece in pieces if isinstance(piece, str)]
        self._spend(1, sum(map(len, texts)), place)
        if len(texts) < len(pieces):
            return MixedText(place, pieces)
        text = "".join(texts)
        return Placed(place, text, text)

    def _value(
        self, part: Part, place: Scalar, namespaces: MappingType[str, Namespace], *, whole: bool
    ) -> str | Node | None:
        if isinstance(part, str):
            return part
        try:
            if isinstance(part, MalformedReference):
                raise _refuse_malformed(part)
            value = self._look_up(part, place, namespaces)
            if not whole and isinstance(value, Mapping | Sequence):
                kind = "list" if isinstance(value, Sequence) else "mapping"
                hint = "let the reference be the whole value, with nothing before and behind it"
                summary = f"is a {kind}, which cannot stand inside of a text"
                discreet = (f"this reference {summary}", hint)
                raise Unresolved(f"`{part.text}` {summary}", hint, discreet=discreet)  # noqa: TRY301
        except Reported:
            self.failures += 1
            return None
        except Unresolved as error:
            self.failures += 1
            self._refuse(point_into(place, part.at), error)
            return None
        return value

    def _refuse(self, place: Scalar, error: Unresolved) -> None:
        self._problems.add(place, error.summary, error.hint, *error.notes, discreet=error.discreet)

    def _look_up(self, expression: Expression, place: Scalar, namespaces: MappingType[str, Namespace]) -> Node:
        namespace = namespaces.get(expression.namespace)
        if namespace is None:
            raise self._unknown(expression, namespaces)
        if expression.operator:
            return self._with_stand_in(namespace, expression, place, namespaces)
        return _as_node(namespace(expression, place), place)

    def _with_stand_in(
        self, namespace: Namespace, expression: Expression, place: Scalar, namespaces: MappingType[str, Namespace]
    ) -> Node:
        name = ".".join((expression.namespace, *expression.words))
        if expression.namespace != _OPTIONAL:
            more = _for_a_variable(expression) if expression.namespace == "var" else ""
            summary = f"only variables of the environment take `{expression.operator}`"
            hint = f"write `{OPENING}{name}}}`"
            raise Unresolved(summary, hint + more, discreet=(summary, hint))
        value: Any = None
        with suppress(Unresolved):
            value = namespace(expression, place)
        there = value is not None and (value != "" or not expression.operator.startswith(":"))
        if there != expression.operator.endswith("+"):
            return _as_node(value if there else "", place)
        other = self._combine(expression.operand, place, namespaces)
        if other is None:
            raise Reported
        if not expression.operator.endswith("?"):
            return other
        message = other.text if isinstance(other, Scalar) and other.text else "it is not set"
        summary, hint = f"`{name}` is needed", f"`export {expression.words[-1]}=...` before you call nexusctl"
        raise Unresolved(f"{summary}: {message}", hint, discreet=(summary, hint))

    def _unknown(self, expression: Expression, namespaces: MappingType[str, Namespace]) -> Unresolved:
        name, inside = expression.namespace, expression.text[len(OPENING) : -1]
        if "param" in namespaces and name in (*_OF_A_STACK, *_ELSEWHERE):
            return _in_a_template(expression)
        if name in _ELSEWHERE:
            return _none(f"`{expression.text}` means nothing here", _ELSEWHERE[name])
        literal = f"`${expression.text}` for the literal text"
        if expression.words or expression.argument is not None:
            if near := nearest(name, namespaces) or nearest(name.lower(), namespaces):
                return _none(f"`{name}` is nothing to refer to", f"did you mean `{near}`? Or write {literal}")
            known = ", ".join(f"`{known}`" for known in sorted(namespaces))
            return _none(f"`{name}` is nothing to refer to", f"write one of {known}, or {literal}")
        summary = f"`{expression.text}` says nothing about where `{name}` comes from"
        literal += ", which a shell then sees"
        kind = "param" if "param" in namespaces else "var"
        if near := nearest(name.lower(), self._variables):
            return _none(summary, f"did you mean `${{{kind}.{near}}}`? Or write {literal}")
        if kind == "param":
            return _none(summary, f"write {literal}, or `${{param.NAME}}` for a parameter")
        hint = f"write {literal}, or `${{env.{inside}}}` for a variable of this machine"
        return _none(summary, hint)

    def _spend(self, nodes: int, texts: int, place: Scalar) -> None:
        """Stop before references that double each other fill the memory."""
        self._nodes += nodes
        self._texts += texts
        if self._nodes <= NODE_LIMIT and self._texts <= TEXT_LIMIT:
            return
        what = f"{NODE_LIMIT:,} values" if self._nodes > NODE_LIMIT else f"{TEXT_LIMIT // 1024 // 1024} MiB of text"
        self._problems.add(place, f"the references of this stack expand to more than {what}", "let them hold less")
        self._problems.raise_any()


class _TreeWalk:
    """One walk through a tree; nodes that aliases share are looked at once, and stay shared."""

    def __init__(self, interpolation: Interpolation, namespaces: MappingType[str, Namespace]) -> None:
        self.interpolation = interpolation
        self.namespaces = namespaces
        self.known: dict[int, Node | None] = {}

    def take(self, node: Node) -> Node | None:
        if isinstance(node, Scalar) and OPENING not in node.text:
            return node
        key = id(node)
        if key not in self.known:
            self.known[key] = self.weave(node)
        return self.known[key]

    def weave(self, node: Node) -> Node | None:
        if isinstance(node, Scalar):
            return self.interpolation.scalar(node, self.namespaces)
        if isinstance(node, Sequence):
            return self.sequence(node)
        return self.mapping(node)

    def sequence(self, node: Sequence) -> Sequence | None:
        items = [self.take(item) for item in node.items]
        if all(new is old for new, old in zip(items, node.items, strict=True)):
            return node
        if not any(items):
            # An empty list would be another mistake.
            return None
        made = Sequence(node.source, node.line, node.column)
        made.items = [item for item in items if item is not None]
        return made

    def mapping(self, node: Mapping) -> Mapping:
        return rebuilt(node, {key: self.take(value) for key, value in node.values.items()})


def one_word(expression: Expression, name: str) -> str:
    """The only word of a reference such as `${secret.NAME}`, which `name` says in its hint. Raises `Unresolved`."""
    if len(expression.words) == 1 and expression.argument is None:
        return expression.words[0]
    raise wrong_form(expression, f"${{{expression.namespace}.{name}}}")


def one_argument(expression: Expression, name: str) -> str:
    """What stands behind the colon of a reference such as `${file:./motd.txt}`. Raises `Unresolved`."""
    if not expression.words and expression.argument:
        return expression.argument
    raise wrong_form(expression, f"${{{expression.namespace}:{name}}}")


def wrong_form(expression: Expression, right: str) -> Unresolved:
    """The error for a reference whose namespace is right and whose rest is not."""
    return _none(f"`{expression.text}` is no reference", f"write it as `{right}`")


def _refuse_malformed(part: MalformedReference) -> Unresolved:
    # Few texts hold what is none.
    from nexusctl.config.document.expression_hints import advise  # noqa: PLC0415 - deferred: start-up time

    return Unresolved(part.summary, part.hint or advise(part.text), discreet=NO_REFERENCE if part.quotes else None)


def _none(summary: str, hint: str) -> Unresolved:
    """The error for what is none, both of whose texts repeat it."""
    return Unresolved(summary, hint, discreet=NO_REFERENCE)


def dig(node: Node, words: tuple[str, ...], expression: Expression) -> Node:
    """What lies in `node` below the keys or, in lists, numbers `words`. Raises `Unresolved`."""
    for depth, word in enumerate(words):
        so_far = ".".join((expression.namespace, *expression.words))
        found = find_inside(node, word)
        if found is None:
            raise _absent(node, word, so_far.removesuffix("." + ".".join(words[depth:])))
        node = found
    return node


def _absent(node: Node, word: str, where: str) -> Unresolved:
    if isinstance(node, Mapping) and not node.values:
        return Unresolved(f"`{where}` has no `{word}`", f"give it one: `{where}` has nothing in it")
    if isinstance(node, Mapping):
        return Unresolved(f"`{where}` has no `{word}`", suggest(word, node.values, f"`{where}` has"))
    if isinstance(node, Sequence):
        return Unresolved(f"`{where}` has no item `{word}`", f"it has {len(node.items)}, counted from 0")
    return Unresolved(f"`{where}` is a single value, which has no `{word}`", f"write `{OPENING}{where}}}`")


def _in_a_template(expression: Expression) -> Unresolved:
    summary = f"`{expression.text}` means nothing in a template, which knows no stack"
    name = expression.words[-1].replace("-", "_") if expression.words else "name"
    given = f'`with: {{{name}: "{expression.text}"}}`'
    return _none(summary, f"declare a parameter, write `${{param.{name}}}`, and hand it over: {given}")


def _for_a_variable(expression: Expression) -> str:
    """What a declaration has that does what the operator was meant to do."""
    if expression.operator.endswith("?"):
        return "; where it has no value, the error shows the `description` of the variable"
    operand = expression.text.partition(expression.operator)[2][:-1]
    return f", and declare the variable with `default: {json.dumps(shorten(operand), ensure_ascii=False)}`"


def _as_node(value: Any, place: Scalar) -> Node:
    return value if isinstance(value, Mapping | Sequence | Scalar) else from_value(value, place)


def _pieces(value: Any) -> tuple[Any, ...]:
    if isinstance(value, MixedText):
        return value.parts
    return (value.text,) if isinstance(value, Scalar) else (value,)
