"""Uploads that were edited inside, and what of that comes back: the oracle is what lies in both places."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prestarted

pytestmark = pytest.mark.engine


class Desk:
    def __init__(self, folder: Path, stack: str, image: str) -> None:
        self.folder, self.stack, self.source = folder / "here", stack, folder / "here/src"
        (self.source / "lib").mkdir(parents=True)
        for name in ("main.py", "lib/one.py", "lib/two.py", "old.py", "run.sh"):
            (self.source / name).write_text(f"{name}\n")
        (self.source / "link").symlink_to("main.py")
        (self.folder / "conf").write_text("conf\n")
        (folder / "outside").write_text("outside\n")
        uploads = [
            {"source": "./src", "target": "/app", "ignore": ["*.log"]},
            {"source": "./conf", "target": "/etc/conf"},
            {"content": "text", "target": "/etc/text"},
        ]
        box = {"image": image, "command": ["sleep", "infinity"], "working_dir": "/app"}
        document = {"name": stack, "sandboxes": {"api": {**box, "uploads": uploads}, "web": {**box, "replicas": 2}}}
        (self.folder / "nexus.yaml").write_text(json.dumps(document))

    def run(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "nexusctl", *words]
        done = prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def inside(self, script: str) -> str:
        command = ["docker", "exec", f"{self.stack}_api", "sh", "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def is_quiet(self, *options: str) -> bool:
        return bool(json.loads(self.run("plan", "--json", *options))["empty"])

    def tree(self) -> dict[str, str]:
        """All that is here, by path."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            if path.is_symlink():
                found[name] = f"-> {path.readlink()}"
            elif path.is_file():
                found[name] = path.read_text()
        return found


@pytest.fixture
def desk(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Desk]:
    made = Desk(tmp_path, stack_name, base_image)
    made.run("apply", "--yes")
    yield made
    made.run("destroy", "--yes")


def test_what_was_edited_inside_comes_back_and_what_was_edited_here_stays(desk: Desk) -> None:
    desk.inside(
        "cd /app; echo inside > main.py; echo two > lib/two.py; rm old.py link; ln -s lib/two.py link; chmod +x run.sh;"
        "echo new > new.py; mkdir -p fresh/deep fresh/node_modules; echo deep > fresh/deep/x; echo no > fresh/y.log;"
        "echo no > fresh/node_modules/z; echo inside > /etc/conf; echo inside > /etc/text"
    )
    # Nobody asks for what is only here.
    (desk.source / "lib/one.py").write_text("mine\n")
    before = desk.tree()
    # Where both have edited, nothing at all is written.
    (desk.source / "lib/two.py").write_text("mine too\n")
    assert "src/lib/two.py was edited here and inside of api" in desk.run("pull", "api", "--yes", code=1)
    assert desk.tree() == {**before, "src/lib/two.py": "mine too\n"}
    # One path at a time; what both have the same is no conflict.
    assert "From api: 1 changed." in desk.run("pull", "api:main.py")
    assert desk.tree() == {**before, "src/lib/two.py": "mine too\n", "src/main.py": "inside\n"}
    # Removals are shown, and asked for.
    (desk.source / "lib/two.py").write_text("two\n")
    assert "- src/old.py" in (said := desk.run("pull", "api", code=1))
    assert "pass --yes" in said
    said = desk.run("pull", "api", "--yes")
    assert "From api: 3 changed, 2 added, 1 removed." in said
    after = {k: v for k, v in before.items() if k != "src/old.py"}
    assert desk.tree() == after | {
        "conf": "inside\n",
        "src/main.py": "inside\n",
        "src/lib/two.py": "two\n",
        "src/link": "-> lib/two.py",
        "src/new.py": "new\n",
        "src/fresh/deep/x": "deep\n",
    }
    assert os.access(desk.source / "run.sh", os.X_OK)
    # What is left is what was edited here, and the text that no file of this machine holds.
    changes = json.loads(desk.run("plan", "--json"))["changes"]
    assert [d["field"] for change in changes for d in change["differences"]] == ["uploads./app/lib/one.py"]
    (desk.source / "lib/one.py").write_text("lib/one.py\n")
    assert desk.is_quiet()
    changes = json.loads(desk.run("plan", "--json", "--deep"))["changes"]
    assert [d["field"] for change in changes for d in change["differences"]] == ["uploads./etc/text"]
    assert "Nothing to bring back" in desk.run("pull", "api")
    # By force what is inside wins.
    desk.inside("echo again > /app/main.py")
    (desk.source / "main.py").write_text("mine\n")
    desk.run("pull", "api:/app/main.py", code=1)
    found = json.loads(desk.run("pull", "api:/app/main.py", "--force", "--json"))
    assert (found["changed"], desk.tree()["src/main.py"]) == ([str(desk.source / "main.py")], "again\n")
    assert desk.is_quiet()


