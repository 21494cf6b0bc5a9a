"""No folder by which a sandbox would have this machine is mounted by mistake, whatever it is called."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.test_binds import nexusctl


def validate(folder: Path, **sandbox: object) -> str:
    """What is said of a stack with such a sandbox; empty where it is right."""
    box = {"image": "debian", **sandbox}
    (folder / "nexus.yaml").write_text(json.dumps({"name": "s", "sandboxes": {"box": box}}))
    done = nexusctl(folder, "validate")
    assert (done.returncode == 0) == (not done.stderr)
    return done.stderr


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the socket of the engine that is in use, under a name of its own."""
    folder = tmp_path / "x"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "engine"))
        monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/engine")
        yield folder


@pytest.mark.parametrize(
    "source", ["/", "/etc", "/run/user", "/usr/bin", "/lib", "/var/run", "/dev/shm", "~", "/proc/1"]
)
@pytest.mark.parametrize("way", ["{0}:/host", "{0}:/host:ro", "./link:/host"])
def test_folders_of_the_system_and_of_the_user_are_refused_also_behind_a_link(
    tmp_path: Path, source: str, way: str
) -> None:
    (tmp_path / "link").symlink_to(os.path.expanduser(source))  # noqa: PTH111
    assert "hands this machine to the sandbox" in validate(tmp_path, volumes=[way.format(source)])


@pytest.mark.parametrize("way", ["x", "x/engine", "link", "."])
def test_so_is_what_holds_the_engines_socket(tmp_path: Path, listening: Path, way: str) -> None:
    (tmp_path / "link").symlink_to(listening)
    assert "hands this machine to the sandbox" in validate(tmp_path, volumes=[f"./{way}:/host"])


def test_a_word_in_the_file_has_it_for_who_means_it(tmp_path: Path, listening: Path) -> None:
    bind = {"bind": f"{listening}", "target": "/host", "host_access": True}
    assert validate(tmp_path, volumes=[bind]) == ""


@pytest.mark.parametrize("called", ["host", "none", "default"])
def test_the_engines_words_for_no_network_are_none_to_join(tmp_path: Path, called: str) -> None:
    document = {"name": "s", "networks": {"out": {"external": called}}, "sandboxes": {"box": {"image": "debian"}}}
    (tmp_path / "nexus.yaml").write_text(json.dumps(document))
    assert f"`{called}` is no network of the engine's that a sandbox can join" in nexusctl(tmp_path, "plan").stderr
