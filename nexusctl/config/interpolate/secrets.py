"""What `${secret.NAME}`, `${VAULT_SECRET:NAME}` and `${ENCRYPTED:NAME}` mean: the use of a secret, never its value."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from nexusctl.config.document.declared import Declared
from nexusctl.config.document.derived import from_value
from nexusctl.config.document.expression import Expression
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import note
from nexusctl.config.interpolate.interpolate import Namespace, Unresolved, one_argument, one_word
from nexusctl.model.secret import NAME, SAFE, SOURCES, SecretUse
from nexusctl.model.values.did_you_mean import suggest


class SecretScope:
    """Lives as long as one load of `document`. The short forms declare what they name where nobody else has."""

    def __init__(self, document: Mapping) -> None:
        self._document = document
        self._declared = document.section("secrets")
        self._made: dict[str, Node] = {}

    @property
    def namespaces(self) -> dict[str, Namespace]:
        return {"secret": self._resolve, "VAULT_SECRET": self._resolve_vault, "ENCRYPTED": self._resolve_encrypted}

    def with_declarations(self, document: Mapping) -> Mapping:
        """`document` with what the short forms declared in its `secrets`."""
        if not self._made:
            return document
        before = document.get("secrets")
        section = before if isinstance(before, Mapping) else Mapping(document.source, 1, 1)
        secrets = _extended(section, self._made)
        return _extended(document, {"secrets": secrets})

    def _resolve(self, expression: Expression, place: Scalar) -> SecretUse:
        name = one_word(expression, "NAME")
        self._require_place(place, name)
        if name not in self._declared:
            hint = suggest(name, self._declared, "secrets of this stack") if self._declared else ""
            where = f"declare it at the top: `secrets: {{{name}: {{env: {name.upper().replace('-', '_')}}}}}`"
            deleted = Declared(self._document, "secrets").deletions(name)
            raise Unresolved(f"there is no secret `{name}` in this stack", hint or where, *deleted)
        return SecretUse(secret=name)

    def _resolve_vault(self, expression: Expression, place: Scalar) -> SecretUse:
        stack = self._document.text("name") or ""
        return self._resolve_short(expression, place, {"vault": stack})

    def _resolve_encrypted(self, expression: Expression, place: Scalar) -> SecretUse:
        return self._resolve_short(expression, place, {"age": SAFE})

    def _resolve_short(self, expression: Expression, place: Scalar, declaration: dict[str, str]) -> SecretUse:
        name = one_argument(expression, "NAME")
        source = next(iter(declaration))
        if not NAME.match(name):
            hint = f"declare it under `secrets` with `{source}` and `key`, and write `${{secret.NAME}}`"
            summary = "cannot be the name of a secret"
            raise Unresolved(f"`{name}` {summary}", hint, discreet=(f"this {summary}", hint))
        self._require_place(place, name)
        other = self._declared.get(name) or self._made.get(name)
        if other is None:
            self._made[name] = from_value(declaration, place)
        elif isinstance(other, Mapping) and source not in other.values and other.values.keys() & set(SOURCES):
            hint = f"write `${{secret.{name}}}` for that one, or use another name"
            summary = f"the secret `{name}` does not come from `{source}`"
            raise Unresolved(summary, hint, note(f"`{name}` is declared here", other))
        return SecretUse(secret=name)

    def _require_place(self, place: Scalar, name: str) -> None:
        variables, others = self._places
        if id(place) not in variables:
            if id(place) in self._outputs:
                hint = f"leave it out, and let whoever needs it read it where `{name}` comes from"
                raise Unresolved("no output can hold a secret, because outputs are shown without reading any", hint)
            hint = f"give it to a sandbox as a file, with `secrets: [{name}]`, or as a variable in its `env`"
            raise Unresolved("a secret cannot stand here, where everybody would see it", hint)
        if id(place) in others:
            hint = "write it out where it may stand, and something else in the other place"
            raise Unresolved("through an alias this secret stands in another place than an `env`, too", hint)

    @cached_property
    def _outputs(self) -> frozenset[int]:
        return frozenset(_scalar_ids(list(self._document.section("outputs").values())))

    @cached_property
    def _places(self) -> tuple[frozenset[int], frozenset[int]]:
        """The values of variables of sandboxes and what they give to templates, and all other scalars."""
        variables: list[Node] = []
        given: list[Node] = []
        others: list[Node] = [node for key, node in self._document.values.items() if key != "sandboxes"]
        for sandbox in self._document.section("sandboxes").values():
            for key, node in sandbox.values.items() if isinstance(sandbox, Mapping) else ():
                if key == "env" and isinstance(node, Mapping):
                    variables += node.values.values()
                elif key == "with":
                    given.append(node)
                else:
                    others.append(node)
        return frozenset(map(id, variables)) | {*_scalar_ids(given)}, frozenset(_scalar_ids(others))


def _scalar_ids(nodes: list[Node]) -> Iterator[int]:
    seen: set[int] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Scalar):
            yield id(node)
        else:
            waiting += node.items if isinstance(node, Sequence) else node.values.values()


def _extended(node: Mapping, more: dict[str, Node]) -> Mapping:
    made = Mapping(node.source, node.line, node.column)
    made.values = {**node.values, **more}
    made.keys = {**{key: Scalar(n.source, n.line, n.column, key, False) for key, n in more.items()}, **node.keys}
    made.dropped = node.dropped
    return made
