"""A sandbox that can write to a folder of the stack does not read this machine through links that it puts there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.engine.docker.files.entries import CHUNK, list_entries, read_content
from nexusctl.errors import StepError
from tests.attacks.test_binds import containers_of, nexusctl

CANARY = "what this machine keeps for itself"


@pytest.mark.engine
def test_a_link_that_a_sandbox_has_planted_is_no_source_of_another(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    outside = tmp_path / "outside"
    outside.write_text(CANARY)
    folder = tmp_path / "stack"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "config.json").write_text("{}")
    (folder / "nexus.yaml").write_text(f"""
name: {stack_name}
sandboxes:
  evil: {{image: "{base_image}", command: [sleep, infinity], volumes: ["./code:/code"]}}
  victim:
    image: "{base_image}"
    command: [sleep, infinity]
    uploads: [{{source: ./code/config.json, target: /config.json}}]
""")
    try:
        assert nexusctl(folder, "apply", "--yes").returncode == 0
        for container in containers_of(wire, stack_name):
            planted = run_inside(wire, container, ["ln", "-sf", str(outside), "/code/config.json"])
            if planted.exit_code == 0:
                break
        assert (folder / "code" / "config.json").is_symlink()
        for verb in (["validate"], ["plan"], ["plan", "--deep"], ["apply", "--yes"], ["drift"]):
            done = nexusctl(folder, *verb)
            assert "is a link that leads out of its folder" in done.stderr, verb
            assert CANARY not in done.stdout + done.stderr
        for container in containers_of(wire, stack_name):
            assert CANARY not in run_inside(wire, container, ["cat", "/config.json"]).output
    finally:
        nexusctl(folder, "destroy", "--yes", "--stack", stack_name)


@pytest.mark.parametrize("size", [10, CHUNK + 10])
def test_nothing_of_a_file_is_sent_that_came_into_its_place_since_it_was_read(tmp_path: Path, size: int) -> None:
    """A link is followed by then only to where somebody else has turned it, so that not one byte of it may go out."""
    stack = tmp_path / "stack"
    (stack / "code").mkdir(parents=True)
    (stack / "code" / "a").write_bytes(b"a" * size)
    (stack / "nexus.yaml").write_text(
        "name: s\nsandboxes: {a: {image: debian, uploads: [{source: ./code, target: /x}]}}\n"
    )
    upload = load(stack / "nexus.yaml").sandboxes["a"].uploads[0]
    entry = next(entry for entry in list_entries(upload, (0, 0)) if entry.file.kind == "file")
    assert b"".join(read_content(entry)) == b"a" * size
    secret = tmp_path / "secret"
    secret.write_bytes(b"s" * size)
    (stack / "code" / "a").unlink()
    (stack / "code" / "a").symlink_to(secret)
    sent = []
    with pytest.raises(StepError, match="changed while applying"):
        sent += read_content(entry)
    assert sent == []


PLANTED = {
    "an env file": {"env_file": "./code/file"},
    "an upload": {"uploads": [{"source": "./code/file", "target": "/x"}]},
    "a template": {"template": "./code/file"},
    "a text": {"env": {"A": "${file:./code/file}"}},
    "a file of a secret": {"secrets": ["pin"]},
    "a file that is included": {},
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_link_is_read_as_nothing(tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.write_text(f"{CANARY}: {CANARY}\n")
    folder = tmp_path / "stack"
    (folder / "code").mkdir(parents=True)
    document = {
        "name": "s",
        "secrets": {"pin": {"file": "./code/file"}},
        "include": ["./code/file"] if "included" in kind else [],
        "sandboxes": {"box": {**({} if kind == "a template" else {"image": "debian"}), **PLANTED[kind]}},
    }
    if "secret" not in kind:
        del document["secrets"]
    (folder / "nexus.yaml").write_text(json.dumps(document))
    (folder / "code" / "file").symlink_to(outside)
    for verb in ("validate", "config"):
        done = nexusctl(folder, verb)
        assert done.returncode == 1, verb
        assert "leads out of its folder" in done.stderr
        assert CANARY not in done.stdout + done.stderr
