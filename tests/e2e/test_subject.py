"""Which stack a command is about: one that there is, and as little of its file as the command needs."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prestarted

pytestmark = pytest.mark.engine

_MISSING = """
  broken:
    image: IMAGE
    command: [sleep, infinity]
    env_file: gone.env
    uploads: [{source: ./gone, target: /x}]
  after: {image: IMAGE, command: [sleep, infinity], depends_on: [broken]}
"""


@pytest.fixture(scope="module")
def stack_name() -> Iterator[str]:
    """One stack for all: most tests leave it as it is."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    yield name
    nexusctl(Path.cwd(), "destroy", "--yes", "--ignore-missing", "--stack", name)


@pytest.fixture
def folder(tmp_path: Path, stack_name: str, base_image: str) -> Path:
    """A live stack with one sandbox `web`, whose files have got more since."""
    web = f"web: {{image: {base_image}, command: [sleep, infinity], ports: [80]}}"
    whole = f"name: {stack_name}\noutputs: {{url: '${{sandbox.web.endpoint}}', word: hello}}\nsandboxes:\n  {web}\n"
    (tmp_path / "nexus.yaml").write_text(whole)
    (tmp_path / "broken.yaml").write_text(whole + _MISSING.lstrip("\n").replace("IMAGE", base_image))
    (tmp_path / "external.yaml").write_text(
        f"{whole}  far: {{image: {base_image}, networks: [far]}}\n"
        f"networks: {{far: {{external: {stack_name}-nowhere}}}}\n"
    )
    (tmp_path / "wrong.yaml").write_text(whole + "  other: {image: 5, comand: [sleep]}\n")
    (tmp_path / "torn.yaml").write_text(whole + "  other: {image: [busybox\n")
    assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
    return tmp_path


@pytest.mark.parametrize("verb", ["status", "drift", "logs", "destroy --yes", "exec", "wait", "unlock", "import stack"])
def test_a_stack_that_there_is_not_is_an_error_with_the_one_that_is_meant(
    verb: str, folder: Path, stack_name: str
) -> None:
    typo = f"{stack_name}x"
    named = [typo] if verb in ("unlock", "import stack") else ["--stack", typo]
    done = nexusctl(folder, *verb.split(), *named, *(["web", "true"] if verb == "exec" else []))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"did you mean `{stack_name}`?" in done.stderr


def test_that_a_stack_has_no_instances_is_an_answer_and_a_name_like_another_s_is_told(
    folder: Path, stack_name: str
) -> None:
    done = nexusctl(folder, "instances", f"{stack_name}x")
    assert (done.returncode, done.stdout) == (0, "No instances.\n")
    assert f"did you mean `{stack_name}`?" in done.stderr
    assert nexusctl(folder, "instances", stack_name).stderr == ""


def test_where_nothing_is_called_anything_a_wrong_name_says_so(folder: Path, stack_name: str) -> None:
    (folder / "empty.yaml").write_text(f"name: {stack_name}-none\nsandboxes: {{}}\n")
    done = nexusctl(folder, "wait", "web", "-f", "empty.yaml")
    assert done.returncode == 1
    assert "help: there are no sandboxes\n" in done.stderr


