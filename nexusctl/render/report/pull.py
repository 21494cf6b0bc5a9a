"""What was brought back from a sandbox: values to text."""

from __future__ import annotations

import os
from typing import Any

from nexusctl.plan.commands.edited.pull import Pulled
from nexusctl.render.format import FORMAT_VERSION


def describe_pulled(told: Pulled, folder: str) -> str:
    """A line for each file, as `folder` would call it."""
    signs = (("~", told.changed), ("+", told.added), ("-", told.removed))
    return "".join(f"    {sign} {_shorten(path, folder)}\n" for sign, paths in signs for path in paths)


def summarize_pulled(told: Pulled) -> str:
    """The last line."""
    if told.empty:
        return f"Nothing to bring back: what {told.sandbox} holds is here."
    counts = (("changed", told.changed), ("added", told.added), ("removed", told.removed))
    return f"From {told.sandbox}: {', '.join(f'{len(paths):,} {word}' for word, paths in counts if paths)}."


def pulled_document(told: Pulled) -> dict[str, Any]:
    """The same as plain JSON values."""
    return {
        "format_version": FORMAT_VERSION,
        "sandbox": told.sandbox,
        "changed": [*told.changed],
        "added": [*told.added],
        "removed": [*told.removed],
        "left": [*told.left],
    }


def _shorten(path: str, folder: str) -> str:
    return os.path.relpath(path, folder) if path.startswith(f"{folder.rstrip('/')}/") else path
