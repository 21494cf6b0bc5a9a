"""The limits of a sandbox: what it says itself, then what others say for it, key by key.

The strongest first: the sandbox, a template of one's own, `defaults` of the stack, the settings of whoever calls
nexusctl, a built-in template. The last two are in no file of the stack: another machine, or the next version of
nexusctl, may have other ones. So they count when a container is made, and change none that is there.
"""

from __future__ import annotations

from nexusctl.config.build.units import size
from nexusctl.config.document.node import Mapping, Node, Scalar
from nexusctl.config.document.problems import Problems
from nexusctl.config.settings import is_settings
from nexusctl.config.templates import builtin as template_found
from nexusctl.model.stack import LIMITS, Giver, Resources

LEAST_CPUS = 0.01
"""The kernel counts processor time in slices of a tenth of a second, and gives no less than a thousandth in each."""

LEAST_MEMORY = 6 * 1024 * 1024

LEAST_STORAGE = 1024 * 1024

NO_LIMIT = "none"

_KEY = "resources"


def with_limits(node: Mapping, template: Mapping | None, stack: Mapping | None, settings: Mapping | None) -> Mapping:
    """`node`, which has what its template says, with the limits that the defaults of the other three give it."""
    said, shipped = _section(node), _section(template)
    stated = {key: value for key, value in said.items() if _giver(value) != "template"}
    built_in = {key: value for key, value in shipped.items() if _giver(value) == "template"}
    found = {**built_in, **_section(settings), **_section(stack), **stated}
    if found == said:
        return node
    first = next(iter(found.values()))
    place = node.values.get(_KEY) or Mapping(first.source, first.line, first.column)
    keys = {key: name for layer in (template, settings, stack, node) for key, name in _keys(layer).items()}
    filled = Mapping(place.source, place.line, place.column)
    filled.keys, filled.values = {key: keys[key] for key in found}, found
    merged = Mapping(node.source, node.line, node.column)
    own = node.keys.get(_KEY) or Scalar(place.source, place.line, place.column, _KEY, False)
    merged.keys, merged.values = {**node.keys, _KEY: own}, {**node.values, _KEY: filled}
    merged.dropped, merged.deleted = node.dropped, node.deleted
    return merged


def build_resources(node: Mapping, problems: Problems) -> Resources:
    """The limits that `node` has under `resources`; what is wrong with them is reported."""
    values = {key: value for key, value in node.section(_KEY).items() if isinstance(value, Scalar)}
    cpus, pids = values.get("cpus"), values.get("pids")
    if cpus and _is_limit(cpus) and 0 < float(cpus.value) < LEAST_CPUS:
        problems.add(
            cpus, f"a sandbox needs at least {LEAST_CPUS} of a processor core", "write for example `cpus: 0.1`"
        )
    givers = {key: giver for key, value in values.items() if (giver := _giver(value)) and _is_limit(value)}
    return Resources(
        cpus=float(cpus.value) if cpus and _is_limit(cpus) else None,
        memory=_read_size(values, "memory", LEAST_MEMORY, problems),
        pids=int(pids.value) if pids else Resources().pids,
        storage=_read_size(values, "storage", LEAST_STORAGE, problems),
        defaulted=givers,
        unstated=tuple(key for key in LIMITS if key not in values or _giver(values[key])),
    )


def _section(node: Mapping | None) -> dict[str, Node]:
    return node.section(_KEY) if node is not None else {}


def _keys(node: Mapping | None) -> dict[str, Scalar]:
    found = node.get(_KEY) if node is not None else None
    return found.keys if isinstance(found, Mapping) else {}


def _is_limit(value: Scalar) -> bool:
    return value.text != NO_LIMIT


def _giver(node: Node) -> Giver | None:
    """Who has said it; None for a file of the stack."""
    if is_settings(node.source):
        return "settings"
    return "template" if node.source.folder == template_found.FOLDER else None


def _read_size(values: dict[str, Scalar], key: str, least: int, problems: Problems) -> int | None:
    value = values.get(key)
    if value is None or not _is_limit(value):
        return None
    found = size(value)
    if found < least:
        written, unit = least // 1024**2, "MiB"
        example = "64m" if key == "memory" else "10g"
        summary = f"a sandbox needs at least {written} {unit} of {key}"
        problems.add(value, summary, f"write for example `{key}: {example}`")
    return found
