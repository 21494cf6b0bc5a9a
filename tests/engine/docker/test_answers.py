"""Whatever an engine says, it is an answer or an error with words; `make fuzz` plays the same for longer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from nexusctl.api import planning
from nexusctl.engine.docker.client.answers import find_fault
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.engine.docker.exec import calls as commands
from nexusctl.errors import NexusError
from tests.fuzz import forged
from tests.fuzz.answers import FILE, QUIET, VERBS, play
from tests.fuzz.canned import RECORDED, Canned, CannedWire


@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_verb_answers_whatever_an_engine_says(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "EXIT_PATIENCE", 0.01)
    (tmp_path / "nexus.yaml").write_text(FILE)
    play(planning.load(tmp_path / "nexus.yaml"), number, settings(QUIET, max_examples=40))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_somebody_has_forged_hinders_nothing_but_itself(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "EXIT_PATIENCE", 0.01)
    (tmp_path / "nexus.yaml").write_text(FILE)
    forged.play(planning.load(tmp_path / "nexus.yaml"), number, settings(QUIET, max_examples=40))


def test_what_an_engine_has_said_is_understood(tmp_path: Path) -> None:
    """Else the test above would see nothing but refusals."""
    (tmp_path / "nexus.yaml").write_text(FILE)
    stack = planning.load(tmp_path / "nexus.yaml")
    said = [verb(DockerEngine(CannedWire(Canned())), stack) for verb in VERBS[:-1]]
    assert "will be replaced" in said[0]
    assert all(call.startswith("GET /") for call in RECORDED["answers"])


@pytest.mark.parametrize(
    ("call", "answer", "fault"),
    [
        ("GET /containers/json", None, " is null or absent"),
        ("GET /containers/json", [7], "[0] is a number"),
        ("GET /networks", [{"Name": "n", "Id": "1", "Labels": {"a": 1}}], "[0].Labels.a is a number"),
        ("GET /networks", [{"Name": "n", "Id": "1", "Labels": None}], ""),
        ("GET /networks", [{"Name": "n", "Id": "1"}], "[0].Labels is absent"),
        ("GET /volumes/x", {"Name": True, "Labels": None}, ".Name is a truth value"),
        ("POST /containers/create", {}, ".Id is null or absent"),
        ("GET /something/else", None, ""),
    ],
)
def test_a_fault_is_named_by_its_place(call: str, answer: Any, fault: str) -> None:
    method, _, path = call.partition(" ")
    assert find_fault(method, path, answer) == fault


def test_the_error_names_the_engine_and_the_call() -> None:
    engine = Canned(raw={"GET /networks": b"<html>"})
    with pytest.raises(
        NexusError, match=r"the engine at unix:///canned answers to GET /networks is not Docker's: it is"
    ):
        DockerEngine(CannedWire(engine)).observe(planning.empty_stack("demo"))
