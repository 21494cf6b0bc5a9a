"""What cannot be kept as a file in the repository: pipes, sockets, large uploads, made-up homes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nexusctl.config.build.files import digests as digest
from nexusctl.config.load import load, load_template, template_names
from nexusctl.config.read.reader import read_source
from nexusctl.config.templates import builtin as template_found
from nexusctl.errors import InputError
from nexusctl.model.stack import Stack

HEAD = "name: shop\nsandboxes:\n  api:\n    image: debian\n"


def write(folder: Path, rest: str) -> Path:
    path = folder / "nexus.yaml"
    path.write_text(HEAD + rest, encoding="utf-8")
    return path


def summaries(path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(path)
    return [problem.summary for problem in caught.value.diagnostics]


def loaded(folder: Path, rest: str) -> Stack:
    return load(write(folder, rest))


def test_a_missing_stack_file_is_named(tmp_path: Path) -> None:
    assert summaries(tmp_path / "nexus.yaml") == [f"there is no stack file `{tmp_path}/nexus.yaml`"]


def test_a_folder_or_pipe_is_not_a_stack_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert summaries(tmp_path) == [f"`{tmp_path}` is a folder, where a stack file is needed"]
    assert summaries(tmp_path / "pipe") == [f"`{tmp_path}/pipe` is not a regular file, where a stack file is needed"]


def test_a_name_that_no_file_can_have_is_no_crash(tmp_path: Path) -> None:
    assert summaries(tmp_path / ("x" * 5000)) == [f"`{tmp_path}/{'x' * 5000}` cannot be read: file name too long"]
    path = write(tmp_path, f"    uploads: [{{source: {'x' * 5000}, target: /x}}]\n")
    assert summaries(path)[0].endswith("cannot be read: file name too long")


def test_a_pipe_in_an_uploaded_folder_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    os.mkfifo(tmp_path / "src" / "pipe")
    path = write(tmp_path, "    uploads: [{source: src, target: /app}]\n")
    assert summaries(path) == ["`src` cannot be uploaded: `pipe` in it is a socket, pipe or device"]
    path = write(tmp_path, "    uploads: [{source: src/pipe, target: /app}]\n")
    assert summaries(path) == ["`src/pipe` cannot be uploaded: it is a socket, pipe or device"]
    path = write(tmp_path, "    uploads: [{source: src, target: /app, ignore: [/pipe]}]\n")
    assert [file.path for file in load(path).sandboxes["api"].uploads[0].files] == [""]


def test_an_upload_of_more_than_fits_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    with (tmp_path / "src" / "disk.img").open("wb") as file:
        file.truncate(digest.TOTAL_LIMIT + 1)
    path = write(tmp_path, "    uploads: [{source: src, target: /app}, {source: src/disk.img, target: /disk}]\n")
    assert summaries(path) == [
        "`src` cannot be uploaded: it holds more than 256 MiB",
        "`src/disk.img` cannot be uploaded: it holds more than 256 MiB",
    ]


def test_an_upload_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "COUNT_LIMIT", 3)
    for number in range(4):
        (tmp_path / "src" / str(number)).mkdir(parents=True)
    path = write(tmp_path, "    uploads: [{source: src, target: /app}]\n")
    assert summaries(path) == ["`src` cannot be uploaded: it holds more than 3 files"]


def test_a_wrong_ignore_pattern_is_refused(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    path = write(tmp_path, '    uploads: [{source: src, target: /app, ignore: ["!"]}]\n')
    assert summaries(path)[0].startswith("`src` cannot be uploaded: a pattern in `ignore` cannot be read")


def test_an_ignore_pattern_has_as_many_wildcards_as_anybody_needs(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for name in ("a-b-c-d.log", "kept", "a" * 200):
        (tmp_path / "src" / name).write_text("x")
    many = '["*-*-*-*.log", "**/node_modules/**/*.tmp*", "/*/**/cache*/**"]'
    path = write(tmp_path, f"    uploads: [{{source: src, target: /app, ignore: {many}}}]\n")
    (sandbox,) = load(path).sandboxes.values()
    assert [file.path for file in sandbox.uploads[0].files] == ["", "a" * 200, "kept"]


def test_an_upload_has_the_bits_that_git_keeps_unless_a_mode_is_given(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir(mode=0o750)
    (tmp_path / "src").chmod(0o750)
    (tmp_path / "src" / "run").write_text("x")
    (tmp_path / "src" / "run").chmod(0o700)
    uploads = "[{source: src, target: /a}, {source: src, target: /b, mode: 0640}, {source: src/run, target: /c}]"
    first, second, third = loaded(tmp_path, f"    uploads: {uploads}\n").sandboxes["api"].uploads
    assert [oct(file.mode) for file in first.files] == ["0o755", "0o755"]
    assert [oct(file.mode) for file in second.files] == ["0o755", "0o640"]
    assert [oct(file.mode) for file in third.files] == ["0o755"]
    assert first.source == str(tmp_path / "src")


def test_a_socket_of_an_engine_cannot_be_mounted_wherever_it_lies(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "docker.sock"))
        (tmp_path / "innocent").symlink_to("docker.sock")
        path = write(tmp_path, '    volumes: ["./docker.sock:/a", "./innocent:/b"]\n')
        assert [text.split(":")[0] for text in summaries(path)] == [
            "`./docker.sock` cannot be mounted",
            "`./innocent` cannot be mounted",
        ]


def test_a_bind_starts_from_the_stack_file_or_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, stack = tmp_path / "home", tmp_path / "stack"
    (home / "work").mkdir(parents=True)
    stack.mkdir()
    monkeypatch.setenv("HOME", str(home))
    mounts = (
        loaded(stack, '    volumes: ["~/work:/home", "../home/work:/b:ro", {bind: ., target: /c}]\n')
        .sandboxes["api"]
        .mounts
    )
    assert [(m.kind, m.source, m.target, m.read_only) for m in mounts] == [
        ("bind", str(home / "work"), "/home", False),
        ("bind", str(home / "work"), "/b", True),
        ("bind", str(stack), "/c", False),
    ]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("~", "it is your home folder"),
        ("../..", "it holds folders of the system"),
        ("..", "it holds the socket `{}/run/engine`"),
        ("~/.ssh", "it is `~/.ssh`"),
        ("~/.aws/credentials", "it is `~/.aws/credentials`"),
        ("../guest", "it holds keys, in `.ssh`"),
        ("../run", "it holds the socket `{}/run/engine`"),
        ("../agent", "it holds the socket `{}/agent/keys`"),
    ],
)
def test_folders_with_keys_or_the_engines_socket_are_only_mounted_where_the_file_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, why: str
) -> None:
    if source == "../..":
        source = "../" * len(tmp_path.parts)
    for folder in ("home/.ssh", "home/.aws", "guest/.ssh", "run", "agent", "stack"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "home/.aws/credentials").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/run/engine")
    monkeypatch.setenv("SSH_AUTH_SOCK", f"{tmp_path}/agent/keys")
    path = write(tmp_path / "stack", f'    volumes: ["{source}:/a"]\n')
    assert [text.split(": ")[1].split(", which")[0] for text in summaries(path)] == [why.format(tmp_path)]
    meant = f"    volumes: [{{bind: '{source}', target: /a, host_access: true}}]\n"
    assert len(loaded(tmp_path / "stack", meant).sandboxes["api"].mounts) == 1


def test_one_load_reads_an_uploaded_folder_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a").write_text("a")
    read: list[Path] = []
    file_digest = digest.Digests.file
    monkeypatch.setattr(
        digest.Digests, "file", lambda self, path, size: read.append(path) or file_digest(self, path, size)
    )
    boxes = "".join(f"  b{n}: {{image: debian, uploads: [{{source: src, target: /app}}]}}\n" for n in range(100))
    assert len(loaded(tmp_path, boxes).sandboxes) == 101
    assert read == [tmp_path / "src" / "a"]


def test_only_the_templates_that_a_stack_uses_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_found, "FOLDER", Path(__file__).parent / "templates")
    read: list[str] = []
    monkeypatch.setattr(
        template_found,
        "read_source",
        lambda path, *rest, trust: read.append(path.name) or read_source(path, *rest, trust=trust),
    )
    path = tmp_path / "nexus.yaml"
    path.write_text("name: shop\nsandboxes: {a: {template: tool}, b: {template: tool}}\n")
    assert set(load(path).templates) == {"tool"}
    assert read == ["tool.yaml"]


def test_a_recipe_brings_the_templates_that_it_is_made_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_found, "FOLDER", Path(__file__).parent / "templates")
    path = tmp_path / "nexus.yaml"
    path.write_text("name: shop\nsandboxes: {a: {template: snake}}\n")
    templates = load(path).templates
    assert set(templates) == {"snake", "tool"}
    assert templates["snake"].recipe is not None
    assert templates["snake"].recipe.base == "tool"


def test_a_recipes_digest_changes_with_anything_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_found, "FOLDER", tmp_path)
    start = "name: {0}\ndescription: x\nimage: x\n"
    (tmp_path / "low.yaml").write_text(start.format("low") + "bootstrap: {suite: bookworm}\n")
    (tmp_path / "top.yaml").write_text(start.format("top") + "bootstrap: {from: low, apt: [git]}\n")
    assert template_names() == ("low", "top")
    before = [load_template(name).recipe for name in ("low", "top")]
    (tmp_path / "low.yaml").write_text(start.format("low") + "bootstrap: {suite: trixie}\n")
    after = [load_template(name).recipe for name in ("low", "top")]
    digests = {recipe.digest for recipe in before + after if recipe}
    assert len(digests) == 4


def test_recipes_that_are_made_from_each_other_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_found, "FOLDER", tmp_path)
    for one, other in (("a", "b"), ("b", "a")):
        text = f"name: {one}\ndescription: x\nimage: x\nbootstrap: {{from: {other}}}\n"
        (tmp_path / f"{one}.yaml").write_text(text)
    with pytest.raises(InputError, match="cannot be made from `a` here"):
        load_template("a")


def test_an_unknown_template_is_answered_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_found, "FOLDER", Path(__file__).parent / "templates")
    with pytest.raises(InputError) as caught:
        load_template("tols")
    assert caught.value.diagnostics[0].hint == "did you mean `tool`?"


def test_every_built_in_template_is_right() -> None:
    for name in template_names():
        assert load_template(name).name == name


def test_a_file_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/src/caf\xe9")).touch()
    path = write(tmp_path, "    uploads: [{source: src, target: /app}]\n")
    assert summaries(path) == ["`src` cannot be uploaded: the file name b'caf\\xe9' in it is not UTF-8"]


def test_a_nul_in_a_path_is_told_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path, '    uploads: [{source: "a\\0b", target: /app}]\n    env: {A: no}\n')
    told = summaries(path)
    assert told[0].startswith("this text contains a NUL")
    assert told[-1].startswith("`no` for `A`")


def test_a_loop_of_links_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    path = write(tmp_path, '    uploads: [{source: a, target: /app}]\n    volumes: ["./b:/x"]\n')
    assert [text.rpartition(": ")[0] for text in summaries(path)] == [
        "the `source` path `a` cannot be read",
        "the `bind` path `./b` cannot be read",
    ]


def test_the_files_that_a_requirements_file_takes_in_are_a_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r more/base.txt\n--constraint limits.txt\nflask==3.0.0 # web\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "base.txt").write_text("-r ../requirements.txt\nclick==8.1.7\n")
    (tmp_path / "limits.txt").write_text("# none\n")
    stack = loaded(tmp_path, "    packages: {pip: {from: requirements.txt}}\n")
    files = stack.sandboxes["api"].packages[0].lock_files
    assert [file.path for file in files] == ["requirements.txt", "more/base.txt", "limits.txt"]
    (tmp_path / "more" / "base.txt").write_text("click==8.1.8\n")
    assert loaded(tmp_path, "    packages: {pip: {from: requirements.txt}}\n") != stack
