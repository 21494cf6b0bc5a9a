"""What can happen to an object of a plan, with the words and the sign of each: one row an action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Action = Literal["adopt", "create", "update", "replace", "start", "run", "rename", "remove"]


class Wording(NamedTuple):
    """`symbol` and `color` mark it in a plan; `to` follows how many it will happen to, `done` how many it has happened
    to, and `will` says of one what is going to happen, empty where the symbol says enough.
    """

    symbol: str
    color: str
    to: str
    done: str
    will: str = ""


ACTIONS: Mapping[Action, Wording] = {
    "adopt": Wording("=", "cyan", "to adopt", "adopted"),
    "create": Wording("+", "green", "to create", "created"),
    "update": Wording("~", "yellow", "to update in place", "updated in place", "will be updated in place"),
    "replace": Wording("-/+", "magenta", "to replace", "replaced", "will be replaced"),
    "start": Wording(">", "cyan", "to start", "started", "will be started"),
    "run": Wording(">", "cyan", "to run", "run", "will run again"),
    "rename": Wording("~", "yellow", "to rename", "renamed", "will be renamed"),
    "remove": Wording("-", "red", "to remove", "removed"),
}
"""In the order in which a plan counts them."""