def test_a_sandbox_writes_nowhere_but_into_the_source(desk: Desk) -> None:
    outside = desk.folder.parent
    before = desk.tree()
    desk.inside(
        "cd /app; rm -r lib main.py; ln -s ../../outside main.py; ln -s ../.. lib; mkdir -p .git/hooks new/.GIT;"
        "echo evil > .git/hooks/post-checkout; echo evil > new/.GIT/config; ln -s /etc new/etc; mkfifo pipe;"
        "echo good > new/good; rm old.py; mkdir old.py; echo evil > old.py/x; rm link; ln -s /etc/passwd link"
    )
    said = desk.run("pull", "api", "--yes")
    for phrase in (
        "/app/main.py is a link that leads outside, to ../../outside",
        "/app/lib is a link by now, and was a folder",
        "/app/old.py is a folder by now, and was a file",
        "/app/link is a link that leads outside, to /etc/passwd",
        "/app/.git has a name",
        "/app/new/.GIT has a name",
        "/app/new/etc is a link",
        "/app/pipe is a link or a special file",
    ):
        assert phrase in said
    gone = {"src/lib/one.py", "src/lib/two.py"}
    assert desk.tree() == {k: v for k, v in before.items() if k not in gone} | {"src/new/good": "good\n"}
    assert sorted(path.name for path in outside.iterdir()) == ["here", "outside"]
    assert (outside / "outside").read_text() == "outside\n"
    # A link that somebody has put into the source here is not followed either.
    (desk.source / "lib").rmdir()
    desk.run("apply", "--yes", "--deep")
    desk.inside("echo evil > /app/new/good")
    (desk.source / "new/good").unlink()
    (desk.source / "new").rmdir()
    (outside / "elsewhere").mkdir()
    (desk.source / "new").symlink_to(outside / "elsewhere")
    desk.run("pull", "api:/app/new", "--force", "--yes", code=1)
    assert [*(outside / "elsewhere").iterdir()] == []
    # More than an upload may hold is refused before anything is written.
    (desk.source / "new").unlink()
    desk.run("apply", "--yes", "--deep")
    desk.inside("mkdir /app/much; for n in 1 2; do truncate -s 150M /app/much/$n; done; echo more > /app/main.py")
    assert "more than 256 MiB" in desk.run("pull", "api", "--yes", code=1)
    assert desk.tree()["src/main.py"] == "main.py\n"


def test_many_files_come_back_at_once_and_what_is_none_of_an_upload_is_refused(desk: Desk) -> None:
    desk.inside("cd /app/lib; for n in $(seq 200); do echo $n > f$n; done")
    assert "200 added" in desk.run("pull", "api:lib")
    assert (desk.tree()["src/lib/f77"], desk.is_quiet()) == ("77\n", True)
    desk.inside("cd /app/lib; for n in $(seq 200); do echo again $n > f$n; done")
    assert "200 changed" in desk.run("pull", "api")
    assert (desk.tree()["src/lib/f77"], desk.is_quiet("--deep")) == ("again 77\n", True)
    assert "/etc/passwd is no upload of api" in desk.run("pull", "api:/etc/passwd", code=1)
    assert "/etc/text is no upload of api" in desk.run("pull", "api:/etc/text", code=1)
    assert "web means several sandboxes: web-1, web-2" in desk.run("pull", "web", code=1)
    assert "web-1 has no uploads" in desk.run("pull", "web-1", code=1)
    assert "did you mean `api`?" in desk.run("pull", "apo", code=1)
    # Of one that is stopped as well.
    desk.inside("echo late > /app/lib/f1; echo longer than before > /app/main.py")
    desk.run("stop", "api")
    assert "2 changed" in desk.run("pull", "api")
    assert (desk.tree()["src/main.py"], desk.tree()["src/lib/f1"]) == ("longer than before\n", "late\n")


def test_files_come_back_beside_what_is_written_wrong_of_another_sandbox(desk: Desk) -> None:
    file = desk.folder / "nexus.yaml"
    document = json.loads(file.read_text())
    document["sandboxes"]["web"]["env_file"] = "gone.env"
    document["sandboxes"]["api"]["depends_on"] = ["web"]
    file.write_text(json.dumps(document, indent=1))
    desk.inside("echo inside > /app/main.py")
    said = desk.run("pull", "api:main.py")
    assert "warning: the `env_file` path `gone.env` does not exist" in said
    assert desk.tree()["src/main.py"] == "inside\n"
    document["sandboxes"]["api"]["env_file"] = "gone.env"
    file.write_text(json.dumps(document, indent=1))
    assert "error: the `env_file` path `gone.env` does not exist" in desk.run("pull", "api", code=1)
