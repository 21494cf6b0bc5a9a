"""Outputs: named values of a stack, some of which are known only once its sandboxes run."""

from __future__ import annotations

from typing import Any, Literal

from nexusctl.model.secret import SecretUse
from nexusctl.model.values.frozen import dataclass

Attribute = Literal["host", "endpoint", "port"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where this machine reaches the port `container` of `sandbox`: its address, its port, or both with `scheme`.

    The sandbox is declared and yet `left_out` where it has no instances, or a profile that was not asked for.
    """

    sandbox: str
    attribute: Attribute
    container: int
    protocol: Literal["tcp", "udp"] = "tcp"
    scheme: str = "http"
    left_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputText:
    """A value with parts that are known later. A port that is all of it is a number."""

    parts: tuple[str | Reach | SecretUse, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """`value` is a JSON value, its lists as tuples, in which an `OutputText` may stand for any text.

    A `sensitive` one shows only to those who ask for it by name.
    """

    name: str
    value: Any
    description: str = ""
    sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputValue:
    """What an output comes to now; where `known` is False, `value` is None.

    It stays unknown where `left_out` names the sandbox that it asks, which no apply of this file starts.
    """

    output: Output
    value: Any
    known: bool
    left_out: str = ""
