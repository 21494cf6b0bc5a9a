"""What an env file gives is shown nowhere: one rule for `config --origin`, plans, their JSON, records and imports."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.labels import RECORD
from tests.e2e.case import Case

pytestmark = pytest.mark.engine

MARK = "hunter"


@pytest.fixture
def case(tmp_path: Path, wire: Wire, stack_name: str, base_image: str) -> Iterator[Case]:
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    sandbox = f"{{image: {base_image}, command: [sleep, infinity], env_file: it.env, env: {{OPEN: seen}}}}"
    (tmp_path / "nexus.yaml").write_text(f"name: {stack_name}\nsandboxes: {{a: {sandbox}}}\n")
    (tmp_path / "it.env").write_text("PORT=1hunter\nPIN=2hunter\nGONE=3hunter\n")
    yield case
    case.close()


def test_a_changed_value_of_an_env_file_is_noticed_by_its_name_and_not_shown(case: Case) -> None:
    applied = case.nexusctl(["apply", "--yes"])
    assert applied.returncode == 0, applied.stderr
    assert MARK not in applied.stdout + applied.stderr
    assert case.nexusctl(["plan", "--deep", "--detailed-exitcode"]).returncode == 0
    assert f"PIN=2{MARK}" in case.nexusctl(["exec", "a", "env"]).stdout
    (container,) = case.wire.get(f'/containers/json?all=1&filters={{"name":["{case.stack}_a"]}}')
    record = container["Labels"][RECORD]
    assert MARK not in record
    assert json.loads(record)["sandbox"]["env"]["OPEN"] == "seen"

    (case.folder / "it.env").write_text("PORT=4hunter\nPIN=2hunter\nNEW=5hunter\n")
    for words in (
        ["plan"],
        ["plan", "--json"],
        ["plan", "--deep"],
        ["drift"],
        ["drift", "--json"],
        ["config", "--origin"],
    ):
        done = case.nexusctl(words)
        assert MARK not in done.stdout + done.stderr, words
    (change,) = json.loads(case.nexusctl(["plan", "--json"]).stdout)["changes"]
    shown = {found["field"]: (found["before"], found["after"]) for found in change["differences"]}
    word = "(read from the env file)"
    assert shown == {
        "env.GONE": (word, None),
        "env.NEW": (None, word),
        "env.PORT": (word, "(read from the env file, changed)"),
    }
    assert case.nexusctl(["apply", "--yes"]).returncode == 0
    assert case.nexusctl(["plan", "--detailed-exitcode"]).returncode == 0


def test_a_saved_plan_notices_that_an_env_file_has_changed(case: Case) -> None:
    assert case.nexusctl(["plan", "--out", "it.plan"]).returncode == 0
    assert MARK not in (case.folder / "it.plan").read_text()
    (case.folder / "it.env").write_text("PORT=4hunter\nPIN=2hunter\nGONE=3hunter\n")
    refused = case.nexusctl(["apply", "it.plan"])
    assert refused.returncode == 1, refused.stdout
    assert MARK not in refused.stdout + refused.stderr


def test_an_import_of_what_is_live_keeps_the_values_in_a_private_file_and_changes_nothing(case: Case) -> None:
    assert case.nexusctl(["apply", "--yes"]).returncode == 0
    (case.folder / "nexus.yaml").unlink()
    done = case.nexusctl(["import", "stack", case.stack])
    assert done.returncode == 0, done.stderr
    assert MARK not in (case.folder / "nexus.yaml").read_text() + done.stdout + done.stderr
    (kept,) = (case.folder / f"{case.stack}.files").iterdir()
    assert kept.read_text().count(MARK) == 3
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    planned = case.nexusctl(["plan", "--detailed-exitcode"])
    assert planned.returncode == 0, planned.stdout
