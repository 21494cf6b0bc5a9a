"""What `init --from-dir` proposes for common shapes of projects works as it stands: it is applied, and asked."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from nexusctl.cli.main import nexusctl
from nexusctl.config.load import load
from nexusctl.engine.docker.client.client import Wire
from tests.e2e.case import Case
from tests.importers.shapes import SHAPES, Shape
from tests.stacks.stack_copy import FIRST_APPLY

PATIENCE = 180


def lay_out(shape: Shape, folder: Path, image: str = "debian") -> None:
    for name, text in shape.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace("<<image>>", image))


@pytest.mark.parametrize("name", SHAPES)
def test_a_port_comes_with_a_probe_and_a_database_with_a_password_that_only_its_file_has(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = SHAPES[name]
    lay_out(shape, tmp_path)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(nexusctl, ["init", "--from-dir", ".", "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    stack = load(tmp_path / "nexus.yaml")
    assert stack.sandboxes.keys() == shape.sandboxes
    for sandbox in stack.sandboxes.values():
        assert not sandbox.ports or sandbox.health, sandbox.name
    assert stack.secrets.keys() == shape.secrets
    written = (tmp_path / "nexus.yaml").read_text()
    values = set()
    for secret in shape.secrets:
        file = tmp_path / ".secrets" / secret
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        values.add(file.read_text().strip())
        assert file.read_text().strip() not in written + done.output
    assert len(values) == len(shape.secrets)
    assert all(len(value) >= 32 for value in values)
    uploaded = {file.path for sandbox in stack.sandboxes.values() for each in sandbox.uploads for file in each.files}
    assert not any(path.startswith(".secrets") for path in uploaded)


def test_each_file_that_said_something_is_named_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(SHAPES["requirements, dockerfile, procfile and compose file"], tmp_path)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(nexusctl, ["init", "--from-dir", "."], catch_exceptions=False)
    for words in (
        "requirements.txt says packages\n",
        "Procfile says command: python3 -u serve.py, and not Dockerfile\n",
        "compose.yaml says env, and not Dockerfile\n",
        "compose.yaml says port, and not Dockerfile\n",
        "compose.yaml says sandboxes: side\n",
    ):
        assert words in done.output
    told = CliRunner().invoke(nexusctl, ["init", "--from-dir", ".", "-f", "two.yaml", "--json"], catch_exceptions=False)
    said = json.loads(told.output)["said"]
    assert {"what": "command: python3 -u serve.py, and not Dockerfile", "file": "Procfile"} in said


def test_what_others_have_to_give_is_listed_and_not_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(SHAPES["procfile, example and alembic"], tmp_path)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(nexusctl, ["init", "--from-dir", "."], catch_exceptions=False)
    assert "STRIPE_API_KEY in .env.example: give it its value" in done.output
    app = load(tmp_path / "nexus.yaml").sandboxes["app"]
    assert (app.env["PORT"], app.ports[0].container) == ("5050", 5050)
    assert "change-me" not in (tmp_path / "nexus.yaml").read_text()


def test_a_secret_of_an_earlier_proposal_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(SHAPES["knex"], tmp_path)
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(nexusctl, ["init", "--from-dir", "."], catch_exceptions=False)
    before = (tmp_path / ".secrets/db_password").read_text()
    (tmp_path / "nexus.yaml").unlink()
    CliRunner().invoke(nexusctl, ["init", "--from-dir", "."], catch_exceptions=False)
    assert (tmp_path / ".secrets/db_password").read_text() == before
    subprocess.run(["git", "init", "-q"], check=True)
    seen = subprocess.run(["git", "status", "--short", "-uall"], capture_output=True, text=True, check=True).stdout
    assert "nexus.yaml" in seen
    assert ".secrets" not in seen


@pytest.fixture
def case(tmp_path: Path, wire: Wire, stack_name: str, template_images: None) -> Iterator[Case]:
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    yield case
    case.close()


@pytest.mark.engine
@pytest.mark.parametrize("name", SHAPES)
def test_what_is_proposed_for_a_shape_is_applied_and_answers(case: Case, base_image: str, name: str) -> None:
    shape = SHAPES[name]
    lay_out(shape, case.folder, base_image)
    if shape.lock:
        subprocess.run(["npm", "install", "--package-lock-only", "--silent"], cwd=case.folder, check=True)
    proposed = case.nexusctl(["init", "--from-dir", "."])
    assert proposed.returncode == 0, proposed.stderr
    file = case.folder / "nexus.yaml"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(f"name: {case.stack}" if line.startswith("name:") else line for line in lines) + "\n")
    assert case.nexusctl(["validate"]).returncode == 0
    apply = [sys.executable, "-m", "nexusctl", "apply", "--yes"]
    # Packages are fetched and installed, beside everything else that this machine does.
    subprocess.run(apply, cwd=case.folder, check=True, timeout=FIRST_APPLY)
    found = {entry["name"]: entry for entry in json.loads(case.nexusctl(["status", "--json"]).stdout)["sandboxes"]}
    assert found.keys() == shape.sandboxes
    asked = found[shape.asked]
    assert asked["health"] == "healthy"
    with urllib.request.urlopen(
        f"http://127.0.0.1:{asked['ports'][0]['host']}{shape.path}", timeout=PATIENCE
    ) as answer:
        assert shape.answer in answer.read().decode()
    planned = case.nexusctl(["plan", "--deep", "--detailed-exitcode"])
    assert planned.returncode == 0, planned.stdout
