"""What is wrong with the readable files of a stack in itself, where others of it cannot be read.

Nothing is told that follows from what is missing. So nothing is said of names that nobody declares, of required keys
and parameters, of what excludes each other, nor of anything that is only known once the whole is built, such as ports
that clash or paths that do not exist. A file that lies above may have put another value in the place of a wrong one:
that one is a mistake of its file nevertheless.
"""

from __future__ import annotations

from nexusctl.config.document.expression import OPENING, Expression
from nexusctl.config.document.hidden_lines import hide_entries
from nexusctl.config.document.node import Mapping, Scalar
from nexusctl.config.document.problems import Problems
from nexusctl.config.interpolate.interpolate import Interpolation
from nexusctl.config.interpolate.variables import read_values
from nexusctl.config.schema.files import STACK
from nexusctl.config.templates.template import Templates
from nexusctl.config.validate.validate import check_part
from nexusctl.model.load_request import Inputs

_NAMESPACES = ("env", "file", "stack", "var", "secret", "VAULT_SECRET", "ENCRYPTED", "each", "sandbox")


def check_readable(merged: Mapping, inputs: Inputs, templates: Templates, problems: Problems) -> None:
    """Report it for `merged`, which is what the readable files come to, their templates and the variable files."""
    # Any variable may be sensitive.
    hide_entries(["variables"], merged)
    check_part(merged, STACK, problems)
    _check_references(merged, problems)
    declared = merged.get("variables")
    section = declared if isinstance(declared, Mapping) else Mapping(merged.source, 1, 1)
    for path in inputs.given.files:
        read_values(path, merged.keys, problems, section)
    for name, sandbox in merged.section("sandboxes").items():
        place = sandbox.get("template") if isinstance(sandbox, Mapping) else None
        if isinstance(place, Scalar) and isinstance(place.value, str) and OPENING not in place.text:
            problems.sandbox = name
            templates.check(place)
    problems.sandbox = None


def _check_references(merged: Mapping, problems: Problems) -> None:
    """Report what is no reference, or has a namespace that there is not."""
    declared = merged.section("variables")
    interpolation = Interpolation(dict.fromkeys(_NAMESPACES, _stand_in), problems, variables=declared)
    defaults = [declaration.get("default") for declaration in declared.values() if isinstance(declaration, Mapping)]
    for node in (*(node for key, node in merged.values.items() if key != "variables"), *defaults):
        if node is not None:
            interpolation.tree(node)


def _stand_in(_: Expression, __: Scalar) -> str:
    return "x"
