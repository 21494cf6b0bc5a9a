from __future__ import annotations

import hashlib
import shlex
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.files.entries import list_entries
from nexusctl.engine.docker.files.upload import read_file
from nexusctl.errors import StepError
from nexusctl.model.uploads_and_packages import Upload, UploadFile
from tests.engine.workshop import Workshop, text

pytestmark = pytest.mark.engine

STATE = "stat -c '%n %F %a %u:%g' "


def folder_upload(source: Path, target: str, **fields: object) -> Upload:
    """What a loader makes of the folder `source`."""
    files = [UploadFile(path="", digest="", mode=0o750, kind="folder")]
    for path in sorted(source.rglob("*")):
        name = str(path.relative_to(source))
        if path.is_symlink():
            files.append(UploadFile(path=name, digest="", mode=0o777, kind="link", link=str(path.readlink())))
        elif path.is_dir():
            files.append(UploadFile(path=name, digest="", mode=0o755, kind="folder"))
        else:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            files.append(UploadFile(path=name, digest=digest, mode=0o644, size=path.stat().st_size))
    return Upload(target=target, files=tuple(files), source=str(source), **fields)  # type: ignore[arg-type]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "src" / "deep" / ("long-" * 40)).write_text("long name")
    (tmp_path / "src" / "größe.txt").write_text("umlaut")
    (tmp_path / "src" / "big").write_bytes(bytes(range(256)) * 4096 * 3 + b"odd")
    (tmp_path / "src" / "link").symlink_to("deep")
    return tmp_path / "src"


def read(shop: Workshop, container_id: str, script: str) -> str:
    outcome = shop.engine.run_script(container_id, script)
    assert outcome.exit_code == 0, outcome
    return outcome.output.strip()


@pytest.mark.parametrize("when", ["before the start", "while it runs"])
def test_a_folder_arrives_as_it_is(shop: Workshop, tree: Path, when: str) -> None:
    upload = folder_upload(tree, "/srv/app", owner="1000:1001")
    container_id = shop.start(shop.sandbox(uploads=(upload,) if when == "before the start" else ()))
    if when == "while it runs":
        shop.engine.upload(container_id, [upload])
    found = read(shop, container_id, "cd /srv/app; find . -type f | LC_ALL=C sort | xargs sha256sum")
    expected = {file.path: file.digest for file in upload.files if file.kind == "file"}
    assert {line.split()[1].removeprefix("./"): line.split()[0] for line in found.splitlines()} == expected
    assert read(shop, container_id, "readlink /srv/app/link") == "deep"
    assert read(shop, container_id, STATE + "/srv/app /srv/app/big /srv/app/deep").splitlines() == [
        "/srv/app directory 750 1000:1001",
        "/srv/app/big regular file 644 1000:1001",
        "/srv/app/deep directory 755 1000:1001",
    ]


def test_folders_above_a_target_that_are_there_stay_as_they_are(shop: Workshop) -> None:
    uploads = (text("/tmp/new/x", "x", owner="1000:1000"), text("/var/run/y", "y", mode=0o600))
    container_id = shop.start(shop.sandbox(uploads=uploads))
    assert read(shop, container_id, STATE + "/tmp /tmp/new /tmp/new/x /run/y").splitlines() == [
        "/tmp directory 1777 0:0",
        "/tmp/new directory 755 1000:1000",
        "/tmp/new/x regular file 644 1000:1000",
        "/run/y regular file 600 0:0",
    ]


@pytest.mark.parametrize(
    ("owner", "numbers"),
    [("daemon", "1:1"), ("daemon:tty", "1:5"), ("nobody", "65534:65534"), ("1", "1:1"), ("77", "77:0")],
)
def test_owners_are_named_as_the_sandbox_knows_them(shop: Workshop, owner: str, numbers: str) -> None:
    container_id = shop.start(shop.sandbox(uploads=(text("/srv/x", "x", owner=owner),)))
    assert read(shop, container_id, STATE + "/srv/x") == f"/srv/x regular file 644 {numbers}"


def test_files_without_an_owner_belong_to_the_sandboxs_user(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(user="daemon", uploads=(text("/srv/x", "x"),)))
    assert read(shop, container_id, STATE + "/srv/x") == "/srv/x regular file 644 1:1"


def test_an_unknown_owner_is_named_and_nothing_is_left(shop: Workshop) -> None:
    with pytest.raises(StepError, match="no user ghost"):
        shop.create(shop.sandbox(uploads=(text("/srv/x", "x", owner="ghost"),)))
    assert shop.observe().sandboxes == ()


