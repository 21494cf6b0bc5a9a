"""What is spoiled: a stack before and after a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Verb = Literal["apply", "destroy"]

Edit = Callable[[str], str]
"""Makes the text of a stack another one."""

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


def swap(*pairs: tuple[str, str]) -> Edit:
    """Puts the second of each pair in the place of the first, which has to be there."""

    def edit(text: str) -> str:
        for before, after in pairs:
            assert before in text, before
            text = text.replace(before, after)
        return text

    return edit


def cut(mark: str) -> Edit:
    """Leaves out all from `mark` on."""
    return lambda text: text[: text.index(mark)]


ALIKE: Mapping[str, Mapping[str, Edit]] = {
    "pair": {"replace": swap(('PORT: "1"', 'PORT: "2"')), "shrink": cut("  web:")},
    "data": {"replace": swap(('SIZE: "1"', 'SIZE: "2"'), ("echo loaded", "echo reloaded")), "shrink": cut("  load:")},
    "crew": {
        "update": swap(("networks: [default, back]", "networks: [default]")),
        "replace": swap(("ROLE: worker", "ROLE: leader")),
        "shrink": swap(("replicas: 3", "replicas: 1")),
    },
}
"""The changes that every tool's file says in the same words."""


def vary(base: str, **changes: Edit) -> dict[str, str]:
    """A stack's text and what each change makes of it."""
    return {"base": base, **{name: edit(base) for name, edit in changes.items()}}


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
