"""What to type instead of something between `${` and `}` that is no reference."""

from __future__ import annotations

import re

from nexusctl.config.document.expression import OPENING, REFERENCE, shorten

# What shells, Compose, Terraform and template languages write behind a name, and no reference takes.
_UNKNOWN_TAIL = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)+)\s*(?P<rest>[^\w\s.:].*)\Z", re.S)
_INDEX = re.compile(r"""\[\s*["']?([A-Za-z0-9_-]+)["']?\s*\]""")
_INDEXED = re.compile(rf"(?P<namespace>[A-Za-z_]\w*)(?:\.[A-Za-z0-9_-]+|{_INDEX.pattern})+\Z")


# GitHub's `${{ secrets.A }}`, and a shell's `${A-b}` and `${A?b}`.
_OF_A_WORKFLOW = re.compile(r"\{\s*(?P<namespace>secrets?|vars?|env)\.(?P<name>[A-Za-z0-9_]+)\s*\}?\Z")
_OF_A_SHELL = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<rest>[?-].*)\Z", re.S)


def advise(text: str) -> str:
    """A hint about `text`, `${` and `}` included."""
    inside = text[len(OPENING) : -1]
    if OPENING in inside:
        return "a reference cannot stand inside of the name of another; write the name out"
    if REFERENCE.match(inside.strip()):
        return f"write it without spaces: `{OPENING}{inside.strip()}}}`"
    if indexed := _INDEXED.match(inside):
        # Of a group of sandboxes, each has a name of its own.
        dotted = _INDEX.sub(r"-\1" if indexed["namespace"] == "sandbox" else r".\1", inside)
        return f"write `{OPENING}{shorten(dotted)}}}`"
    if workflow := _OF_A_WORKFLOW.match(inside):
        return f"write `{OPENING}{workflow['namespace'].removesuffix('s')}.{workflow['name']}}}`, with one brace"
    if shell := _OF_A_SHELL.match(inside):
        right = f"{OPENING}env.{shell['name']}:{shorten(shell['rest'])}}}"
        return f"write `{right}` for a variable of this machine, or `${shorten(text)}` for the literal text"
    if known := _UNKNOWN_TAIL.match(inside):
        return _without_tail(known["name"], known["rest"], text)
    return f"write one such as `${{var.port}}`, or `${shorten(text)}` for the literal text"


def _without_tail(name: str, rest: str, text: str) -> str:
    if rest[0] in "?" and name.startswith("env.") and " " not in rest:
        return f"write `{OPENING}{name}:{shorten(rest)}}}`"
    literal = f"`${shorten(text)}` for the literal text"
    return f"nothing is worked out inside of a reference: write `{OPENING}{name}}}`, or {literal}"
