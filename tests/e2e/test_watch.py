"""A watch in a pipe, and somebody who edits: what is in the sandboxes is what Docker says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from tests import prestarted

pytestmark = pytest.mark.engine

LONG = 240.0
"""Seconds after which nothing comes any more."""


class Watched:
    """A stack of two sandboxes, one of which hears of edits, and a `nexusctl watch` of it."""

    def __init__(self, folder: Path, stack: str, image: str) -> None:
        self.folder, self.stack = folder, stack
        self.source = folder / "src"
        self.source.mkdir(parents=True)
        (self.source / "main.py").write_text("one\n")
        (folder / "lone.txt").write_text("lone\n")
        (folder / "password").write_text("first-value\n")
        self.document: dict[str, Any] = {
            "name": stack,
            "secrets": {"pass": {"file": "./password"}},
            "sandboxes": {
                "api": {
                    "image": image,
                    "command": ["sleep", "infinity"],
                    "networks": [],
                    "secrets": ["pass"],
                    "uploads": [
                        {
                            "source": "./src",
                            "target": "/app",
                            "ignore": ["*.log"],
                            "on_change": {"exec": "echo changed >> /tmp/heard"},
                        },
                    ],
                },
                "web": {
                    "image": image,
                    "command": ["sleep", "infinity"],
                    "networks": [],
                    "uploads": [{"source": "./lone.txt", "target": "/srv/lone.txt"}],
                },
            },
        }
        self.write()
        self.process: subprocess.Popen[bytes] | None = None

    def write(self) -> None:
        (self.folder / "nexus.yaml").write_text(json.dumps(self.document, indent=2))

    def run(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "nexusctl", *words]
        done = prestarted.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, *options: str) -> None:
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            command = [sys.executable, "-m", "nexusctl", "watch", "--yes", *options]
            self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self.until(lambda: "Watching; Ctrl-C ends it." in self.said())

    def said(self) -> str:
        return (self.folder / "out").read_text() + (self.folder / "err").read_text()

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + LONG
        while not holds():
            assert self.process is None or self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)

    def inside(self, script: str, sandbox: str = "api") -> str:
        command = ["docker", "exec", f"{self.stack}_{sandbox}", "sh", "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def reaches(self, script: str, output: str, sandbox: str = "api") -> None:
        self.until(lambda: self.inside(script, sandbox) == output)

    def container(self, sandbox: str = "api") -> str:
        command = ["docker", "inspect", "--format", "{{.Id}}", f"{self.stack}_{sandbox}"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    def locks(self) -> str:
        command = ["docker", "volume", "ls", "--quiet", "--filter", f"name=nexusctl_lock_{self.stack}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def rest(self) -> None:
        """Until no change is being made."""
        self.until(lambda: not self.locks())

    def end(self, number: int = signal.SIGINT, code: int = 0) -> str:
        assert self.process is not None
        self.process.send_signal(number)
        assert self.process.wait(LONG) == code, self.said()
        self.process = None
        return self.said()

    def is_quiet(self) -> bool:
        return bool(json.loads(self.run("plan", "--json"))["empty"])


@pytest.fixture
def watched(tmp_path: Path, stack_name: str, base_image: str) -> Iterator[Watched]:
    made = Watched(tmp_path / "here", stack_name, base_image)
    yield made
    if made.process:
        made.process.kill()
        made.process.wait()
    made.write()
    made.run("destroy", "--yes")


def test_what_is_edited_comes_into_the_sandboxes_as_it_is_saved(watched: Watched) -> None:
    watched.start()
    assert watched.is_quiet()
    first = watched.container()
    # As an editor saves it: a new file in the place of the old one.
    (watched.source / ".main.swp").write_text("two\n")
    (watched.source / ".main.swp").replace(watched.source / "main.py")
    watched.reaches("cat /app/main.py", "two\n")
    watched.reaches("sort -u /tmp/heard", "changed\n")
    # All at once, with folders that were not there when the watch began.
    (watched.source / "new/deep").mkdir(parents=True)
    for number in range(30):
        (watched.source / f"new/deep/{number}").write_text(f"{number}\n")
    (watched.source / "noise.log").write_text("left out")
    watched.reaches("cat /app/new/deep/* | wc -l; ls /app", "30\nmain.py\nnew\n")
    (watched.source / "new/deep/7").rename(watched.source / "seven")
    (watched.source / "new/deep/8").unlink()
    watched.reaches("cat /app/seven; ls /app/new/deep | wc -l", "7\n28\n")
    (watched.folder / "lone.txt").write_text("changed\n")
    watched.reaches("cat /srv/lone.txt", "changed\n", "web")
    watched.rest()
    assert (watched.container(), watched.is_quiet()) == (first, True)
    # What it says of a secret is in no file that the stack is made of.
    (watched.folder / "password").write_text("second-value\n")
    watched.reaches("cat /run/secrets/pass", "second-value")
    watched.rest()
    said = watched.end()
    assert "web: /srv/lone.txt sent (" in said
    assert "Watched for " in said
    assert "second-value" not in said
    assert watched.is_quiet()


def test_a_stack_file_that_is_wrong_shows_its_errors_and_waits(watched: Watched) -> None:
    watched.start()
    first = watched.container()
    text = (watched.folder / "nexus.yaml").read_text()
    (watched.folder / "nexus.yaml").write_text(text.replace('"command"', '"comand"'))
    watched.until(lambda: "did you mean `command`?" in watched.said())
    # It is waited for, whatever else is edited.
    (watched.source / "main.py").write_text("two\n")
    (watched.folder / "nexus.yaml").write_text(text)
    watched.reaches("cat /app/main.py", "two\n")
    assert watched.container() == first
    assert watched.said().count("did you mean `command`?") == 2, "once for each of the two sandboxes"
    # A file that goes away and comes back.
    (watched.folder / "nexus.yaml").unlink()
    watched.until(lambda: "there is no stack file" in watched.said())
    watched.document["sandboxes"]["api"]["env"] = {"NEW": "1"}
    del watched.document["sandboxes"]["web"]
    watched.write()
    watched.until(lambda: watched.container("web") == "")
    watched.reaches("echo $NEW", "1\n")
    watched.rest()
    assert watched.container() != first
    watched.end(signal.SIGTERM)
    assert watched.is_quiet()


def test_what_was_changed_inside_is_never_written_over_without_a_word(watched: Watched) -> None:
    watched.start()
    watched.inside("echo inside > /app/main.py; echo inside > /app/added; echo same > /app/same")
    (watched.source / "main.py").write_text("here\n")
    watched.until(lambda: "api: /app/main.py was changed inside and here" in watched.said())
    # The others go on, and it is said once.
    (watched.folder / "lone.txt").write_text("on\n")
    watched.reaches("cat /srv/lone.txt", "on\n", "web")
    watched.rest()
    assert watched.inside("cat /app/main.py") == "inside\n"
    assert watched.said().count("/app/main.py was changed inside") == 1
    # What both have written the same is no loss; what was added inside is one.
    (watched.source / "main.py").write_text("inside\n")
    (watched.source / "same").write_text("same\n")
    watched.until(watched.is_quiet)
    (watched.source / "added").write_text("here\n")
    watched.until(lambda: "api: /app/added was changed inside and here" in watched.said())
    # So is what a new container would not have.
    (watched.source / "added").write_text("inside\n")
    watched.until(watched.is_quiet)
    watched.inside("echo precious > /app/same")
    first = watched.container()
    watched.document["sandboxes"]["api"]["env"] = {"NEW": "1"}
    watched.write()
    watched.until(lambda: "api: /app/same was changed inside and here" in watched.said())
    watched.rest()
    assert watched.container() == first
    assert "Not all is in step" in watched.end(code=1)
    watched.start("--overwrite")
    assert "api: /app/same was changed inside, and is written over" in watched.said()
    watched.end()
    assert (watched.inside("cat /app/same"), watched.is_quiet()) == ("same\n", True)


def test_lines_of_json_tell_all_of_it(watched: Watched) -> None:
    # A path that leads there in a roundabout way is the same file.
    (watched.folder.parent / "0").symlink_to(watched.folder)
    watched.start("--json", "-f", "../0/nexus.yaml")
    (watched.source / "main.py").write_text("two\n")
    watched.reaches("cat /app/main.py", "two\n")
    (watched.folder / "lone.txt").write_text("changed\n")
    watched.reaches("cat /srv/lone.txt", "changed\n", "web")
    watched.rest()
    (watched.folder / "nexus.yaml").write_text("name: [\n")
    watched.until(lambda: '"invalid"' in watched.said())
    watched.end(code=1)
    events = [json.loads(line) for line in (watched.folder / "out").read_text().splitlines()]
    assert {event["format_version"] for event in events} == {events[0]["format_version"]}
    plans = [event["plan"] for event in events if event["event"] == "planned"]
    assert [change["name"] for change in plans[1]["changes"]] == ["api"]
    assert [event["event"] for event in events[-2:]] == ["invalid", "watched"]
    assert (events[-1]["sent"], events[-1]["in_step"]) == (2, False)


def test_what_cannot_be_watched_is_refused(watched: Watched) -> None:
    assert "stdin cannot be watched" in watched.run("watch", "--yes", "-f", "-", code=1)
    assert "pass --yes" in watched.run("watch", code=1)
    assert watched.container() == ""


def test_what_is_saved_again_while_it_is_sent_follows_and_is_no_failure(watched: Watched) -> None:
    def save(text: str) -> None:
        for number in range(400):
            (watched.source / f"{number}").write_text(text * 10_000)

    save("0")
    watched.start()
    texts = cycle("123456789")

    def is_outrun() -> bool:
        save(next(texts))
        return "saved again meanwhile" in watched.said()

    watched.until(is_outrun)
    save("z")
    watched.reaches("cat /app/[0-9]* | tr -d '\\n' | tr -s z", "z")
    watched.rest()
    said = watched.end()
    assert "api: saved again meanwhile, which follows." in said
    assert not [
        line for line in said.splitlines() if line.startswith(("error", "help", "Not complete", "`nexusctl"))
    ], said
    assert " not" not in said.splitlines()[-1]
    assert watched.is_quiet()
