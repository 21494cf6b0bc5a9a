"""Which values of the files of a stack are sensitive, by their paths, whichever file they stand in."""

from __future__ import annotations

from typing import Any

from nexusctl.config.document.hidden_lines import sensitive_names
from nexusctl.config.document.node import Mapping, Node
from nexusctl.config.load import Loaded
from nexusctl.config.templates.arguments_from_each import Words, find_each_given
from nexusctl.config.templates.sensitive_arguments import sensitive_parameters
from nexusctl.config.templates.template import TemplateFile

Path = tuple[str | int, ...]

SENSITIVE = "(sensitive)"


class Veil:
    """What is to be said of values where some may be sensitive.

    Of a sandbox that nobody told it about, such as one that is deleted, all that it may give to a template is.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._variables = sensitive_names(loaded.layers)
        self._parameters: dict[str, frozenset[str] | None] = {}
        self._each: dict[str, list[Words]] = {}

    def know(self, name: str, node: Node, file: TemplateFile | None) -> None:
        """Take note of what the sandbox `name` says, and of its template."""
        if isinstance(node, Mapping):
            self._parameters[name] = sensitive_parameters(node, file)
            self._each[name] = find_each_given(node, self._parameters[name])

    def cover(self, path: Path, value: Any) -> Any:
        """`value`, which stands at `path`, without what is sensitive in it."""
        if value is None:
            return None
        if self.is_sensitive(path, value):
            return SENSITIVE
        if isinstance(value, dict):
            return {key: self.cover((*path, key), part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.cover((*path, number), part) for number, part in enumerate(value)]
        return value

    def is_sensitive(self, path: Path, value: Any) -> bool:
        """Whether all of the `value` at `path` is."""
        whole = not isinstance(value, dict)
        match path:
            case ("variables", name, "default", *_):
                return name in self._variables
            case ("variables", name):
                return whole and name in self._variables
            case ("sandboxes", name, "with", *rest):
                return self._is_given(str(name), rest, whole)
            case ("sandboxes", name, "for_each", _, *rest):
                return self._is_each(str(name), tuple(map(str, rest)))
        return False

    def _is_given(self, sandbox: str, rest: list[str | int], whole: bool) -> bool:
        names = self._parameters.get(sandbox)
        if rest:
            return names is None or rest[0] in names
        return whole and names != frozenset()

    def _is_each(self, sandbox: str, words: Words) -> bool:
        given = self._each.get(sandbox)
        return given is None or any(words[: len(each)] == each for each in given)
