"""The same stack file several times on one engine: what each of them is called.

A name in a stack file has no dot, so that what stands before the first one is the stack, and the rest the instance.
"""

from __future__ import annotations

from nexusctl.model.values.checksum import sha256
from nexusctl.model.values.late_regex import late_regex

LONGEST = 40
"""Letters of an instance's name, as of a stack's."""

LONGEST_BRANCH = 250
"""Letters of a branch that is written down; git and the file systems that it writes to have little room for more."""

_DOT = "."
_FIT = late_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\Z")
_UNFIT = late_regex(r"[^a-z0-9]+")
_DIGITS = 6


def fit_instance(text: str) -> str:
    """What an instance is called after `text`, such as a branch: the text itself where a name can be so.

    Else its letters with a few digits of its checksum, so that no two texts come to the same. Empty for an empty one.
    """
    if not text or _FIT.match(text):
        return text
    letters = _UNFIT.sub("-", text.lower()).strip("-")[: LONGEST - _DIGITS - 1].strip("-")
    digits = sha256(text.encode("utf-8", "surrogateescape"))[:_DIGITS]
    return f"{letters}-{digits}" if letters else digits


def check_branch(text: str) -> str:
    """The text where a git branch can be called so; empty for anything else, whoever has written it."""
    return text if len(text) <= LONGEST_BRANCH and text.isprintable() and " " not in text else ""


def join_name(stack: str, instance: str) -> str:
    """What the engine knows that instance of the stack as; the stack itself where it is none or one already."""
    return f"{stack}{_DOT}{instance}" if stack and instance and _DOT not in stack else stack


def split_name(name: str) -> tuple[str, str]:
    """The stack and the instance, empty for none."""
    stack, _, instance = name.partition(_DOT)
    return stack, instance
