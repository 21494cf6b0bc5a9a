"""Templates from git: fetched once, proved each time, and never run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.config.templates import git_checkout as checkout
from nexusctl.errors import InputError
from nexusctl.model.stack import Stack

TEMPLATE = """name: ruby
description: Ruby
extends: ./base.yaml
image: "ruby:${param.version}"
parameters: {version: {default: "3.3"}}
defaults:
  uploads: [{source: ./motd.txt, target: /etc/motd}]
"""


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet")

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "protocol.file.allow=always")
        done = subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            path = self.folder / "templates" / name.replace("__", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "more")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repository = Repository(tmp_path / "repository")
    base = "name: base-ruby\ndescription: Base\nimage: debian\ndefaults: {env: {BASE: '1'}}\n"
    repository.commit(ruby__yaml=TEMPLATE, base__yaml=base, motd__txt="hello\n")
    return repository


def use(folder: Path, url: str, commit: str, path: str = "templates/ruby.yaml", more: str = "") -> Stack:
    file = folder / "nexus.yaml"
    template = f"{{git: {url}, commit: {commit}, path: {path}}}"
    file.write_text(f"name: shop\nsandboxes:\n  api:\n    template: {template}\n{more}")
    return load(file)


def told(folder: Path, url: str, commit: str, path: str = "templates/ruby.yaml") -> list[str]:
    with pytest.raises(InputError) as caught:
        use(folder, url, commit, path)
    assert all(problem.location and problem.hint for problem in caught.value.diagnostics)
    return [problem.summary for problem in caught.value.diagnostics]


def test_a_template_of_a_commit_brings_its_own_files(tmp_path: Path, repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.commit(motd__txt="later\n")
    sandbox = use(tmp_path, repository.url, first, more="    with: {version: '3.4'}\n").sandboxes["api"]
    assert (sandbox.image, sandbox.template, sandbox.env) == ("ruby:3.4", "ruby", {"BASE": "1"})
    source = sandbox.uploads[0].source
    assert source
    assert Path(source).read_text() == "hello\n"


def test_what_is_in_the_cache_needs_neither_network_nor_git(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.git("rev-parse", "HEAD")
    before = use(tmp_path, repository.url, commit)
    shutil.rmtree(repository.folder)
    monkeypatch.setenv("PATH", "")
    assert use(tmp_path, repository.url, commit) == before
    assert told(tmp_path, repository.url, "b" * 40) == ["there is no `git` on this machine"]


@pytest.mark.parametrize("spoil", ["edit", "add", "remove", "mode", "commit"])
def test_a_cache_that_somebody_changed_is_refused(tmp_path: Path, repository: Repository, spoil: str) -> None:
    commit = repository.git("rev-parse", "HEAD")
    use(tmp_path, repository.url, commit)
    (place,) = (tmp_path / "cache/nexusctl/templates").iterdir()
    file = place / "files/templates/motd.txt"
    match spoil:
        case "edit":
            file.write_text("evil\n")
        case "add":
            file.with_name("more.txt").touch()
        case "remove":
            file.unlink()
        case "mode":
            file.chmod(0o755)
        case "commit":
            (place / "commit").write_text("tree " + "0" * 40 + "\n")
    assert told(tmp_path, repository.url, commit) == [
        f"the cached files of commit {commit[:12]} are not those of the commit"
    ]


def test_a_commit_that_a_branch_has_left_behind_and_one_that_never_was(tmp_path: Path, repository: Repository) -> None:
    assert told(tmp_path, repository.url, "a" * 40) == [f"`{repository.url}` has no commit {'a' * 40}"]
    commit = repository.git("rev-parse", "HEAD")
    assert told(tmp_path, repository.url, commit, "templates/rubi.yaml") == [
        f"there is no file `templates/rubi.yaml` in commit {commit[:12]}"
    ]
    assert list((tmp_path / "cache/nexusctl/templates").iterdir()) == [
        tmp_path / "cache/nexusctl/templates" / commit,
    ]


def test_a_repository_that_hashes_with_sha_256(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    repository = Repository(tmp_path / "repository")
    commit = repository.commit(ruby__yaml="name: ruby\ndescription: Ruby\nimage: ruby\n")
    assert len(commit) == 64
    assert use(tmp_path, repository.url, commit).sandboxes["api"].image == "ruby"


@pytest.mark.parametrize(
    "defaults",
    [
        "uploads: [{source: ../../../../../../../nexus.yaml, target: /x}]",
        "uploads: [{source: /etc/hostname, target: /x}]",
        "volumes: ['/tmp:/x']",
        "volumes: ['~:/x']",
        "env_file: /etc/environment",
        "uploads: [{source: ./link, target: /x}]",
    ],
)
def test_a_template_from_git_cannot_name_files_of_this_machine(
    tmp_path: Path, repository: Repository, defaults: str
) -> None:
    (repository.folder / "templates/link").symlink_to("/etc/hostname")
    commit = repository.commit(ruby__yaml=f"name: ruby\ndescription: Ruby\nimage: ruby\ndefaults: {{{defaults}}}\n")
    (summary,) = told(tmp_path, repository.url, commit)
    assert summary.endswith("leads out of the template's repository")


def test_a_reference_to_a_file_cannot_lead_out_either(tmp_path: Path, repository: Repository) -> None:
    text = (
        "name: ruby\ndescription: Ruby\nimage: ruby\nparameters: {}\ndefaults: {env: {X: '${file:../../../commit}'}}\n"
    )
    commit = repository.commit(ruby__yaml=text)
    assert told(tmp_path, repository.url, commit) == ["`../../../commit` leads out of the template's repository"]


def test_a_path_that_leads_out_of_the_repository_is_no_template(tmp_path: Path, repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    (tmp_path / "mine.yaml").write_text("name: mine\ndescription: x\nimage: debian\n")
    assert told(tmp_path, repository.url, commit, "../../../../../mine.yaml")[0].startswith("there is no file `../")


def test_nothing_of_a_repository_is_run(tmp_path: Path, repository: Repository) -> None:
    for hook in ("post-checkout", "post-merge", "pre-receive", "reference-transaction"):
        path = repository.folder / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        path.chmod(0o755)
    (repository.folder / "templates/.gitattributes").write_text("* filter=evil export-subst text eol=crlf\n")
    commit = repository.git("rev-parse", "HEAD")
    (tmp_path / "ran").unlink(missing_ok=True)
    use(tmp_path, repository.url, commit)
    assert not (tmp_path / "ran").exists()
    place = tmp_path / "cache/nexusctl/templates" / commit
    assert not list(place.rglob(".git"))


def test_a_submodule_is_refused(tmp_path: Path, repository: Repository) -> None:
    other = Repository(tmp_path / "other")
    other.commit(x__txt="x")
    repository.git("submodule", "add", "--quiet", other.url, "sub")
    commit = repository.commit(motd__txt="x")
    assert told(tmp_path, repository.url, commit) == ["the commit has a submodule, `sub`"]


def test_too_much_is_refused(tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repository.git("rev-parse", "HEAD")
    monkeypatch.setattr(checkout, "FILES_LIMIT", 2)
    assert told(tmp_path, repository.url, commit) == ["the commit has more than 2 files"]
    monkeypatch.setattr(checkout, "FILES_LIMIT", 10)
    monkeypatch.setattr(checkout, "SIZE_LIMIT", 10)
    assert told(tmp_path, repository.url, commit) == ["the commit holds more than 0 MiB"]


@pytest.mark.parametrize("url", ["file://--upload-pack=x", "ssh://-oProxyCommand=touch ran/x"])
def test_an_address_that_could_be_an_option_is_none(tmp_path: Path, repository: Repository, url: str) -> None:
    assert told(tmp_path, f'"{url}"', "a" * 40)[0].startswith("git failed: ")
    assert not list(tmp_path.rglob("ran"))


def test_a_template_that_one_from_git_extends_is_called_by_the_same_address(
    repository: Repository, tmp_path: Path
) -> None:
    commit = repository.commit(base__yaml="name: base-ruby\ndescription: Base\nimage: debian\nwrong: 1\n")
    with pytest.raises(InputError) as caught:
        use(tmp_path, repository.url, commit)
    places = [problem.location for problem in caught.value.diagnostics]
    assert [place.file for place in places if place] == [f"{repository.url}@{commit[:12]}:templates/base.yaml"]
