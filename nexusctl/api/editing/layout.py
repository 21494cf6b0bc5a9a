"""Stack files in the usual layout."""

from __future__ import annotations

from pathlib import Path

from nexusctl.config.edit.encoding import decode, encoding_of
from nexusctl.config.edit.layout import lay_out
from nexusctl.config.export.atomic_write import replace_file
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOut:
    """A file as it is, and as it would be in the usual layout."""

    path: Path
    encoding: str
    before: str
    after: str

    @property
    def changes(self) -> bool:
        return self.before != self.after


def lay_out_file(path: Path) -> LaidOut:
    """The file and its layout; nothing is written. Raises `InputError` where it cannot be read or laid out."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(Diagnostic(f"`{path}` cannot be read: {reason}", hint="check the path")) from None
    before = decode(data, str(path))
    return LaidOut(path=path, encoding=encoding_of(data), before=before, after=lay_out_text(before, str(path)))


def lay_out_text(text: str, display: str) -> str:
    """Raises `InputError` where it cannot be read or laid out."""
    return lay_out(text, display=display)


def write_layout(laid: LaidOut) -> None:
    """Write the file in its layout; what leads to it stays, and whoever may read it. Raises `InputError`."""
    real = laid.path.resolve()
    try:
        mode = real.stat().st_mode
        replace_file(real, laid.after.encode(laid.encoding))
        real.chmod(mode)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            Diagnostic(f"`{laid.path}` cannot be written: {reason}", hint="check its permissions")
        ) from None
