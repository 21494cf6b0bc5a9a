"""Odd texts come through each importer as they were, into a new file and into one that is there, which stays."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nexusctl.api.importing.importing import read_compose, read_devcontainer, write
from nexusctl.config.load import load
from nexusctl.engine.docker.client.client import Wire
from nexusctl.importers.draft.draft import Draft
from nexusctl.importers.live.containers import draft_containers
from nexusctl.importers.live.stack import read_recorded
from nexusctl.model.load_request import Inputs
from nexusctl.model.observed.inspected_container import InspectedContainer
from nexusctl.model.stack import Health, Sandbox, Stack
from nexusctl.model.uploads_and_packages import Upload, UploadFile
from tests.e2e.case import Case
from tests.importers.odd_texts import ALL, LIVING, odd, printable

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
both_paths = pytest.mark.parametrize("present", ["", LIVING], ids=["new", "there"])
several = st.lists(odd, min_size=1, max_size=4)
# Nothing can be run that has no name.
words = st.lists(odd, min_size=1, max_size=4).filter(lambda found: bool(found[0]))


def through(folder: Path, present: str, draft: Draft) -> Sandbox:
    """The only sandbox of the draft as the file says it that was written, or that it was added to."""
    file = folder / "nexus.yaml"
    file.write_bytes(present.encode()) if present else file.unlink(missing_ok=True)
    write(draft, file)
    data = file.read_bytes().decode()
    if present:
        assert data.startswith(present)
        assert "\n" not in data.replace("\r\n", "")
    stack = load(Inputs(files=(file,)))
    (found,) = (sandbox for name, sandbox in stack.sandboxes.items() if name != "db")
    return found


@both_paths
@quick
@given(several)
def test_what_a_config_holds(tmp_path: Path, present: str, values: list[str]) -> None:
    file = {
        "services": {"api": {"image": "debian", "configs": [f"c{number}" for number, _ in enumerate(values)]}},
        "configs": {f"c{number}": {"content": text.replace("$", "$$")} for number, text in enumerate(values)},
    }
    (tmp_path / "compose.yaml").write_text(printable(file), encoding="utf-8")
    found = through(tmp_path, present, read_compose(tmp_path / "compose.yaml", tmp_path))
    assert [upload.content for upload in found.uploads] == values


@both_paths
@quick
@given(several)
def test_what_a_devcontainer_gives_to_a_shell(tmp_path: Path, present: str, values: list[str]) -> None:
    keys = ("onCreateCommand", "updateContentCommand", "postCreateCommand")[: len(values)]
    written = dict(zip(keys, values, strict=False))
    found = through(tmp_path, present, devcontainer(tmp_path, written))
    assert (found.startup or "") == "\n".join(filter(None, written.values()))


@both_paths
@quick
@given(several)
def test_what_a_devcontainer_runs_without_a_shell(tmp_path: Path, present: str, values: list[str]) -> None:
    command = ["printf", "%s\\0", *values]
    found = through(tmp_path, present, devcontainer(tmp_path, {"postCreateCommand": command}))
    assert found.startup
    # Bash tells what its words are.
    done = subprocess.run(["bash", "-c", found.startup], capture_output=True, check=True)
    assert done.stdout.decode() == "".join(f"{text}\0" for text in values)


def devcontainer(folder: Path, said: dict[str, Any]) -> Draft:
    (folder / "devcontainer.json").write_text(printable({"name": "api", "image": "debian", **said}), encoding="utf-8")
    return read_devcontainer(folder / "devcontainer.json", folder)


@st.composite
def sandboxes(draw: st.DrawFn) -> Sandbox:
    """One with texts wherever a container has some."""
    env = {f"V{number}": text for number, text in enumerate(draw(several))}
    health = draw(st.none() | words.map(lambda found: Health(command=tuple(found))))
    return Sandbox(name="api", group="api", image="debian", env=env, command=tuple(draw(words)), health=health)


@both_paths
@quick
@given(sandboxes(), odd, odd, odd, several)
def test_what_the_record_of_a_stack_says(
    tmp_path: Path, present: str, sandbox: Sandbox, startup: str, pre_stop: str, told: str, held: list[str]
) -> None:
    assume(startup.strip() and pre_stop.strip())
    files = {f"/srv/{number}": text.encode() for number, text in enumerate(held)}
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    uploads = tuple(
        Upload(target=path, files=(UploadFile(path="", digest=digests[path], mode=0o644, size=len(data)),))
        for path, data in files.items()
    )
    wanted = replace(sandbox, startup=startup, pre_stop=pre_stop, metadata={"told": told}, uploads=uploads)
    contents = {("api", path): (data, digests[path]) for path, data in files.items()}
    remove_files(tmp_path)
    draft = read_recorded(Stack(name="shop", sandboxes={"api": wanted}), {}, contents)
    assert same(through(tmp_path, present, draft)) == same(wanted)


@both_paths
@quick
@given(several)
def test_what_an_env_file_of_the_record_gave(tmp_path: Path, present: str, values: list[str]) -> None:
    env = {f"API_TOKEN_{number}": f"k9{text}" for number, text in enumerate(values)}
    remove_files(tmp_path)
    wanted = Sandbox(name="api", group="api", image="debian", env=env)
    draft = read_recorded(Stack(name="shop", sandboxes={"api": wanted}), {}, {})
    assert {name: str(text) for name, text in through(tmp_path, present, draft).env.items()} == env


@both_paths
@quick
@given(sandboxes())
def test_what_a_container_is_made_with(tmp_path: Path, present: str, sandbox: Sandbox) -> None:
    # Of the engine's own networks a sandbox is in none.
    seen = replace(sandbox, networks=("host",))
    draft = draft_containers([InspectedContainer(id="1", name="api", sandbox=seen)], "shop")
    assert same(through(tmp_path, present, draft)) == same(sandbox)


def remove_files(folder: Path) -> None:
    for path in folder.glob("shop.files/**/*"):
        path.unlink() if path.is_file() else None


def same(sandbox: Sandbox) -> Sandbox:
    """With texts of variables as such: where they came from is another matter."""
    return replace(sandbox, env={name: str(text) for name, text in sandbox.env.items()})


@pytest.mark.engine
def test_a_container_with_all_of_them_is_taken_over_as_it_is(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str
) -> None:
    texts = [text for text in ALL if text]
    env = [f"V{number}={text}" for number, text in enumerate(texts)]
    body = {"Image": base_image, "Cmd": ["sleep", "infinity", *texts], "Env": env, "HostConfig": {"Init": True}}
    body["Cmd"] = ["sh", "-c", 'exec sleep "$0"', "infinity", *texts]
    made = wire.post("/containers/create", body, {"name": f"{stack_name}-odd"})["Id"]
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    (tmp_path / "nexus.yaml").write_bytes(f"name: {stack_name}\r\nsandboxes: {{}}\r\n".encode())
    try:
        wire.post(f"/containers/{made}/start")
        before = wire.get(f"/containers/{made}/json")["State"]["Pid"]
        done = case.nexusctl(["import", "container", f"{stack_name}-odd", "--stack", stack_name, "--adopt"])
        assert done.returncode == 0, done.stderr
        done = case.nexusctl(["plan", "--detailed-exitcode"])
        assert done.returncode == 0, done.stdout + done.stderr
        assert wire.get(f"/containers/{made}/json")["State"]["Pid"] == before
        config = json.loads(case.nexusctl(["config", "--json"]).stdout)["document"]
        (sandbox,) = config["sandboxes"].values()
        assert sandbox["command"][4:] == [text.replace("${", "$${") for text in texts]
    finally:
        wire.delete(f"/containers/{made}", {"force": True, "v": True})
        # Its record is the stack's, and outlives it.
        case.close()
