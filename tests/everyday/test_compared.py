"""What was copied into a sandbox is compared there: whatever became of it on the way, or since, is told."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest

from nexusctl.api.everyday.copies.copying import copy_in
from nexusctl.engine.archives import PathStat
from nexusctl.engine.base import Engine
from nexusctl.errors import EngineError, InputError
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.values.cksum import Checksum

BOX = LiveSandbox(id="1", name="shop_box", sandbox="box", state="running", record=None)

Files = dict[str, bytes]


class Folder:
    """A sandbox with the folder /srv, that does `then` with what was laid down there."""

    def __init__(self, then: Callable[[Files], object]) -> None:
        self.files: Files = {}
        self._then = then
        self.archives, self.cut = self, False
        self.reads, self.lies = 0, False

    def stat(self, _: str, path: str) -> PathStat:
        return PathStat(real=path, kind="folder" if path == "/srv" else "absent", size=0)

    def find_obstacle(self, _: str, _path: str) -> str:
        return ""

    def owner(self, _: str) -> tuple[int, int]:
        return 0, 0

    def execute(self, *_: object) -> int:
        """It has no shell."""
        return 127

    def write(self, _: str, _folder: str, archive: Iterable[bytes]) -> None:
        with tarfile.open(fileobj=BytesIO(b"".join(archive))) as tape:
            self.files |= {m.name: tape.extractfile(m).read() for m in tape if m.isfile()}  # type: ignore[union-attr]
        # What was there before was read to be kept.
        self.reads = 0
        self._then(self.files)

    @contextmanager
    def read(self, _: str, path: str) -> Iterator[Iterator[bytes]]:
        self.reads += 1
        made, name = BytesIO(), path.removeprefix("/srv").strip("/")
        with tarfile.open(fileobj=made, mode="w") as tape:
            for below, content in sorted(self.files.items()):
                if below.split("/")[0] == name or not name:
                    info = tarfile.TarInfo(below if name else f"srv/{below}")
                    info.size = len(content)
                    tape.addfile(info, BytesIO(content))
        data = made.getvalue()
        data = data[: data.rindex(bytes([9]) * 512)] if self.cut else data
        yield (data[at : at + 1000] for at in range(0, len(data), 1000))

    def checksums(self, _: str, paths: Sequence[str], size: int) -> Mapping[str, Checksum]:
        """Whoever lies is off by one."""
        assert size == sum(len(content) for content in self.files.values())
        found = {path: read_checksum(self.files[path.removeprefix("/srv/")]) for path in paths}
        return {path: Checksum(one.crc + self.lies, one.size) for path, one in found.items()}


def read_checksum(content: bytes) -> Checksum:
    done = subprocess.run(["cksum", "--algorithm=crc"], input=content, capture_output=True, check=True)
    crc, size = done.stdout.split()
    return Checksum(int(crc), int(size))


def copy(source: Path, then: Callable[[Files], object] = lambda files: None, *, cut: bool = False) -> Files:
    folder = Folder(then)
    folder.cut = cut
    copy_in(cast(Engine, cast(Any, folder)), replace(BOX), str(source), "/srv")
    return folder.files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """More at its top than are asked for one by one, a file of whole blocks, and one of none."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(12):
        (tree / f"{number}").write_bytes(bytes([number]) * 512 * number)
    return tree


@pytest.mark.parametrize("name", ["tree", "tree/.", "tree/7"])
def test_what_arrives_whole_is_as_it_was(tree: Path, name: str) -> None:
    files = copy(Path(tree.parent, name) if name != "tree/." else cast(Path, f"{tree}/."))
    assert files[{"tree": "tree/7"}.get(name, "7")] == bytes([7]) * 512 * 7


@pytest.mark.parametrize("name", ["tree", "tree/."])
@pytest.mark.parametrize(
    "content", [b"", bytes([7]) * (512 * 7 - 1), bytes([7]) * 512 * 7 + b"x", bytes([7]) * 512 * 6 + bytes(512)]
)
def test_another_content_is_told(tree: Path, name: str, content: bytes) -> None:
    key = "tree/7" if name == "tree" else "7"
    with pytest.raises(EngineError, match=f"/srv/{key} in box is not what was sent$"):
        copy(cast(Path, f"{tree.parent}/{name}"), lambda files: files.update({key: content}))


def test_a_file_that_is_not_there_is_told(tree: Path) -> None:
    with pytest.raises(EngineError, match="/srv/tree/7 in box is not what was sent, nor are 1 others"):
        copy(tree, lambda files: (files.pop("tree/7"), files.pop("tree/8")))


def test_what_was_changed_here_meanwhile_is_told_as_that(tree: Path) -> None:
    with pytest.raises(InputError, match=r"cannot copy .*/7: it was changed while it was copied"):
        copy(tree, lambda _: (tree / "7").write_bytes(bytes([8]) * 512 * 7))
    with pytest.raises(InputError, match=r"cannot copy .*/8: No such file"):
        copy(tree, lambda _: (tree / "8").unlink())


def test_what_is_appended_here_meanwhile_does_no_harm(tree: Path) -> None:
    def append(_: Files) -> None:
        with (tree / "7").open("ab") as stream:
            stream.write(b"more")

    assert copy(tree, append)["tree/7"] == bytes([7]) * 512 * 7


def test_an_answer_that_is_cut_is_told(tree: Path) -> None:
    with pytest.raises(EngineError, match="the engine gave no archive"):
        copy(tree, cut=True)


_TRIED = ["cksum", "--algorithm=crc", "/dev/null"]
has_tool = pytest.mark.skipif(
    not shutil.which("cksum") or subprocess.run(_TRIED, capture_output=True, check=False).returncode != 0,
    reason="needs cksum of GNU coreutils 9",
)


class Large:
    """A sparse file, and the folder that it is copied to."""

    def __init__(self, source: Path) -> None:
        self.source = source
        with source.open("wb") as stream:
            stream.truncate(40 << 20)

    def copy(self, then: Callable[[Files], object] = lambda files: None, *, lies: bool = False) -> Folder:
        folder = Folder(then)
        folder.lies = lies
        copy_in(cast(Engine, cast(Any, folder)), replace(BOX), str(self.source), "/srv")
        return folder


@pytest.fixture
def large(tmp_path: Path) -> Large:
    return Large(tmp_path / "large")


@has_tool
def test_what_is_large_is_compared_by_checksums_and_not_read_again(large: Large) -> None:
    assert large.copy().reads == 0


@has_tool
def test_another_content_of_what_is_large_is_told(large: Large) -> None:
    with pytest.raises(EngineError, match=r"/srv/large in box is not what was sent$"):
        large.copy(lambda files: files.update(large=bytes(20 << 20) + b"x" + bytes((20 << 20) - 1)))


@has_tool
def test_what_is_large_and_was_changed_here_meanwhile_is_told_as_that(large: Large) -> None:
    with pytest.raises(InputError, match=r"cannot copy .*/large: it was changed while it was copied"):
        large.copy(lambda _: large.source.write_bytes(b"x" + bytes((40 << 20) - 1)))


@has_tool
def test_where_checksums_differ_the_bytes_count(large: Large) -> None:
    assert large.copy(lies=True).reads == 1


def test_without_the_tool_here_the_bytes_count(large: Large, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(Folder, "checksums", lambda *_: {"/srv/large": Checksum(1, 40 << 20)})
    assert large.copy().reads == 1
