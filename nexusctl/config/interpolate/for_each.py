"""The sandboxes that each entry of a stack file makes: one, so many replicas, or one for each of something."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nexusctl.config.document.derived import MixedText, picked
from nexusctl.config.document.describe import describe
from nexusctl.config.document.expression import Expression
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems, note
from nexusctl.config.interpolate.interpolate import Namespace, Unresolved, dig, wrong_form
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.frozen import dataclass

MOST_REPLICAS = 1000

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What stands for one sandbox, or for equal replicas, in the file.

    `key` is the name in the file, which is the group's, and `node` what is said below it. `name` is the sandbox's own
    where `for_each` makes several of them, else the group's; `each` is then the key and the value that it is made for.
    """

    name: str
    key: Scalar
    node: Mapping
    each: tuple[Scalar, Node] | None = None
    replicas: int | None = None

    @property
    def instances(self) -> tuple[str, ...]:
        if self.replicas is None:
            return (self.name,)
        return tuple(f"{self.name}-{number}" for number in range(1, self.replicas + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A reference that stays one, as it was written."""

    text: str


def keep(expression: Expression, _: Scalar) -> Kept:
    """The namespace of references whose meaning is not the same for all that an entry makes."""
    return Kept(text=expression.text)


def each_scope(entry: Instance) -> dict[str, Namespace]:
    """The namespace `each` inside of what `for_each` makes, none elsewhere."""
    if entry.each is None:
        return {}
    key, value = entry.each

    def resolve(expression: Expression, _: Scalar) -> Node | str:
        word, *rest = expression.words or ("",)
        if not word or expression.argument is not None or (word == "key" and rest):
            raise wrong_form(expression, "${each.key}` or `${each.value.NAME}")
        if word == "key":
            return key.text
        if word != "value":
            raise Unresolved(f"`each` has no `{word}`", suggest(word, ["key", "value"], "it has"))
        try:
            return dig(value, tuple(rest), expression)
        except Unresolved as error:
            where = note(f"`{key.text}` is given here", key)
            raise Unresolved(error.summary, error.hint, *error.notes, where) from None

    return {"each": resolve}


def read_entries(key: Scalar, node: Mapping, problems: Problems) -> list[Instance]:
    """The entries that the sandbox `key` makes, whose `for_each` and `replicas` have no references any more."""
    if node.lacks("for_each"):
        replicas = node.get("replicas")
        number = replicas.value if isinstance(replicas, Scalar) else None
        right = type(number) is int and 0 <= number <= MOST_REPLICAS
        return [Instance(name=key.text, key=key, node=node, replicas=number if right else None)]
    each = node.get("for_each")
    if each is not None and "replicas" in node.values:
        places = (node.keys["for_each"], node.keys["replicas"])
        first, second = sorted(places, key=lambda place: (place.line, place.column))
        summary = f"`{key.text}` has both `for_each` and `replicas`, which exclude each other"
        problems.add(second, summary, "keep one of them", note("the other one is here", first))
        return []
    return list(_each(key, node, each, problems)) if each is not None else []


def _each(key: Scalar, node: Mapping, each: Node, problems: Problems) -> Iterator[Instance]:
    rest = picked(node, {name: value for name, value in node.values.items() if name != "for_each"})
    seen: dict[str, Scalar] = {}
    for place, value in _pairs(key, each, problems):
        name = f"{key.text}-{place.text}"
        if isinstance(place, MixedText):
            hint = "name the sandboxes by keys: `for_each: {a: ..., b: ...}`"
            problems.add(place, "a secret cannot make the name of a sandbox, where it would show", hint)
        elif place.text in seen:
            first = note("it stands first here", seen[place.text])
            problems.add(place, f"`{place.text}` stands twice in `for_each`", "keep one of the two", first)
        elif not _NAME.match(name) or not _NAME.match(place.text):
            # Most names are in order.
            from nexusctl.config.validate.rewrite import slug  # noqa: PLC0415 - deferred: start-up time

            hint = "use lower-case letters, digits and dashes, so few that the whole name has at most 40"
            shown = f"`{place.text}`" if place.text else "an empty text"
            summary = f"{shown} cannot make the name of a sandbox, `{name}`"
            better = "" if isinstance(place, MixedText) else slug(place.text, {"pattern": f"^{_NAME.pattern}"})
            problems.add(place, summary, better + hint)
        else:
            yield Instance(name=name, key=key, node=rest, each=(place, value))
        seen.setdefault(place.text, place)


def _pairs(key: Scalar, each: Node, problems: Problems) -> list[tuple[Scalar, Node]]:
    if isinstance(each, Mapping):
        return [(each.keys[name], value) for name, value in each.values.items()]
    example = "write `for_each: {a: 1, b: 2}`, or a list of names: `for_each: [a, b]`"
    if not isinstance(each, Sequence):
        problems.add(
            each, f"the `for_each` of `{key.text}` has to be a mapping or a list, not {describe(each)}", example
        )
        return []
    pairs: list[tuple[Scalar, Node]] = []
    for item in each.items:
        if isinstance(item, Scalar) and item.value is not None:
            pairs.append((item, item))
        else:
            problems.add(item, f"`for_each` of `{key.text}` takes names in a list, not {describe(item)}", example)
    return pairs
