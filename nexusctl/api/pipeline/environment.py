"""What a command is told of the stack that it runs beside."""

from __future__ import annotations

import json
from collections.abc import Iterable

from nexusctl.model.instance import split_name
from nexusctl.model.output import OutputValue

PREFIX = "NEXUS_OUT_"
STACK = "NEXUS_STACK"
INSTANCE = "NEXUS_INSTANCE"


def variable(name: str) -> str:
    """What the output `name` is called in an environment."""
    return PREFIX + name.replace("-", "_").upper()


def environment(stack: str, outputs: Iterable[OutputValue]) -> dict[str, str]:
    """The variables for a command: a text as it is, all else as JSON; what is not known yet is not there. Pure."""
    known = {variable(found.output.name): _text(found) for found in outputs if found.known}
    # Also for what it calls itself: what is named is the whole of a stack's name.
    return {STACK: stack, INSTANCE: split_name(stack)[1], **known}


def _text(found: OutputValue) -> str:
    return found.value if isinstance(found.value, str) else json.dumps(found.value)
