"""Templates: the built-in ones, which are data in `nexusctl/templates/`, and files of one's own."""

from __future__ import annotations

from collections.abc import Sequence as SequenceType
from dataclasses import replace
from pathlib import Path
from typing import Any

from nexusctl.config.document.derived import identity
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence, plain
from nexusctl.config.document.problems import Problems, note
from nexusctl.config.schema.files import TEMPLATE
from nexusctl.config.templates.builtin import BESIDE, Found, built_in, is_path, read_document, template_names
from nexusctl.config.templates.search import find_template
from nexusctl.config.trust.project_folder import around, why_outside
from nexusctl.config.validate.validate import check_part, validate
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.record import canonical
from nexusctl.model.template import Recipe, Template
from nexusctl.model.trust import OURS, Trust
from nexusctl.model.values.checksum import sha256
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFile:
    """A template with its defaults as nodes, whose problems can be shown at their places in its file.

    `layers` are the documents that it was made of, each laid over the ones before it.
    """

    template: Template
    defaults: Mapping | None
    found: Found
    layers: tuple[Mapping, ...] = ()


def load_template(name_or_path: str | Path, trust: Trust = OURS) -> Template:
    """A template by name, one's own in `./templates` before a built-in one, or from a file.

    A file is what has a slash or ends with `.yaml`. Parameters that have no default stay references in it.
    Raises `InputError` where there is none, or its file is wrong.
    """
    return _load(name_or_path, trust).template


def read_parameters(name_or_path: str | Path, trust: Trust = OURS) -> dict[str, Any]:
    """What can be said to that template with `with`, by name, as its files declare it. Raises as `load_template`."""
    found: dict[str, Any] = {}
    for layer in _load(name_or_path, trust).layers:
        declared = layer.get("parameters")
        found |= plain(declared) if isinstance(declared, Mapping) else {}
    return found


def _load(name_or_path: str | Path, trust: Trust) -> TemplateFile:
    name = str(name_or_path)
    beside = Path(BESIDE) / f"{name}.yaml"
    if is_path(name) or beside.is_file():
        path = Path(name) if is_path(name) else beside
        trust = around(trust, path)
        if trust.untrusted and (why := why_outside(path, trust.project)):
            raise InputError(Diagnostic(f"`{path}` {why}", hint=trust.hint))
        return _read(Found(path=path.absolute(), display=str(path), trust=trust), Path.cwd(), None)
    if name not in template_names():
        hint = suggest(name, template_names(), "built-in templates")
        raise InputError(Diagnostic(f"there is no template `{name}`", hint=hint))
    return read_built_in(name)


def read_built_in(name: str, below: tuple[str, ...] = ()) -> TemplateFile:
    """The built-in template `name`; `below` as in `_read`. Raises `InputError` where its data is wrong."""
    found = built_in(name)
    return _read(found, found.path.parent, None, below)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateUse:
    """Where a template is used, and the values that are given for its parameters there."""

    place: Node
    given: Node | None


def _read(
    found: Found, root: Path, call: TemplateUse | None, below: tuple[str, ...] = (), above: Problems | None = None
) -> TemplateFile:
    """The template in a file; `below` are the templates whose recipes are built on it, `root` is the stack's folder.

    Raises `InputError` with everything that is wrong with the file, or with what it was given, for those `above`.
    """
    problems = Problems(above)
    layers = _read_layers(found, root, problems)
    merged = _merge(layers, problems)
    given = call.given if call else None
    if call and "sandboxes" in merged.values:
        summary = f"the template `{merged.text('name')}` stands for several sandboxes, not for one"
        problems.add(call.place, summary, "copy its `sandboxes` here, or let an agent call `template_deploy`")
        problems.raise_any()
    if given is not None or "parameters" in merged.values or any("${param." in one.source.text for one in layers):
        # Most templates have none.
        from nexusctl.config.templates.parameters import fill_in  # noqa: PLC0415 - deferred: start-up time

        merged = fill_in(layers, merged, call.place if call else None, given, problems)
    # Where nobody gives values, references stand where the schema wants what they stand for.
    waits = call is None and "parameters" in merged.values
    document = merged if waits else validate(merged, TEMPLATE, problems)
    problems.raise_any()
    return _build(document, layers, found, below, problems)


def _read_layers(found: Found, root: Path, problems: Problems) -> list[Mapping]:
    document = read_document(found, problems)
    if "extends" not in document.values:
        return [document]
    # Most templates stand alone.
    from nexusctl.config.templates.extends import with_extended  # noqa: PLC0415 - deferred: start-up time

    return with_extended(document, found, root, problems)


def _merge(layers: list[Mapping], problems: Problems) -> Mapping:
    if len(layers) == 1 and "+" not in layers[0].source.text:
        return layers[0]
    from nexusctl.config.read.merge import merge_all  # noqa: PLC0415 - deferred: start-up time

    return merge_all(layers, problems)


