"""Profiles, as they look in plans: what is not asked for is neither made nor removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from nexusctl.api import execution, planning, saving
from nexusctl.cli.main import nexusctl
from nexusctl.model.load_request import Inputs
from nexusctl.run.interrupt import Interrupt
from tests.saved.workbench import Workbench

STACK = """
name: demo
sandboxes:
  api: {image: img:1}
  mail: {image: img:1, profiles: [debug], replicas: 2}
"""


def apply(bench: Workbench, *profiles: str) -> list[str]:
    stack = planning.load(Inputs(files=(bench.file,), profiles=profiles))
    list(execution.apply(bench.engine, planning.prepare(bench.engine, stack).plan, Interrupt()))
    assert planning.prepare(bench.engine, stack).plan.empty
    return bench.sandboxes()


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    bench = Workbench(tmp_path)
    bench.write(STACK)
    return bench


def test_a_profile_brings_its_sandboxes_and_leaving_it_out_leaves_them_alone(bench: Workbench) -> None:
    assert apply(bench) == ["api"]
    assert apply(bench, "debug") == ["api", "mail-1", "mail-2"]
    assert apply(bench) == ["api", "mail-1", "mail-2"]


def test_what_an_idle_sandbox_is_joined_to_stays_with_it(bench: Workbench) -> None:
    bench.write(STACK.replace("replicas: 2", "networks: [back]") + "networks: {back: {}}\n")
    apply(bench, "debug")
    assert apply(bench) == ["api", "mail"]
    assert sorted(found.network for _, found in bench.engine.networks.values()) == ["back", "default"]
    assert apply(bench, "debug") == ["api", "mail"]


def test_a_host_port_that_an_idle_sandbox_has_is_told_before_the_start_fails(bench: Workbench) -> None:
    bench.write(STACK.replace("replicas: 2", 'ports: ["8080:80"]'))
    apply(bench, "debug")
    bench.write(
        STACK.replace(", replicas: 2", "").replace("api: {image: img:1", 'api: {image: img:1, ports: ["8080:80"]')
    )
    found = planning.prepare(bench.engine, planning.load(Inputs(files=(bench.file,)))).plan
    notes = [note for change in found.changes for note in change.notes]
    assert "host port 127.0.0.1:8080 is in use by demo_mail: the start will fail until it is free" in notes


def test_what_the_file_does_not_declare_any_more_is_removed_whatever_its_profile_was(bench: Workbench) -> None:
    apply(bench, "debug")
    bench.write("name: demo\nsandboxes: {api: {image: img:1}}\n")
    assert apply(bench) == ["api"]


def test_a_destroy_removes_all_profiles(bench: Workbench) -> None:
    apply(bench, "debug")
    bench.carry_out(planning.plan(bench.engine, planning.empty_stack("demo")))
    assert bench.sandboxes() == []


def test_a_saved_plan_remembers_the_profiles(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_SETTINGS", "")
    inputs = Inputs(files=(bench.file,), profiles=("debug",), ambient_profiles=("other",))
    basis = planning.prepare(bench.engine, planning.load(inputs))
    saving.save_plan(bench.engine, basis, inputs, bench.folder / "saved", deep=False)
    saved = saving.read_plan(bench.folder / "saved")
    assert saved.inputs == replace(inputs, files=(bench.file,), settings="")
    assert "mail-1" in saving.recall_plan(bench.engine, saved).stack.sandboxes


def test_profiles_come_from_the_flags_and_where_there_are_none_from_the_environment(bench: Workbench) -> None:
    def sandboxes(*flags: str, environment: str = "") -> str:
        done = CliRunner().invoke(
            nexusctl, ["validate", "-f", str(bench.file), *flags], env={"NEXUS_PROFILES": environment}
        )
        assert done.exit_code == 0, done.output
        return done.output.rpartition(" with ")[2].strip()

    assert sandboxes() == "1 sandbox."
    assert sandboxes("--profile", "debug") == "3 sandboxes."
    assert sandboxes("--profile", "*") == "3 sandboxes."
    assert sandboxes(environment="of-another-stack, debug") == "3 sandboxes."
    assert sandboxes(environment="of-another-stack") == "1 sandbox."