@pytest.mark.parametrize("change", ["same size", "longer", "shorter", "gone"])
def test_a_file_that_changed_since_it_was_planned_stops_the_step(shop: Workshop, tmp_path: Path, change: str) -> None:
    source = tmp_path / "file"
    source.write_text("planned")
    file = UploadFile(path="", digest=hashlib.sha256(b"planned").hexdigest(), mode=0o644, size=7)
    sandbox = shop.sandbox(uploads=(Upload(target="/srv/x", files=(file,), source=str(source)),))
    if change == "gone":
        source.unlink()
    else:
        source.write_text({"same size": "changed", "longer": "planned!", "shorter": "plan"}[change])
    with pytest.raises(StepError, match="cannot read" if change == "gone" else "changed while applying"):
        shop.create(sandbox)
    assert shop.observe().sandboxes == ()


def test_a_running_sandbox_keeps_the_old_file_when_the_new_one_does_not_come_through(
    shop: Workshop, tmp_path: Path
) -> None:
    container_id = shop.start(shop.sandbox(uploads=(text("/srv/x", "old"),)))
    source = tmp_path / "file"
    source.write_bytes(b"n" * 2_000_000)
    file = UploadFile(path="", digest="0" * 64, mode=0o644, size=2_000_000)
    with pytest.raises(StepError, match="changed while applying"):
        shop.engine.upload(container_id, [Upload(target="/srv/x", files=(file,), source=str(source))])
    assert read(shop, container_id, "cat /srv/x; ls -A /srv") == "oldx"


def test_a_program_never_sees_half_a_file_while_it_is_replaced(shop: Workshop, tmp_path: Path) -> None:
    watch = "while :; do cat /srv/x | sha256sum; done >/tmp/seen"
    some = "until grep -q '  *-$' /tmp/seen; do sleep 0.1; done"
    old, new = "o" * 500_000, "n" * 500_000
    container_id = shop.start(shop.sandbox(command=("bash", "-c", watch), uploads=(text("/srv/x", old),)))
    shop.engine.upload(container_id, [text("/srv/x", new)])
    seen = set(read(shop, container_id, f"{some}; sort -u /tmp/seen | grep -- '  *-$' | cut -c1-64").split())
    expected = {hashlib.sha256(content.encode()).hexdigest() for content in (old, new)}
    assert seen <= expected
    assert seen


