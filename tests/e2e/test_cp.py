"""Files copied into sandboxes and out of them; what is there is what Docker and tar say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests import prestarted

pytestmark = pytest.mark.engine

MOST_MEMORY = 150 * 1024
"""KiB of memory, however large a file is."""

LARGE = 400 << 20

WEIGH = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, used = os.wait4(process.pid, 0)
print(status, used.ru_maxrss)
"""
"""Runs a command and tells its wait status and peak KiB.

Linux counts in ru_maxrss what started the program as well: that is this small one, not the tests' own process.
"""


class Place:
    def __init__(self, folder: Path, stack: str, image: str) -> None:
        self.folder, self.stack, self.image = folder, stack, image

    def apply(self, more: dict[str, Any] | None = None, **sandboxes: Any) -> None:
        common = {"image": self.image, "command": ["sleep", "infinity"], "networks": []}
        found = {name: common | box for name, box in sandboxes.items()}
        document = {"name": self.stack, "volumes": {"data": {}}, "sandboxes": found, **(more or {})}
        (self.folder / "nexus.yaml").write_text(json.dumps(document))
        self.run("apply", "--yes")

    def run(self, *words: str, code: int = 0, stdin: bytes = b"") -> bytes:
        command = [sys.executable, "-m", "nexusctl", *words]
        done = prestarted.run(command, cwd=self.folder, capture_output=True, input=stdin, timeout=300, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def inside(self, sandbox: str, script: str) -> str:
        command = ["docker", "exec", f"{self.stack}_{sandbox}", "sh", "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def archive(self, sandbox: str, path: str) -> bytes:
        command = ["docker", "cp", f"{self.stack}_{sandbox}:{path}", "-"]
        return subprocess.run(command, capture_output=True, check=True).stdout

    def tree(self) -> Path:
        """A folder with a bit of everything."""
        tree = self.folder / "tree"
        (tree / "empty").mkdir(parents=True)
        (tree / "deep/er").mkdir(parents=True)
        (tree / "deep/er/data").write_bytes(os.urandom(300_000))
        (tree / "run.sh").write_text("#!/bin/sh\n")
        (tree / "run.sh").chmod(0o750)
        (tree / "ünï cödé").write_text("x")
        (tree / "link").symlink_to("deep/er/data")
        (tree / "away").symlink_to("/etc/passwd")
        (tree / "dangling").symlink_to("nowhere")
        return tree


@pytest.fixture
def place(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Place]:
    made = Place(tmp_path, stack_name, base_image)
    yield made
    made.run("destroy", "--yes", "--volumes")


def portrait(tape: bytes) -> dict[str, tuple[str, int, str, bytes]]:
    """What a tape holds, its first name left out."""
    with tarfile.open(fileobj=BytesIO(tape)) as found:
        return {
            member.name.partition("/")[2]: (
                str(member.type), member.mode & 0o777, member.linkname,
                found.extractfile(member).read() if member.isfile() else b"",  # type: ignore[union-attr]
            )
            for member in found
        }  # fmt: skip


def test_a_folder_is_the_same_inside_and_when_it_is_out_again(place: Place) -> None:
    place.apply(box={"user": "33:33"})
    tree = place.tree()
    place.run("cp", "tree", "box:/srv/there")
    packed = subprocess.run(["tar", "c", "tree"], cwd=place.folder, capture_output=True, check=True).stdout
    assert portrait(place.archive("box", "/srv/there")) == portrait(packed)
    assert set(place.inside("box", "find /srv/there -printf '%U:%G\\n'").split()) == {"33:33"}
    place.run("cp", "box:/srv/there", "back")
    packed_again = subprocess.run(["tar", "c", "back"], cwd=place.folder, capture_output=True, check=True).stdout
    assert portrait(packed_again) == portrait(packed)
    assert (tree / "link").is_symlink()


def test_names_are_those_that_docker_gives(place: Place) -> None:
    place.apply(box={"working_dir": "/srv"})
    place.tree()
    (place.folder / "one").write_text("1")
    place.inside("box", "mkdir /a /b; ln -s /a /to-a; echo old > /old")
    for source, target in [
        ("one", "/a"), ("one", "/a/"), ("one", "/a/other"), ("one", "/old"), ("one", "/to-a"), ("tree", "/b"),
        ("tree", "/new"), ("tree/.", "/b"), ("tree/.", "/new2"), ("tree/link", "/b/"), ("one", "relative"),
    ]:  # fmt: skip
        place.run("cp", source, f"box:{target}")
    found = set(place.inside("box", "cd /; find a b new new2 old srv/relative -type f -o -type l").split("\n"))
    assert {"a/one", "a/other", "old", "b/tree/run.sh", "new/run.sh", "b/run.sh", "new2/run.sh", "b/link"} <= found
    assert "srv/relative" in found
    assert place.inside("box", "readlink /b/link; cat /old") == "deep/er/data\n1"
    (place.folder / "out").mkdir()
    place.run("cp", "box:/a/one", "out")
    place.run("cp", "box:/a/one", "renamed")
    place.run("cp", "box:/b/.", "out")
    assert (place.folder / "out/one").read_text() == (place.folder / "renamed").read_text() == "1"
    assert (place.folder / "out/tree/run.sh").stat().st_mode & 0o777 == 0o750


def test_a_tar_stream_goes_both_ways(place: Place) -> None:
    place.apply(box={})
    place.tree()
    packed = subprocess.run(["tar", "c", "tree"], cwd=place.folder, capture_output=True, check=True).stdout
    place.run("cp", "-", "box:/srv", stdin=packed)
    assert portrait(place.run("cp", "box:/srv/tree", "-")) == portrait(packed)


def test_many_get_it_and_give_it(place: Place) -> None:
    place.apply(web={"replicas": 3}, other={})
    (place.folder / "one").write_text("1")
    place.run("cp", "one", "web:/etc/one")
    place.inside("web-2", "echo 2 > /etc/one")
    place.run("cp", "web-*:/etc/one", "all")
    assert [(place.folder / f"all/web-{n}/one").read_text() for n in (1, 2, 3)] == ["1", "2\n", "1"]
    assert b"one sandbox alone" in place.run("cp", "web:/etc", "-", code=2)


def test_what_does_not_run_has_files_too(place: Place) -> None:
    place.apply(box={"state": "stopped"})
    (place.folder / "one").write_text("1")
    place.run("cp", "one", "box:/etc/one")
    assert place.run("cp", "box:/etc/one", "two") == b""
    assert (place.folder / "two").read_text() == "1"


def test_what_would_not_reach_its_programs_is_refused_before_a_byte(place: Place) -> None:
    (place.folder / "bound").mkdir()
    place.apply(
        box={"volumes": ["data:/data", "./bound:/bound:ro"], "tmpfs": ["/quick"]},
        shut={"read_only": True, "volumes": ["data:/data"]},
    )
    (place.folder / "one").write_text("1")
    place.inside("box", "ln -s /quick /way; ln -s /bound/x /other")
    for target, why in [
        ("box:/bound/one", b"mounted read-only"), ("box:/quick/one", b"lies in memory"), ("box:/way/one", b"in memory"),
        ("box:/other", b"mounted read-only"), ("box:/proc/one", b"kernel"), ("box:/dev/shm/one", b"kernel"),
        ("shut:/etc/one", b"root file system is read-only"), ("box:/none/one", b"has no folder /none"),
        ("box:/etc/none/", b"has no folder /etc/none"), ("boxx:/etc", b"did you mean"),
    ]:  # fmt: skip
        assert why in place.run("cp", "one", target, code=1), target
    assert place.inside("box", "ls /quick /bound /dev/shm; ls /other 2>&1 || true").count("one") == 0
    place.run("cp", "one", "shut:/data/one")
    assert place.inside("box", "cat /data/one") == "1"
    assert b"there is no none" in place.run("cp", "none", "box:/etc", code=1)
    assert b"box has no /none" in place.run("cp", "box:/none", ".", code=1)
    assert b"in a sandbox" in place.run("cp", "one", "two", code=2)


def test_on_a_full_disk_inside_what_was_there_is_there_still(place: Place) -> None:
    small = {"small": {"driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}}}
    place.apply(more={"volumes": {"data": {}, **small}}, box={"volumes": ["small:/small"]})
    for name, size in (("kept", 1000), ("big", 3_000_000)):
        (place.folder / name).write_bytes(os.urandom(size))
    place.run("cp", "kept", "box:/small/kept")
    for target in ("box:/small/kept", "box:/small/other", "box:/small"):
        heard = place.run("cp", "big", target, code=1).decode()
        assert heard.splitlines() == [
            "error: box has no space left in /small",
            "help: make space there, or copy it to another place",
        ]
        assert place.inside("box", "ls -A /small") == "kept\n"
    place.run("cp", "box:/small/kept", "again")
    assert (place.folder / "again").read_bytes() == (place.folder / "kept").read_bytes()
    tar = subprocess.run(["tar", "c", "-C", str(place.folder), "big"], capture_output=True, check=True).stdout
    assert b"box has no space left in /small" in place.run("cp", "-", "box:/small", stdin=tar, code=1)


def small_volume(place: Place, **box: Any) -> None:
    """A sandbox with /small, which takes a MiB."""
    small = {"small": {"driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}}}
    # Else what lies in memory goes with the last that uses it.
    holder = {"volumes": ["small:/held"]}
    place.apply(more={"volumes": {"data": {}, **small}}, box={"volumes": ["small:/small"], **box}, holder=holder)
    place.inside("holder", "mkdir -p /held/tree/deep; echo old > /held/tree/a; ln -s a /held/tree/link")
    place.inside("holder", "echo old > /held/tree/deep/kept; echo other > /held/tree/other; cp -a /held/tree/. /held")
    place.inside("holder", "head -c 300000 /dev/zero > /held/tree/large; cp /held/tree/large /held")


def fill_tree(place: Place) -> None:
    tree = place.folder / "tree"
    (tree / "deep").mkdir(parents=True)
    for name in ("a", "link", "deep/kept", "deep/new"):
        (tree / name).write_text("new\n")
    (tree / "large").write_bytes(b"new" * 50_000)
    (tree / "zz").write_bytes(os.urandom(2_000_000))


LOOK = "cd /held; for f in $(find . ! -type d -size +0 | sort); do echo $f $(readlink $f) $(cksum < $f); done"

WAYS = {"folder": ("tree", "box:/small"), "content": ("tree/.", "box:/small"), "archive": ("-", "box:/small")}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["runs", "stopped", "without tools"])
def test_a_folder_that_finds_no_space_leaves_all_that_was_there(place: Place, kind: str, way: str) -> None:
    small_volume(place)
    fill_tree(place)
    if kind == "stopped":
        place.run("stop", "box")
    elif kind == "without tools":
        place.inside("box", "mv $(command -v mv) /tmp/mv")
    before = place.inside("holder", LOOK)
    tar = subprocess.run(["tar", "c", "-C", str(place.folder), "tree"], capture_output=True, check=True).stdout
    heard = place.run("cp", *WAYS[way], stdin=tar, code=1).decode()
    assert heard.splitlines() == [
        "error: box has no space left in /small",
        "help: make space there, or copy it to another place",
    ]
    assert place.inside("holder", LOOK) == before
    if kind == "runs":
        assert "zz" not in place.inside("holder", "find /held")
        assert ".nexusctl" not in place.inside("holder", "find /held")
    (place.folder / "tree/zz").write_text("small")
    tar = subprocess.run(["tar", "c", "-C", str(place.folder), "tree"], capture_output=True, check=True).stdout
    place.run("cp", *WAYS[way], stdin=tar)
    at = "/held" if way == "content" else "/held/tree"
    found = place.inside("holder", f"cd {at}; cat a link deep/kept deep/new zz other; readlink link; wc -c < large")
    assert found == "new\n" * 4 + "smallother\n150000\n"
    assert ".nexusctl" not in place.inside("holder", "find /held")


def test_a_file_into_one_that_is_stopped_finds_no_space_and_takes_none(place: Place) -> None:
    small_volume(place)
    place.run("stop", "box")
    (place.folder / "large").write_bytes(os.urandom(3_000_000))
    before = place.inside("holder", LOOK)
    for target in ("/small", "/small/large", "/small/link"):
        assert b"box has no space left in /small" in place.run("cp", "large", f"box:{target}", code=1)
        assert place.inside("holder", LOOK) == before
    assert not list(Path(tempfile.gettempdir()).glob("nexusctl-kept-*"))


@pytest.mark.parametrize("user", ["0:0", "33:33"])
def test_what_comes_into_a_folder_that_is_there_looks_as_the_engine_would_have_it(place: Place, user: str) -> None:
    place.apply(box={"user": user})
    tree = place.tree()
    (tree / "deep").chmod(0o750)
    place.inside("box", "cd /tmp; mkdir -p ours/deep theirs/deep; echo 1 > ours/deep/more; echo 1 > theirs/deep/more")
    place.inside("box", "chmod 700 /tmp/ours/deep /tmp/theirs/deep")
    place.run("cp", "tree/.", "box:/tmp/ours")
    docker = ["docker", "cp", "tree/.", f"{place.stack}_box:/tmp/theirs"]
    subprocess.run(docker, cwd=place.folder, check=True, capture_output=True)
    tapes = {name: place.archive("box", f"/tmp/{name}") for name in ("ours", "theirs")}
    assert portrait(tapes["ours"]) == portrait(tapes["theirs"])
    with tarfile.open(fileobj=BytesIO(tapes["ours"])) as tape:
        assert {f"{member.uid}:{member.gid}" for member in tape} == {user}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("kind", ["runs", "stopped"])
def test_one_that_is_ended_on_the_way_leaves_all_as_it_was(place: Place, kind: str, number: int) -> None:
    small_volume(place)
    if kind == "stopped":
        place.run("stop", "box")
    before = place.inside("holder", LOOK)
    (place.folder / "a").write_text("new\n")
    (place.folder / "huge").write_bytes(bytes(500_000))
    tar = subprocess.run(["tar", "c", "-C", str(place.folder), "a", "huge"], capture_output=True, check=True).stdout
    command = [sys.executable, "-m", "nexusctl", "cp", "-", "box:/small"]
    with subprocess.Popen(command, cwd=place.folder, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(tar[:300_000])
        process.stdin.flush()
        end = time.monotonic() + 240
        while kind == "runs" and "/a" not in place.inside("holder", "ls -d /held/.nexusctl.*/a 2>/dev/null || true"):
            assert time.monotonic() < end
        time.sleep(0 if kind == "runs" else 2)
        process.send_signal(number)
        assert process.wait(240) in (130, 128 + number)
    assert place.inside("holder", LOOK) == before
    assert ".nexusctl" not in place.inside("holder", "ls -A /held")


def test_where_one_is_a_folder_and_the_other_is_none_nothing_changes(place: Place) -> None:
    place.apply(box={})
    place.tree()
    place.run("cp", "tree", "box:/srv")
    before = place.inside("box", "find /srv/tree")
    (place.folder / "clash/deep/er/data").mkdir(parents=True)
    assert b"is no folder" in place.run("cp", "clash/.", "box:/srv/tree", code=1)
    (place.folder / "clash2").mkdir()
    (place.folder / "clash2/deep").write_text("1")
    assert b"is a folder" in place.run("cp", "clash2/.", "box:/srv/tree", code=1)
    assert place.inside("box", "find /srv/tree") == before


def test_a_download_that_finds_no_space_leaves_what_was_here(place: Place) -> None:
    place.apply(box={})
    place.inside("box", "mkdir /srv/tree; head -c 3000000 /dev/urandom > /srv/tree/big; echo new > /srv/tree/a")
    disk = place.folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (disk / "tree").mkdir()
        for old in (disk / "big", disk / "tree/big"):
            old.write_text("old")
        for source, target in (("/srv/tree/big", "disk"), ("/srv/tree/big", "disk/big"), ("/srv/tree", "disk")):
            assert b"No space left on device" in place.run("cp", f"box:{source}", target, code=1)
        assert (disk / "big").read_text() == (disk / "tree/big").read_text() == "old"
        assert sorted(path.name for path in disk.rglob("*")) in (["a", "big", "big", "tree"], ["big", "big", "tree"])
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_file_takes_the_place_of_another_also_without_a_tool_for_that(place: Place) -> None:
    place.apply(box={})
    (place.folder / "one").write_text("first")
    place.run("cp", "one", "box:/srv/one")
    place.inside("box", "ln -s one /srv/link")
    (place.folder / "one").write_text("second")
    (place.folder / "one").chmod(0o640)
    place.run("cp", "one", "box:/srv/link")
    assert place.inside("box", "cat /srv/one; stat -c %a /srv/one; ls -A /srv") == "second640\nlink\none\n"
    place.inside("box", "mv $(command -v mv) /tmp/mv")
    (place.folder / "one").write_text("third")
    place.run("cp", "one", "box:/srv/one")
    assert place.inside("box", "cat /srv/one; ls -A /srv") == "thirdlink\none\n"


def test_what_is_no_archive_is_said_to_be_none(place: Place) -> None:
    place.apply(box={})
    whole = subprocess.run(["tar", "c", "-C", "/etc", "passwd"], capture_output=True, check=True).stdout
    for came, said in [
        (b"", b"nothing came on stdin"), (b"garbage", b"no whole tar archive"),
        (b"garbage" * 1000, b"no whole tar archive"), (whole[:700], b"no whole tar archive"),
    ]:  # fmt: skip
        heard = place.run("cp", "-", "box:/srv", stdin=came, code=1)
        assert said in heard, heard
        assert len(heard.splitlines()) == 2, heard
    place.run("cp", "-", "box:/srv", stdin=whole)
    assert "root" in place.inside("box", "cat /srv/passwd")


def test_a_large_file_takes_little_memory_each_way(place: Place) -> None:
    place.apply(box={})
    with (place.folder / "big").open("wb") as stream:
        stream.truncate(LARGE)
        stream.write(b"begin")
    for words in (("big", "box:/big"), ("box:/big", "again")):
        command = [sys.executable, "-c", WEIGH, sys.executable, "-m", "nexusctl", "cp", *words]
        weighed = subprocess.run(command, cwd=place.folder, stdout=subprocess.PIPE, text=True, check=True)
        status, used = map(int, weighed.stdout.splitlines()[-1].split())
        assert status == 0
        assert used <= MOST_MEMORY
    assert (place.folder / "again").stat().st_size == LARGE
    assert subprocess.run(["cmp", "big", "again"], cwd=place.folder, check=False).returncode == 0
