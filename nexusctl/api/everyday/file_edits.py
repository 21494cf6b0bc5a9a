"""Changes of stack files that a verb makes: all of them or none, and taken back where the stack would be wrong then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nexusctl.config.edit.edit import open_text
from nexusctl.config.export.atomic_write import replace_file
from nexusctl.config.load import load
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.load_request import STDIN, Inputs
from nexusctl.model.stack import Stack

Texts = dict[Path, str]


def change_files(
    inputs: Inputs, change: Callable[[Texts], Texts], check: Callable[[Stack], None] = lambda _: None
) -> Callable[[], None]:
    """Write what `change` makes of the texts of the files; returns what takes that back.

    Raises `InputError`, and leaves the files as they were, where they are wrong then or `check` says so.
    """
    before = {path: _read(path) for path in inputs.files}
    after = change(dict(before))
    _replace(before, after)
    try:
        check(load(inputs))
    except InputError:
        _replace(after, before)
        raise
    return lambda: _replace(after, before)


def find_file(texts: Texts, group: str) -> Path:
    """The last file that says anything of the sandbox: it has the last word. Raises `InputError`."""
    path = ("sandboxes", group)
    found = [file for file, text in texts.items() if len(open_text(text, str(file))[1].follow(path)) > len(path)]
    if not found:
        raise InputError(
            Diagnostic(
                f"{group} is declared in a file that this one includes", hint=f"change `sandboxes.{group}` there"
            )
        )
    return found[-1]


def _read(path: Path) -> str:
    if path == STDIN:
        raise InputError(Diagnostic("this changes the stack file, and stdin is none that can be written to"))
    try:
        # As it is, with its line ends.
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Diagnostic(f"{path} cannot be read: {error}")) from None


def _replace(before: Texts, after: Texts) -> None:
    """Raises `InputError` where one of them cannot be written; then all are as they were."""
    changed = [path for path, text in after.items() if text != before[path]]
    for number, path in enumerate(changed):
        try:
            _write(path, after[path])
        except OSError as error:
            for done in changed[:number]:
                with suppress(OSError):
                    _write(done, before[done])
            reason = (error.strerror or str(error)).lower()
            raise InputError(Diagnostic(f"{path} cannot be written: {reason}", hint="nothing was changed")) from None


def _write(path: Path, text: str) -> None:
    """What leads to it stays, and whoever may read it. Raises `OSError`."""
    real = path.resolve()
    mode = real.stat().st_mode
    replace_file(real, text)
    real.chmod(mode)
