"""Which sandboxes a user asked for."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from nexusctl.model.observed.live import LiveState
from nexusctl.model.stack import Stack
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a user asked for, as names of sandboxes or groups, or globs; no target means every sandbox.

    Those that `replaces` names are made anew, whatever they are. With `start_stopped` also those run that somebody has
    stopped on purpose.
    """

    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    start_stopped: bool = False
    replaces: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        return not self.targets and not self.excludes


def group_names(stack: Stack, live: LiveState) -> dict[str, str]:
    """Every declared and every live sandbox, with its group."""
    found = {x.sandbox: x.record.group if x.record else x.sandbox for x in live.sandboxes}
    return found | {name: sandbox.group for name, sandbox in stack.sandboxes.items()}


def match_names(pattern: str, groups: Mapping[str, str]) -> frozenset[str]:
    """The sandboxes whose name or group `pattern` means."""
    return frozenset(
        name for name, group in groups.items() if fnmatchcase(name, pattern) or fnmatchcase(group, pattern)
    )
