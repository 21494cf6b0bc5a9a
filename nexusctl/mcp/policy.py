"""What agents may ask for: a file that a person writes, and the answer to each call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nexusctl.api import workspace
from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.text_values import secrets_in
from nexusctl.model.values.frozen import dataclass

EVERY = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Names may be globs. `max_timeout` is in seconds; a None is no bound, and no price.

    `resources` are written into sandboxes.
    """

    templates: tuple[str, ...] = EVERY
    secrets: tuple[str, ...] = EVERY
    tools: tuple[str, ...] = EVERY
    approval: tuple[str, ...] = ()
    max_sandboxes: int | None = None
    max_timeout: int | None = None
    credits_per_hour: int | None = None
    resources: Mapping[str, Any] = field(default_factory=dict)

    def require_template(self, name: str) -> None:
        """Raise `InputError` for a template that may not be used."""
        if not matches(name, self.templates):
            raise _refused(f"the template {name} may not be used here", f"allowed are: {', '.join(self.templates)}")

    def require_secrets(self, texts: Iterable[str]) -> None:
        """Raise `InputError` where one of `texts` refers to a secret that may not be used."""
        for name in (name for text in texts for name in secrets_in(text)):
            if not matches(name, self.secrets):
                hint = f"allowed are: {', '.join(self.secrets) or 'none'}"
                raise _refused(f"the secret {name} may not be used here", hint)

    def require_timeout(self, seconds: int) -> None:
        """Raise `InputError` for a lifetime that is too long."""
        if self.max_timeout is not None and seconds > self.max_timeout:
            hint = f"ask for at most `timeout: {self.max_timeout}`"
            raise _refused(f"a lifetime of {seconds} s is too long here", hint)

    def require_room(self, names: Iterable[str]) -> None:
        """Raise `InputError` where a stack with the sandboxes `names` has as many as it may have."""
        if self.max_sandboxes is not None and len(set(names)) >= self.max_sandboxes:
            raise _refused(
                f"the stack has {len(set(names))} sandboxes, at most {self.max_sandboxes} are allowed",
                "delete one first, with `sandbox_delete`",
            )


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether `name` is meant by one of `patterns`."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def read_policy(path: Path, tools: Collection[str], templates: Collection[str]) -> Policy:
    """The policy in a file, where there are these tools and templates.

    Raises `InputError` with everything that is wrong with it.
    """
    values = workspace.load_policy(path, tools, templates)
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return Policy(**given)


def _refused(summary: str, hint: str) -> InputError:
    return InputError(Diagnostic(summary, hint=hint))
