"""What is spoiled: a stack before and after a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Verb = Literal["apply", "destroy"]

CHANGES = ("fresh", "update", "replace", "shrink", "destroy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`before` is applied without a fault (nothing where it is empty), then `verb` with `after` is spoiled."""

    name: str
    before: str
    after: str
    verb: Verb = "apply"

    @property
    def change(self) -> str:
        """One of `CHANGES`."""
        return self.name.partition("-")[2]


def compose_scenarios(stacks: Mapping[str, Mapping[str, str]], image: str) -> tuple[Scenario, ...]:
    """Every kind of change of every stack; `stacks` has the texts of each, `base` and one for each change to it."""
    found: list[Scenario] = []
    for stack, texts in stacks.items():
        text = {key: value.replace("IMAGE", image) for key, value in texts.items()}
        found.append(Scenario(name=f"{stack}-fresh", before="", after=text["base"]))
        found += [
            Scenario(name=f"{stack}-{change}", before=text["base"], after=text[change])
            for change in ("update", "replace", "shrink")
            if change in text
        ]
        found.append(Scenario(name=f"{stack}-destroy", before=text["base"], after=text["base"], verb="destroy"))
    return tuple(found)