@pytest.mark.parametrize(
    "words",
    ["rename wbe x", "scale wbe=2", "apply --replace wbe", "apply --target wbe", "apply --exclude wbe", "destroy wbe",
     "run --in wbe true", "stop wbe", "extend wbe 2h", "pull wbe", "wait wbe --for healthy"],
)  # fmt: skip
def test_a_mistyped_name_is_told_before_anybody_is_asked_for_more(words: str, folder: Path) -> None:
    done = nexusctl(folder, *words.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "help: did you mean `web`?"
    assert "--yes" not in done.stderr


def test_an_instance_that_there_is_not_is_an_error_unless_that_is_asked_for(folder: Path, stack_name: str) -> None:
    for words in ([], ["--yes"]):
        done = nexusctl(folder, "destroy", "--instance", "none", *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"there is no stack {stack_name}.none" in done.stderr
    assert nexusctl(folder, "destroy", "--instance", "none", "--yes", "--ignore-missing").returncode == 0


def test_to_destroy_what_is_gone_is_no_error_with_its_file_or_on_request(folder: Path, stack_name: str) -> None:
    for words in ([], [], ["--stack", stack_name, "--ignore-missing"]):
        done = nexusctl(folder, "destroy", "--yes", *words)
        assert (done.returncode, "Nothing is left" in done.stdout) == (0, True), done.stderr
    again = nexusctl(folder, "destroy", "--yes", "--stack", stack_name)
    assert again.returncode == 1
    assert f"there is no stack {stack_name}" in again.stderr


@pytest.mark.parametrize("file", ["broken.yaml", "external.yaml"])
@pytest.mark.parametrize(
    ("words", "stdout"),
    [
        ("status", "running"),
        ("logs", ""),
        ("exec web echo inside", "inside\n"),
        ("unlock", "is not locked"),
        ("output", "http://127.0.0.1:"),
        ("output url", "http://127.0.0.1:"),
        ("output word", "hello"),
        ("output --json", "http://127.0.0.1:"),
        ("plan --target web", "No changes"),
        ("plan --exclude broken --exclude far", "No changes"),
        ("apply --yes --target web", "No changes"),
        ("destroy --yes", "Nothing is left"),
    ],
)
def test_what_others_lack_is_a_warning(words: str, stdout: str, file: str, folder: Path) -> None:
    verb, *rest = words.replace("--exclude broken" if file == "external.yaml" else "--exclude far", "").split()
    done = nexusctl(folder, verb, "-f", file, *rest)
    assert done.returncode == 0, done.stderr
    assert stdout in done.stdout
    if verb == "exec":
        # It reads no more of the file than its stack's name.
        assert done.stderr == ""
    elif file == "broken.yaml":
        assert "warning: the `env_file` path `gone.env` does not exist" in done.stderr
        assert "warning: the `source` path `./gone` does not exist" in done.stderr
    elif verb in ("plan", "apply"):
        assert "warning: the network" in done.stderr
    assert "error:" not in done.stderr


@pytest.mark.parametrize(
    ("file", "wrong"),
    [("wrong.yaml", "`sandboxes.other.image` has to be a text"), ("torn.yaml", "this list is never closed")],
)
@pytest.mark.parametrize(
    ("words", "stdout"),
    [
        ("status", "web"),
        ("logs web", ""),
        ("unlock", "is not locked"),
        ("port web", "127.0.0.1:"),
        ("wait web --for completed --timeout 1ms", ""),
        ("stats --once", "web"),
        ("top web", "sleep"),
        ("executions", ""),
        ("history web", "created"),
        ("cp FILE web:/tmp/", ""),
        ("restart web", "1 to restart"),
        ("drift", ""),
        ("destroy --yes", "Nothing is left"),
    ],
)
def test_what_needs_the_stacks_name_alone_works_beside_what_is_written_wrong(
    words: str, stdout: str, file: str, wrong: str, folder: Path
) -> None:
    verb, *rest = words.replace("FILE", file).split()
    done = nexusctl(folder, verb, *rest, "-f", file)
    missing = 2 if file == "wrong.yaml" else 0
    assert done.returncode == {"wait": 124, "drift": missing}.get(verb, 0), done.stderr
    assert stdout in done.stdout
    assert f"warning: {wrong}" in done.stderr
    assert "error: " not in done.stderr


def test_a_part_of_a_stack_is_planned_beside_what_is_written_wrong_elsewhere(folder: Path) -> None:
    beside = nexusctl(folder, "plan", "--target", "web", "-f", "wrong.yaml")
    assert (beside.returncode, "No changes" in beside.stdout) == (0, True), beside.stderr
    for words in (["plan"], ["plan", "--target", "other"], ["plan", "--target", "web", "-f", "torn.yaml"]):
        refused = nexusctl(folder, *words, *([] if "-f" in words else ["-f", "wrong.yaml"]))
        assert (refused.returncode, refused.stdout) == (1, "")


def test_a_file_that_is_wrong_and_does_not_say_its_name_is_an_error(folder: Path) -> None:
    (folder / "nameless.yaml").write_text("sandboxes:\n  web: {image: 5}\n")
    done = nexusctl(folder, "status", "-f", "nameless.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nobody can say which stack is meant" in done.stderr


def test_what_leaves_a_file_as_the_last_one_is_told_to_be_no_more_in_it(folder: Path, stack_name: str) -> None:
    (folder / "bare.yaml").write_text(f"name: {stack_name}\nsandboxes: {{}}\n")
    said = nexusctl(folder, "plan", "-f", "bare.yaml").stdout
    assert "it is not in the stack file" in said
    assert "destroyed" not in said


def test_a_file_that_is_to_be_included_and_is_gone_hides_no_name(folder: Path) -> None:
    text = (folder / "wrong.yaml").read_text()
    (folder / "apart.yaml").write_text(f"include: [./gone.yaml]\n{text}")
    done = nexusctl(folder, "status", "-f", "apart.yaml")
    assert (done.returncode, "web" in done.stdout) == (0, True), done.stderr
    assert "warning: the `include` path `./gone.yaml` does not exist" in done.stderr
    refused = nexusctl(folder, "plan", "-f", "apart.yaml")
    assert (refused.returncode, refused.stdout) == (1, "")


@pytest.mark.parametrize("words", ["plan", "plan --target broken", "plan --target after", "apply --yes"])
def test_what_is_needed_is_an_error_still(words: str, folder: Path) -> None:
    done = nexusctl(folder, *words.split(), "-f", "broken.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: the `env_file` path `gone.env` does not exist" in done.stderr


@pytest.mark.parametrize("words", ["output", "output broken", "output nope"])
def test_an_output_of_what_lacks_something_is_an_error_still(words: str, folder: Path) -> None:
    text = (folder / "broken.yaml").read_text().replace("word: hello", "broken: '${sandbox.broken.endpoint}'")
    text = text.replace("env_file: gone.env", "env_file: gone.env\n    ports: [81]")
    (folder / "broken.yaml").write_text(text)
    done = nexusctl(folder, *words.split(), "-f", "broken.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    expected = {"output nope": "has no output nope"}.get(words, "error: the `env_file` path `gone.env` does not exist")
    assert expected in done.stderr
    alone = nexusctl(folder, "output", "url", "-f", "broken.yaml")
    assert (alone.returncode, alone.stdout[:17]) == (0, "http://127.0.0.1:"), alone.stderr


def test_what_is_wrong_with_the_outputs_themselves_is_an_error_still(folder: Path) -> None:
    text = (folder / "broken.yaml").read_text().replace("word: hello", "word: '${file:gone.txt}'")
    (folder / "broken.yaml").write_text(text)
    done = nexusctl(folder, "output", "word", "-f", "broken.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "gone.txt" in done.stderr


def test_a_saved_plan_of_a_part_holds_with_what_others_lack(folder: Path) -> None:
    (folder / "broken.yaml").write_text(
        (folder / "broken.yaml").read_text().replace("web:", "web2:").replace("sandbox.web.", "sandbox.web2.")
    )
    made = nexusctl(folder, "plan", "-f", "broken.yaml", "--exclude", "broken", "--out", "saved")
    assert made.returncode == 0, made.stderr
    assert nexusctl(folder, "apply", "saved").returncode == 0
    status = nexusctl(folder, "status").stdout
    assert "web2" in status


def nexusctl(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nexusctl", *words]
    return prestarted.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