def _build(
    document: Mapping, layers: SequenceType[Mapping], found: Found, below: tuple[str, ...], problems: Problems
) -> TemplateFile:
    name = document.text("name") or ""
    bootstrap, defaults = document.get("bootstrap"), document.get("defaults")
    recipe = _recipe(bootstrap, (*below, name), problems) if isinstance(bootstrap, Mapping) else None
    problems.raise_any()
    own = defaults if isinstance(defaults, Mapping) else None
    owner = next((layer.text("name") for layer in reversed(layers) if "bootstrap" in layer.values), None)
    template = Template(
        name=name,
        description=document.text("description") or "",
        image=document.text("image") or "",
        manager=document.text("manager"),
        tags=_texts(document, "tags"),
        defaults=plain(own) if own else {},
        recipe=replace(recipe, owner=owner if owner != name else None, built_in=found.is_built_in) if recipe else None,
        category=document.text("category") or "",
        sandboxes={member: plain(node) for member, node in document.section("sandboxes").items()},
    )
    return TemplateFile(template=template, defaults=own, found=found, layers=tuple(layers))


def _recipe(node: Mapping, below: tuple[str, ...], problems: Problems) -> Recipe | None:
    base = node.get("from")
    base_digest = ""
    if isinstance(base, Scalar):
        if base.text in below or base.text not in template_names():
            known = set(template_names()) - set(below)
            hint = suggest(base.text, known, "templates that it can be made from")
            problems.add(base, f"a recipe cannot be made from `{base.text}` here", hint)
            return None
        under = read_built_in(base.text, below).template
        if under.recipe is None:
            problems.add(base, f"the template `{base.text}` has no recipe", "name one that has")
            return None
        base_digest = under.recipe.digest
    return _with_digest(node, base.text if isinstance(base, Scalar) else None, base_digest)


def _with_digest(node: Mapping, base: str | None, base_digest: str) -> Recipe:
    content = {
        "suite": node.text("suite") or "",
        "apt": _texts(node, "apt"),
        "run": node.text("run") or "",
        "env": {key: value.text for key, value in node.section("env").items() if isinstance(value, Scalar)},
        "entrypoint": _texts(node, "entrypoint"),
        "command": _texts(node, "command"),
        "working_dir": node.text("working_dir") or "",
    }
    chain = canonical({**content, "base": base_digest})
    return Recipe(base=base, digest=sha256(chain.encode()), **content)  # type: ignore[arg-type]


def _texts(node: Mapping, key: str) -> tuple[str, ...]:
    value = node.get(key)
    return tuple(item.text for item in value.items if isinstance(item, Scalar)) if isinstance(value, Sequence) else ()


class Templates:
    """The templates of one load, each read once for the values that it is given.

    `used` holds them, and those that their recipes are made from. `root` is the folder of the stack file.
    """

    def __init__(self, problems: Problems, root: Path) -> None:
        self._problems = problems
        self._root = root
        self._files: dict[tuple[str, str, str], TemplateFile | None] = {}
        self._paths: dict[str, Found] = {}
        self.used: dict[str, Template] = {}

    def find(self, own: Mapping) -> TemplateFile | None:
        """The template that the sandbox `own` names; None where there is none that is right, which is reported."""
        place, given = own.get("template"), own.get("with")
        if place is None:
            return None
        if given is None and "with" in own.dropped:
            # What was wrong there is reported; a text stands for anything.
            given = Scalar(place.source, place.line, place.column, "", False)
        values = canonical(identity(given)) if given else ""
        key = (str(place.source.folder), canonical(plain(place)), values)
        if key not in self._files:
            self._files[key] = self._read(TemplateUse(place=place, given=given))
        return self._files[key]

    def check(self, place: Node) -> None:
        """Report what is wrong with the template that `place` names, whatever it is given."""
        if (found := find_template(place, self._root, self._problems)) is None:
            return
        problems = Problems(self._problems)
        try:
            check_part(_merge(_read_layers(found, self._root, problems), problems), TEMPLATE, problems)
            problems.raise_any()
        except InputError as error:
            for problem in error.diagnostics:
                self._report(problem, place)

    def _read(self, call: TemplateUse) -> TemplateFile | None:
        found = find_template(call.place, self._root, self._problems)
        if found is None:
            return None
        try:
            file = _read(found, self._root, call, above=self._problems)
        except InputError as error:
            for problem in error.diagnostics:
                self._report(problem, call.place)
            return None
        if found.trust.untrusted:
            # Only what comes from a stranger needs it.
            from nexusctl.config.templates.untrusted_recipe import refuse_recipe  # noqa: PLC0415 - deferred: start-up time

            refuse_recipe(file.layers, self._problems)
        self._use(call.place, file.template, found)
        return file

    def _report(self, problem: Diagnostic, place: Node) -> None:
        if problem.location is None:
            self._problems.add(place, problem.summary, problem.hint, *problem.notes)
        elif problem.location.file == place.source.display:
            self._problems.extend([replace(problem, sandbox=self._problems.sandbox)])
        else:
            used = note("the template is used here", place)
            self._problems.extend([replace(problem, notes=(*problem.notes, used))])

    def _use(self, place: Node, template: Template, found: Found) -> None:
        other = self._paths.setdefault(template.name, found)
        if other.path != found.path:
            summary = f"two templates are called `{template.name}`: `{other.display}` and `{found.display}`"
            self._problems.add(place, summary, "change the `name` in one of the two files")
        self.used.setdefault(template.name, template)
        base = template.recipe.base if template.recipe else None
        if base and base not in self.used:
            self._use(place, read_built_in(base).template, built_in(base))