@pytest.mark.parametrize("content", [b"", b"\0\xff\r\n" * 1000, b"no end of line"], ids=["empty", "bytes", "text"])
def test_one_small_file_takes_one_command_and_no_archive(
    shop: Workshop, tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    container_id = shop.start(shop.sandbox(uploads=(text("/srv/it's $x", "old"),)))
    source = tmp_path / "file"
    source.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    file = UploadFile(path="", digest=digest, mode=0o4751, size=len(content))
    asked = listen_in(shop, monkeypatch)
    upload = Upload(target="/srv/it's $x", files=(file,), source=str(source), owner="7:daemon")
    shop.engine.upload(container_id, [upload])
    assert not [call for call in asked if call.startswith("PUT")]
    assert len([call for call in asked if call.endswith("/exec")]) == 1
    assert read(shop, container_id, STATE + "/srv/* ; cat /srv/* | sha256sum; ls -A /srv") == (
        f"/srv/it's $x regular {'empty ' if not content else ''}file 4751 7:1\n{digest}  -\nit's $x"
    )


def test_a_file_whose_folder_is_not_there_gets_one(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    shop.engine.upload(container_id, [text("/srv/new/deep/x", "one")])
    assert read(shop, container_id, "cat /srv/new/deep/x; ls -A /srv/new/deep") == "onex"


def test_a_sandbox_that_lacks_a_tool_gets_its_file_nevertheless(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    read(shop, container_id, "rm -f /usr/bin/head /bin/head")
    shop.engine.upload(container_id, [text("/srv/x", "one")])
    read(shop, container_id, "rm -f /usr/bin/mv /bin/mv")
    shop.engine.upload(container_id, [text("/srv/y", "two")])
    assert read(shop, container_id, "cat /srv/x /srv/y; ls -A /srv | wc -l") == "onetwo2"


def listen_in(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls that the engine gets from now on."""
    calls: list[str] = []
    ask = Wire.open

    def note(wire: Wire, method: str, path: str, *args: Any, **words: Any) -> Any:
        calls.append(f"{method} {path}")
        return ask(wire, method, path, *args, **words)

    monkeypatch.setattr(Wire, "open", note)
    return calls


def test_a_folder_is_never_replaced_by_a_file(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    with pytest.raises(StepError) as refusal:
        shop.engine.upload(container_id, [text("/etc", "x")])
    assert "/etc is a folder" in " ".join(refusal.value.diagnostics[0].output)
    assert read(shop, container_id, "ls -d /etc/passwd; ls -A / | grep -c nexusctl || true") == "/etc/passwd\n0"


def test_what_the_image_has_in_the_place_of_an_upload_is_said_in_our_words(shop: Workshop, tree: Path) -> None:
    folder = UploadFile(path="", digest="", mode=0o755, kind="folder")
    with pytest.raises(StepError, match=r"^/bin is no folder in the sandbox, and one in the upload$"):
        shop.create(shop.sandbox(uploads=(Upload(target="/bin", files=(folder,), source=str(tree)),)))
    with pytest.raises(StepError, match=r"^/etc is a folder in the sandbox, and none in the upload$"):
        shop.create(shop.sandbox("b", uploads=(text("/etc", "x"),)))


def test_a_symlink_in_the_place_of_a_file_is_replaced_and_not_followed(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    read(shop, container_id, "ln -s /etc /srv/x; ln -s /etc/passwd /srv/y")
    shop.engine.upload(container_id, [text("/srv/x", "one"), text("/srv/y", "two")])
    assert read(shop, container_id, "cat /srv/x /srv/y; grep -c ^root: /etc/passwd") == "onetwo1"


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "link/x"])
def test_nothing_leaves_the_target(path: str) -> None:
    files = (
        UploadFile(path="link", digest="", mode=0o777, kind="link", link="/etc"),
        UploadFile(path=path, digest="", mode=0o644),
    )
    with pytest.raises(StepError, match="leads out of"):
        list(list_entries(Upload(target="/srv", files=files), (0, 0)))


def test_many_files_are_removed_with_the_folders_that_they_leave_empty(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    read(
        shop,
        container_id,
        f"mkdir -p /srv/d/e; for i in $(seq 1500); do : >/srv/d/e/{'n' * 60}-$i; done; : >/srv/d/own",
    )
    names = [f"/srv/d/e/{'n' * 60}-{n}" for n in range(1, 1501)]
    shop.engine.upload(container_id, (), [*names, "/srv/d/e", "/srv/d"])
    assert read(shop, container_id, "find /srv") == "/srv\n/srv/d\n/srv/d/own"


# Each counts how often it starts, in a place that no upload of a test has.
COUNTED = """
for tool in mv rm rmdir; do
  mv /usr/bin/$tool /usr/bin/counted-$tool 2>/dev/null || cp /bin/$tool /usr/bin/counted-$tool
  printf '#!/bin/sh\necho %s >>/tmp/starts; exec counted-%s "$@"\n' $tool $tool >/usr/bin/new-$tool
  chmod 755 /usr/bin/new-$tool
done
for tool in rm rmdir mv; do counted-mv -f /usr/bin/new-$tool /usr/bin/$tool; done
"""


def write_many(source: Path, count: int, mark: str) -> Upload:
    for number in range(count):
        path = source / f"d{number % 2}" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{mark} {number}")
    return folder_upload(source, "/srv/app")


def test_tools_start_as_often_for_many_files_as_for_few(shop: Workshop, tmp_path: Path) -> None:
    starts = []
    for count in (20, 80):
        source = tmp_path / str(count)
        container_id = shop.start(shop.sandbox(str(count), uploads=(write_many(source, count, "old"),)))
        read(shop, container_id, COUNTED)
        changed = write_many(source, count, "new")
        shop.engine.upload(container_id, [changed])
        assert read(shop, container_id, "cat /srv/app/d*/* | grep -c old || true") == "0"
        paths = [f"/srv/app/{file.path}" for file in changed.files if file.path]
        shop.engine.upload(container_id, (), paths)
        assert read(shop, container_id, "find /srv/app") == "/srv/app"
        starts.append(read(shop, container_id, "sort /tmp/starts | uniq -c"))
    assert starts[0] == starts[1]
    assert "mv" in starts[0]


def test_names_of_all_kinds_are_exchanged_and_nothing_stays_beside_them(shop: Workshop, tmp_path: Path) -> None:
    names = [".env", "..odd", "*", "-rf", " a b ", "a\nb", "[x]", "$(x)", "n" * 255, "größe", "link"]
    source = tmp_path / "src"
    source.mkdir()
    for name in names[:-1]:
        (source / name).write_text("old")
    (source / "link").symlink_to("nowhere")
    container_id = shop.start(shop.sandbox(uploads=(folder_upload(source, "/srv/app"),)))
    for name in names[:-1]:
        (source / name).write_text(f"new {name}")
    (source / "link").unlink()
    (source / "link").symlink_to("*")
    upload = folder_upload(source, "/srv/app")
    shop.engine.upload(container_id, [upload])
    found = read(shop, container_id, "cd /srv/app; ls -A | wc -l; readlink link; sha256sum -z -- [!l]* .e* ..o*")
    count, link, sums = found.split("\n", 2)
    digests = {row[66:]: row[:64] for row in sums.split("\0") if row}
    assert digests == {file.path: file.digest for file in upload.files if file.kind == "file"}
    # One line more for the name with a line break.
    assert (int(count), link) == (len(names) + 1, "*")


def test_what_is_laid_beside_goes_where_it_does_not_fit(shop: Workshop, tmp_path: Path) -> None:
    container_id = shop.start(shop.sandbox(uploads=(write_many(tmp_path / "src", 4, "old"),)))
    read(shop, container_id, "rm /srv/app/d1/3; mkdir /srv/app/d1/3")
    with pytest.raises(StepError) as refusal:
        shop.engine.upload(container_id, [write_many(tmp_path / "src", 4, "new")])
    assert "/srv/app/d1/3 is a folder in the sandbox" in " ".join(refusal.value.diagnostics[0].output)
    assert read(shop, container_id, "find /srv/app -name '.nexusctl*'; cat /srv/app/d1/1") == "old 1"


def test_a_small_file_is_read_from_a_container_that_never_ran(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox(uploads=(text("/srv/x", "x"),)))
    wire = shop.engine.wire  # type: ignore[attr-defined]
    assert read_file(wire, container_id, "/srv/x") == b"x"
    assert read_file(wire, container_id, "/srv/absent") is None


@pytest.mark.parametrize("when", ["before the start", "while it runs"])
@pytest.mark.parametrize(("user", "owner"), [("1000:1001", None), (None, "1000:1001"), ("1000:1001", "root")])
@pytest.mark.parametrize("count", [1, 2])
def test_folders_made_above_a_target_belong_to_the_owner_of_what_lies_in_them(
    shop: Workshop, user: str | None, owner: str | None, when: str, count: int
) -> None:
    uploads = [text(f"/srv/some/deep/{number}", "x", owner=owner) for number in range(count)]
    container_id = shop.start(shop.sandbox(user=user, uploads=tuple(uploads) if when == "before the start" else ()))
    if when == "while it runs":
        shop.engine.upload(container_id, uploads)
    wanted = "0:0" if owner == "root" else "1000:1001"
    found = read(shop, container_id, STATE + "/srv /srv/some /srv/some/deep /srv/some/deep/0")
    assert found.splitlines() == [
        "/srv directory 755 0:0",
        f"/srv/some directory 755 {wanted}",
        f"/srv/some/deep directory 755 {wanted}",
        f"/srv/some/deep/0 regular file 644 {wanted}",
    ]
    if user and not owner:
        read(shop, container_id, "touch /srv/some/deep/beside /srv/some/beside")


def test_checksums_are_those_that_its_tool_takes(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    read(shop, container_id, "cd /srv && printf one >one && printf two >'tw o'")
    paths = ["/srv/one", "/srv/tw o", "/srv/absent", "/srv/of\ntwo lines"]
    found = shop.engine.archives.checksums(container_id, paths, 6)
    printed = "\n".join(f"{one.crc} {one.size} {path}" for path, one in found.items())
    assert printed == read(shop, container_id, "cksum /srv/one '/srv/tw o'")


def test_where_none_can_be_taken_there_are_no_checksums(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    read(shop, container_id, "printf one >/srv/one")
    assert list(shop.engine.archives.checksums(container_id, ["/srv/one"], 3)) == ["/srv/one"]
    # As busybox and older ones do.
    old = "#!/bin/sh\ncase $1 in -*) echo unknown option; exit 1;; esac\necho 1 3 /srv/one\n"
    read(
        shop,
        container_id,
        f"mv /usr/bin/cksum /tmp; printf {shlex.quote(old)} >/usr/bin/cksum; chmod +x /usr/bin/cksum",
    )
    assert shop.engine.archives.checksums(container_id, ["/srv/one"], 3) == {}
    read(shop, container_id, "rm /usr/bin/cksum")
    assert shop.engine.archives.checksums(container_id, ["/srv/one"], 3) == {}
    read(shop, container_id, "mv /tmp/cksum /usr/bin/")
    shop.engine.stop_container(container_id, 0)
    assert shop.engine.archives.checksums(container_id, ["/srv/one"], 3) == {}
