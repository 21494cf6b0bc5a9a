"""The page of the built-in templates, made from their files and from what was measured of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from nexusctl.config.load import load_template, template_names
from nexusctl.config.templates.measured import find_cost
from nexusctl.config.templates.template import read_parameters
from nexusctl.model.template import Template


def render_templates() -> str:
    """A table of all by category, then a section for each."""
    found = sorted(map(load_template, template_names()), key=lambda one: (one.category, one.name))
    parts = [_overview(found)]
    for category, members in groupby(found, key=lambda one: one.category):
        parts.append(f"## {category.capitalize()}")
        parts += [part for one in members for part in _section(one)]
    return "\n\n".join(parts)


def _overview(found: list[Template]) -> str:
    rows = ["| template | size | made from nothing | started | load | |", "|---|---|---|---|---|---|"]
    for one in found:
        cost = find_cost(one)
        assert cost is not None, f"measure it: python -m tests.templates.measure {one.name}"
        load = f"{cost.load:.0f} on {cost.cores} cores"
        figures = f"{cost.size_mb} MB", f"{cost.make_s:.0f} s", f"{cost.start_s:.1f} s", load
        rows.append(_row(f"[{one.name}](#{one.name})", *figures, one.description))
    return "\n".join(rows)


def _section(one: Template) -> Iterator[str]:
    yield f"### {one.name}"
    limits = one.defaults["resources"]
    yield (
        f"{one.description}. Image `{one.image}`; packages by `{one.manager}`; at most {limits['cpus']} cores and "
        f"{limits['memory']} of memory."
    )
    if parameters := read_parameters(one.name):
        rows = ["| parameter | type | default | |", "|---|---|---|---|"]
        rows += [_parameter(name, declared) for name, declared in parameters.items()]
        yield "\n".join(rows)
    if packages := one.defaults.get("packages"):
        yield f"It brings {', '.join(_packages(packages))}."


def _parameter(name: str, declared: Mapping[str, Any]) -> str:
    default = declared["default"]
    kind = "secret" if declared.get("sensitive") else declared.get("type", type(default).__name__)
    words = declared["description"]
    if allowed := declared.get("allowed"):
        words += ": " + ", ".join(f"`{one}`" for one in allowed)
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    return _row(f"`{name}`", {"str": "string", "int": "integer"}.get(kind, kind), f"`{shown}`" if shown else "", words)


def _packages(packages: Any) -> list[str]:
    lists = packages.values() if isinstance(packages, Mapping) else [packages]
    return [f"`{one}`" for names in lists for one in names]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
