"""The parameters of a template: what it declares, what a sandbox gives with `with`, and `${param.NAME}`."""

from __future__ import annotations

from collections.abc import Sequence as SequenceType

from nexusctl.config.document.derived import MixedText, Supplied, rebuilt
from nexusctl.config.document.expression import Expression
from nexusctl.config.document.hidden_lines import clear, hide_entries, sensitive_names
from nexusctl.config.document.node import Mapping, Node, Scalar
from nexusctl.config.document.problems import Problems, note
from nexusctl.config.interpolate.env_stack_file import TextFiles
from nexusctl.config.interpolate.interpolate import Interpolation, Unresolved, wrong_form
from nexusctl.config.interpolate.misplaced_secrets import drop_stray_in_template
from nexusctl.config.interpolate.variables import Variables, Weave
from nexusctl.config.read.merge import merge_all
from nexusctl.model.secret import SourceKind
from nexusctl.model.values.did_you_mean import suggest

# A recipe is a script, in which `${` belongs to the shell.
_WOVEN = ("description", "image", "defaults")


def fill_in(
    layers: SequenceType[Mapping], merged: Mapping, caller: Node | None, given: Node | None, problems: Problems
) -> Mapping:
    """The template of `layers` with its parameters in their places.

    `merged` is what the layers come to as they are written. `given` is what `caller` says with `with`; without a
    caller, the template is taken as it is.
    """
    declared = merged.get("parameters")
    section = declared if isinstance(declared, Mapping) else Mapping(merged.source, merged.line, merged.column)
    if caller is None:
        return merged
    if isinstance(given, Mapping):
        _hide_given(given, sensitive_names(layers), section)
    supplied = _supply(section, given, merged, problems)
    parameters = Parameters(section, supplied, lambda node: interpolation.tree(node), caller, problems)  # noqa: PLW0108  (made below)
    interpolation = Interpolation({"param": parameters.resolve, "file": TextFiles().resolve}, problems, section.keys)
    for name in section.keys:
        parameters.value(name)
    woven, declares = [], False
    for layer in layers:
        # Below the first one that declares parameters, `${` is what it always was.
        declares = declares or "parameters" in layer.values or "${param." in layer.source.text
        woven.append(_weave(layer, interpolation) if declares else layer)
    return drop_stray_in_template(merge_all(woven, problems), problems)


def _hide_given(given: Mapping, sensitive: frozenset[str], section: Mapping) -> None:
    """Hide what is `given` for `sensitive` parameters; nothing else of it is in doubt then.

    A name that nobody knows may be meant for one of them. What was wrong cannot be told from the rest any more.
    """
    for name, key in () if given.dropped & sensitive else given.keys.items():
        clear(key, given.values[name])
    unknown = given.keys.keys() - section.keys.keys() if sensitive else ()
    hide_entries([name for name in (*sensitive, *unknown) if not _is_reference(name, given)], given)


def _weave(layer: Mapping, interpolation: Interpolation) -> Mapping:
    return rebuilt(
        layer, {key: interpolation.tree(node) if key in _WOVEN else node for key, node in layer.values.items()}
    )


def _is_reference(name: str, given: Mapping) -> bool:
    """Whether all that is given for a parameter is known elsewhere."""
    value = given.get(name)
    return isinstance(value, MixedText) and not any(isinstance(part, str) for part in value.parts)


def _supply(section: Mapping, given: Node | None, merged: Mapping, problems: Problems) -> dict[str, Supplied | None]:
    supplied: dict[str, Supplied | None] = {}
    if given is not None:
        # What was wrong there is reported.
        supplied = dict.fromkeys(given.dropped if isinstance(given, Mapping) else section.keys)
    for name, value in given.values.items() if isinstance(given, Mapping) else ():
        if name in section.keys:
            supplied[name] = Supplied(value, "", False)
            continue
        template = merged.text("name")
        hint = suggest(name, section.keys, "its parameters") if section.keys else "remove it: the template has none"
        place = note("the template is here", merged.keys.get("parameters", merged))
        assert isinstance(given, Mapping)
        problems.add(given.keys[name], f"the template `{template}` has no parameter `{name}`", hint, place)
    return supplied


class Parameters(Variables):
    """Typed as variables are; what is wrong with a value is told where it is given."""

    noun: SourceKind = "parameter"

    def __init__(
        self, section: Mapping, supplied: dict[str, Supplied | None], weave: Weave, caller: Node, problems: Problems
    ) -> None:
        super().__init__(section, supplied, weave, problems)
        self._caller = caller

    def resolve(self, expression: Expression, place: Scalar) -> Node:
        """What `${param.NAME}` means, or `${param.NAME.KEY}` for a part of a map or list."""
        if not expression.words or expression.argument is not None:
            raise wrong_form(expression, "${param.NAME}")
        if expression.words[0] not in self.keys:
            name = expression.words[0]
            hint = (
                suggest(name, self.keys, "its parameters") if self.keys else f"declare it: `parameters: {{{name}: }}`"
            )
            raise Unresolved(f"the template has no parameter `{name}`", hint)
        return super().resolve(expression, place)

    def _refuse_missing(self, name: str, declaration: Mapping) -> None:
        about = (declaration.text("description") or "").strip().rstrip(".")
        hint = f"give it: `with: {{{name}: ...}}`"
        hint = f"{about}. {hint[0].upper()}{hint[1:]}" if about else hint
        place = note("it is declared here", self.keys[name])
        self._problems.add(self._caller, f"the template needs the parameter `{name}`", hint, place)
