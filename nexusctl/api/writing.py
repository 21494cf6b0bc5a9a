"""Files that are replaced as a whole: whoever reads one finds the former content or the new, never a part of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def replace_file(
    path: Path, content: str | bytes, *, private: bool = False, check: Callable[[Path], object] | None = None
) -> None:
    """Write `content` to `path`; a `private` file is for its owner only.

    `check` gets the new file, which lies beside `path` then, and raises where it must not take its place. Raises
    `OSError`, and what `check` raises; then everything is as it was.
    """
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(beside, flags, 0o600 if private else 0o666), "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
        if check:
            check(beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
