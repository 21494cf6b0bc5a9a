"""A record is a stranger's input: an import of it writes below its folder, and nothing in it becomes an option."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.api.importing import importing
from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import InputError
from nexusctl.importers.draft.draft import Draft, File
from nexusctl.model.record import RecordError, decode
from tests.attacks.test_binds import nexusctl

UPLOAD: dict[str, Any] = {"target": "/etc/x", "files": [{"path": "", "digest": "", "mode": 420}]}

FORGED: dict[str, dict[str, Any]] = {
    "a template that is a path": {"template": "../../escaped"},
    "a template that is an absolute path": {"template": "/tmp/escaped"},
    "a group that is a path": {"group": "../../escaped"},
    "a target that leads upwards": {"uploads": [{**UPLOAD, "target": "/../../escaped"}]},
    "a file that leads upwards": {
        "uploads": [{**UPLOAD, "files": [{"path": "../escaped", "digest": "", "mode": 493}]}]
    },
    "a lock that leads upwards": {"packages": [{"manager": "npm", "lock_name": "../../escaped"}]},
    "a secret that is a path": {"secrets": [{"name": "../../escaped", "secret": "key", "digest": ""}]},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "a package that is an option": {"packages": [{"manager": "npm", "packages": [{"name": "--prefix=/"}]}]},
    "a package that is two words": {"packages": [{"manager": "apt", "packages": [{"name": "curl -o"}]}]},
    "an owner that is an option": {"uploads": [{**UPLOAD, "owner": "--reference=/etc/shadow"}]},
    "a user that is an option": {"user": "-1"},
    "a time before now": {"stop_grace_period": -1},
}


def record(**fields: Any) -> str:
    return json.dumps({"version": 1, "sandbox": {"name": "ghost", "group": "ghost", "image": "debian", **fields}})


@pytest.mark.parametrize("fields", [*FORGED.values(), *OPTIONS.values()], ids=[*FORGED, *OPTIONS])
def test_a_record_that_says_it_is_damaged(fields: dict[str, Any]) -> None:
    assert decode(record()).name == "ghost"
    with pytest.raises(RecordError, match="it is damaged"):
        decode(record(**fields))


@pytest.fixture
def ghost(tmp_path: Path, stack_name: str, base_image: str, wire: Wire) -> Iterator[Any]:
    made: list[str] = []

    def make(text: str) -> None:
        marks = {labels.STACK: stack_name, labels.ROLE: "sandbox", labels.SANDBOX: "ghost", labels.RECORD: text}
        body = {"Image": base_image, "Cmd": ["sleep", "infinity"], "Labels": marks}
        made.append(wire.post("/containers/create", body, {"name": f"{stack_name}_ghost"})["Id"])

    yield make
    for container in made:
        wire.delete(f"/containers/{container}", {"force": True})


@pytest.mark.engine
@pytest.mark.parametrize("fields", FORGED.values(), ids=FORGED)
def test_an_import_of_a_forged_stack_writes_nothing_outside_of_its_folder(
    ghost: Any, tmp_path: Path, stack_name: str, base_image: str, fields: dict[str, Any]
) -> None:
    ghost(record(**{"image": base_image, **fields}))
    folder = tmp_path / "deep" / "inside"
    folder.mkdir(parents=True)
    done = nexusctl(folder, "import", "stack", stack_name)
    assert done.returncode in (0, 1), done.stderr
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert {path for path in written if not path.is_relative_to("deep/inside")} == set()
    assert not Path("/tmp/escaped.template.yaml").exists()


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "a/../../escaped", "planted/escaped"])
def test_no_draft_is_written_outside_of_its_folder_whoever_made_it(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    (tmp_path / "outside").mkdir()
    (folder / "planted").symlink_to(tmp_path / "outside")
    document = {"name": "x", "sandboxes": {"a": {"image": "debian"}}}
    draft = Draft(document=document, files={"fine": File(data=b"x"), name: File(data=b"x", executable=True)})
    with pytest.raises(InputError, match="outside of its folder"):
        importing.write(draft, folder / "nexus.yaml")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
