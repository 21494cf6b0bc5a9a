"""The file of a template: where the built-in ones are, and what stands in one."""

from __future__ import annotations

from pathlib import Path

from nexusctl.config.document.node import Mapping
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.reader import read_source
from nexusctl.config.read.yaml_parser import compose
from nexusctl.model.trust import OURS, Trust
from nexusctl.model.values.frozen import dataclass

FOLDER = Path(__file__).resolve().parents[2] / "templates"

BESIDE = "templates"
"""The folder beside a stack file that templates are found in by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The file of a template. `within` is the folder that it must not lead out of, None for one of one's own.

    `trust` is that of the file which names it.
    """

    path: Path
    display: str
    within: Path | None = None
    trust: Trust = OURS

    @property
    def is_built_in(self) -> bool:
        return self.path.parent == FOLDER


def template_names() -> tuple[str, ...]:
    """The names of the built-in templates, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def is_path(name: str) -> bool:
    """Whether a template is named by its file."""
    return "/" in name or name.endswith((".yaml", ".yml"))


def built_in(name: str, trust: Trust = OURS) -> Found:
    """The file of the built-in template `name`; `trust` is for what a file puts into it."""
    path = FOLDER / f"{name}.yaml"
    return Found(path=path, display=f"nexusctl/templates/{path.name}", trust=trust)


def read_document(found: Found, problems: Problems) -> Mapping:
    """What stands in the file of a template. Raises `InputError`."""
    source = read_source(found.path, found.display, "template file", trust=found.trust)
    source.is_template, source.within = True, found.within
    return compose(source, problems)
