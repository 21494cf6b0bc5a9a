"""The files that lie beside a stack file which an import writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nexusctl.errors import Diagnostic, InputError
from nexusctl.importers.draft.draft import Draft, File

_WIDEST = 80


def place_beside(into: Path, name: str) -> Path:
    """Where the file `name` of a draft lies. Raises `InputError` for what is not below the folder of `into`.

    What an import reads may be a stranger's, and so may a folder that is there already.
    """
    path = into.parent / name
    folder = into.parent.resolve()
    if Path(name).is_absolute() or ".." in Path(name).parts or not path.resolve().is_relative_to(folder):
        hint = "nothing was written; look who has made what is imported, and what lies beside the file already"
        raise InputError(Diagnostic(f"the import would write outside of its folder: {name[:_WIDEST]!r}", hint=hint))
    return path


def is_written(path: Path, file: File) -> bool:
    """Whether it is there already, from an import that was cut off."""
    return path.is_file() and path.read_bytes() == file.data


@contextmanager
def lying_beside(draft: Draft, into: Path) -> Iterator[None]:
    """The files of `draft` lie beside `into` as long as this lasts; one that is there already is not touched.

    Raises `OSError`, `InputError`.
    """
    made: list[Path] = []
    try:
        for name, file in draft.files.items():
            path = place_beside(into, name)
            if not path.exists():
                write_new(path, file, made)
        yield
    finally:
        remove(made)


def write_new(path: Path, file: File, made: list[Path]) -> None:
    """Write the file, which must not be there. It and the folders that it needs end up in `made`. Raises `OSError`."""
    absent = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    made += reversed(absent)
    with path.open("xb") as stream:
        made.append(path)
        path.chmod(0o600 if file.private else 0o755 if file.executable else 0o644)
        stream.write(file.data)


def remove(made: Iterable[Path]) -> None:
    """Take away what `write_new` made. A folder in which somebody else has put something meanwhile stays."""
    for path in reversed(list(made)):
        if path.is_dir():
            with suppress(OSError):
                path.rmdir()
        else:
            path.unlink(missing_ok=True)
