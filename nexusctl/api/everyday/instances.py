"""Instances of stacks: which one a word means, and which there are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from nexusctl.api.overview.stacks import summarize_stacks
from nexusctl.engine.base import Engine
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.instance import check_branch, fit_instance
from nexusctl.model.observed.listed import StackStatus
from nexusctl.model.values.did_you_mean import suggest

AUTO = "auto"

_BRANCHES = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME")
"""Where CI systems say which branch they have checked a commit of out."""

_DETACHED = "HEAD"
_COMMIT_DIGITS = 12
_PATIENCE = 30.0
"""Seconds for git, which looks at a few small files."""


def find_instance(word: str, folder: Path) -> tuple[str, str]:
    """The name of the instance that `word` means, and the branch that it is named after, empty for none.

    `auto` is the branch of the git work tree that `folder` is in. Without a branch it is what a CI system says, the
    folder of a further work tree, or the commit. Raises `InputError` where there is no work tree.
    """
    if word != AUTO:
        return fit_instance(word), ""
    text, is_branch = _look_around(folder)
    return fit_instance(text), check_branch(text) if is_branch else ""


def list_instances(engine: Engine, stack: str | None = None) -> tuple[tuple[StackStatus, ...], tuple[Diagnostic, ...]]:
    """All on this engine, or those of one stack, by name, with a warning where there is none of that name at all.

    Raises `EngineError`.
    """
    found = summarize_stacks(engine.overview.list_sandboxes())
    names = sorted({one.stack for one in found})
    problems: tuple[Diagnostic, ...] = ()
    if stack is not None and stack not in names:
        # All of its instances may be gone, or it is mistyped.
        summary = f"there is no stack {stack} on this engine"
        problems = (Diagnostic(summary, hint=suggest(stack, names, "stacks"), severity="warning"),)
    return tuple(one for one in found if one.instance and stack in (None, one.stack)), problems


def _look_around(folder: Path) -> tuple[str, bool]:
    """What `auto` stands for, and whether that is a branch."""
    branch = _ask(folder, "rev-parse", "--abbrev-ref", "HEAD")
    if branch != _DETACHED:
        return branch, True
    own, common, top = _ask(folder, "rev-parse", "--absolute-git-dir", "--git-common-dir", "--show-toplevel").split(
        "\n"
    )
    if (folder / common).resolve() != Path(own).resolve():
        return Path(top).name, False
    told = next((text for name in _BRANCHES if (text := os.environ.get(name))), "")
    return (told, True) if told else (_ask(folder, "rev-parse", "HEAD")[:_COMMIT_DIGITS], False)


def _ask(folder: Path, *arguments: str) -> str:
    try:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _nothing(folder, str(error)) from error
    if done.returncode != 0:
        raise _nothing(folder, (done.stderr.strip().splitlines() or ["git says nothing"])[-1])
    return done.stdout.strip()


def _nothing(folder: Path, why: str) -> InputError:
    summary = f"`--instance auto` finds no branch for {folder}: {why}"
    return InputError(Diagnostic(summary, hint="name one with `--instance NAME`, or commit something first"))
