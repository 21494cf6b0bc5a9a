"""A file of this machine that is not in the repository."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from nexusctl.model.files_read import note_file
from nexusctl.model.secret import SecretRef
from nexusctl.model.values.links import find_stray
from nexusctl.secrets.base import SIZE_LIMIT, Unreadable


class FileSource:
    def read(self, ref: SecretRef) -> bytes:
        return read_file(Path(ref.where), ref.within)


def read_file(path: Path, within: str = "") -> bytes:
    """The content of a regular file of at most 1 MiB, which lies in the folder `within` where one is given.

    Raises `Unreadable`.
    """
    note_file(path)
    try:
        # Without O_NONBLOCK opening a pipe would wait for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable(f"`{path}` is no regular file", "name the file itself")
            if real := find_stray(file, [within] if within else ()):
                raise Unreadable(f"`{path}` is a link that leads out of its folder, to `{real}`", "put the file there")
            data = file.read(SIZE_LIMIT + 1)
    except IsADirectoryError:
        raise Unreadable(f"`{path}` is a folder", "name the file itself") from None
    except FileNotFoundError:
        raise Unreadable(f"there is no file `{path}`", "put it there, or name another one") from None
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise Unreadable(f"`{path}` cannot be read: {reason}", "check its permissions") from None
    if len(data) > SIZE_LIMIT:
        raise Unreadable(f"`{path}` is larger than 1 MiB", "a file of that size belongs under `uploads`")
    return data
