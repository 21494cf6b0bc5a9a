"""Where the script of a shell is kept, and what in the shell's own file makes it read that."""

from __future__ import annotations

import os
from pathlib import Path

from nexusctl.cli.completion.scripts import SCRIPTS
from nexusctl.errors import Diagnostic, InputError

_MARK = "# completion of nexusctl"


def find_shell() -> str:
    """The shell of whoever asks, by the environment. Raises `InputError` where it is none that is known."""
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SCRIPTS:
        what = f"no completions are known for the shell {name}" if name else "SHELL does not say which shell is yours"
        raise InputError(Diagnostic(what, hint=f"name one: {', '.join(SCRIPTS)}"))
    return name


def install(shell: str, home: Path) -> list[Path]:
    """Write the script, and a line into the shell's own file where it needs one; returns the files that changed.

    Raises `InputError` where one cannot be written.
    """
    script, profile = _places(shell, home)
    changed = [script] if _write(script, SCRIPTS[shell]) else []
    if profile is None:
        return changed
    line = f"[ -r {_quote(script)} ] && . {_quote(script)} {_MARK}\n"
    before = profile.read_text(errors="surrogateescape") if profile.exists() else ""
    if line in before:
        return changed
    kept = "".join(one for one in before.splitlines(keepends=True) if _MARK not in one)
    _write(profile, kept + ("" if kept.endswith("\n") or not kept else "\n") + line)
    return [*changed, profile]


def _places(shell: str, home: Path) -> tuple[Path, Path | None]:
    """The script, and the file of the shell that is to read it; fish looks for scripts by itself."""
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    if shell == "fish":
        settings = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return settings / "fish/completions/nexusctl.fish", None
    if shell == "zsh":
        return data / "nexusctl/completion.zsh", Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"
    return data / "nexusctl/completion.bash", home / ".bashrc"


def _write(path: Path, text: str) -> bool:
    """Whether that changed anything."""
    try:
        if path.exists() and path.read_text(errors="surrogateescape") == text:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, errors="surrogateescape")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = "`nexusctl completion SHELL` prints the script, to be kept elsewhere"
        raise InputError(Diagnostic(f"`{path}` cannot be written: {reason}", hint=hint)) from error
    return True


def _quote(path: Path) -> str:
    # Only what writes it needs it.
    import shlex  # noqa: PLC0415 - deferred: start-up time

    return shlex.quote(str(path))
