"""Templates: the built-in ones, which are data in `nexusctl/templates/`, and files of one's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nexusctl.config.host import display, locate
from nexusctl.config.node import Mapping, Scalar, Sequence, plain
from nexusctl.config.problems import Problems
from nexusctl.config.schema import TEMPLATE
from nexusctl.config.source import compose
from nexusctl.config.suggestion import suggest
from nexusctl.config.text import read_source
from nexusctl.config.validate import validate
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.record import canonical
from nexusctl.model.template import Recipe, Template

FOLDER = Path(__file__).resolve().parent.parent / "templates"


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template with its defaults as nodes, whose problems can be shown at their places in its file."""

    template: Template
    defaults: Mapping | None


def template_names() -> tuple[str, ...]:
    """The names of the built-in templates, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_template(name_or_path: str | Path) -> Template:
    """A built-in template by name, or one from a file (what has a slash or ends with `.yaml`).

    Raises `InputError` where there is none, or its file is wrong.
    """
    name = str(name_or_path)
    if is_path(name):
        return read_template(Path(name), name).template
    if name not in template_names():
        hint = suggest(name, template_names(), "built-in templates")
        raise InputError(Diagnostic(f"there is no template `{name}`", hint=hint))
    return read_built_in(name).template


def is_path(name: str) -> bool:
    """Whether a template is named by its file."""
    return "/" in name or name.endswith((".yaml", ".yml"))


def read_built_in(name: str) -> TemplateFile:
    """The built-in template `name`. Raises `InputError` where its data is wrong."""
    path = FOLDER / f"{name}.yaml"
    return read_template(path, f"nexusctl/templates/{path.name}")


def read_template(path: Path, display: str, below: tuple[str, ...] = ()) -> TemplateFile:
    """The template in the file `path`; `below` are the templates whose recipes are built on it.

    Raises `InputError` with everything that is wrong with the file.
    """
    problems = Problems()
    document = validate(compose(read_source(path, display, "template file"), problems), TEMPLATE, problems)
    problems.raise_any()
    name = document.text("name") or ""
    bootstrap, defaults = document.get("bootstrap"), document.get("defaults")
    recipe = _recipe(bootstrap, (*below, name), problems) if isinstance(bootstrap, Mapping) else None
    problems.raise_any()
    own = defaults if isinstance(defaults, Mapping) else None
    template = Template(
        name=name,
        description=document.text("description") or "",
        image=document.text("image") or "",
        manager=document.text("manager"),
        defaults=plain(own) if own else {},
        recipe=recipe,
    )
    return TemplateFile(template, own)


def _recipe(node: Mapping, below: tuple[str, ...], problems: Problems) -> Recipe | None:
    base = node.get("from")
    base_digest = ""
    if isinstance(base, Scalar):
        if base.text in below or base.text not in template_names():
            known = set(template_names()) - set(below)
            hint = suggest(base.text, known, "templates that it can be made from")
            problems.add(base, f"a recipe cannot be made from `{base.text}` here", hint)
            return None
        under = read_template(FOLDER / f"{base.text}.yaml", f"nexusctl/templates/{base.text}.yaml", below).template
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
    return Recipe(base=base, digest=hashlib.sha256(chain.encode()).hexdigest(), **content)  # type: ignore[arg-type]


def _texts(node: Mapping, key: str) -> tuple[str, ...]:
    value = node.get(key)
    return tuple(item.text for item in value.items if isinstance(item, Scalar)) if isinstance(value, Sequence) else ()


class Templates:
    """The templates of one load, each read once; `used` holds them and those that their recipes are made from."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._files: dict[str, TemplateFile | None] = {}
        self.used: dict[str, Template] = {}

    def find(self, place: Scalar) -> TemplateFile | None:
        """The template that `place` names; None where there is none that is right, which is reported."""
        key = f"{place.source.folder}/{place.text}" if is_path(place.text) else place.text
        if key not in self._files:
            self._files[key] = self._read(place)
        return self._files[key]

    def _read(self, place: Scalar) -> TemplateFile | None:
        name = place.text
        try:
            if is_path(name):
                path = locate(place, "template", self._problems)
                file = read_template(path, display(place)) if path else None
            elif name in template_names():
                file = read_built_in(name)
            else:
                hint = suggest(name, template_names(), "built-in templates")
                self._problems.add(place, f"there is no template `{name}`", hint)
                return None
        except InputError as error:
            self._problems.extend(error.diagnostics)
            return None
        if file:
            self._use(place, file.template)
        return file

    def _use(self, place: Scalar, template: Template) -> None:
        other = self.used.get(template.name)
        if other is not None and other != template:
            hint = "change the `name` in the template file"
            self._problems.add(place, f"two different templates are called `{template.name}`", hint)
        self.used.setdefault(template.name, template)
        base = template.recipe.base if template.recipe else None
        if base and base not in self.used:
            self._use(place, read_built_in(base).template)
