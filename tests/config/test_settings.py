"""Defaults from outside of the stack: whose file they come from, what they are weaker than, and what is wrong there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from nexusctl.api import saving
from nexusctl.cli.main import nexusctl
from nexusctl.config.export.origins import find_origins
from nexusctl.config.load import load, load_whole
from nexusctl.config.settings import find_settings
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.load_request import Inputs
from nexusctl.model.stack import Resources
from nexusctl.render.plan.plan import plan_document
from tests.plan.worlds import new_engine, plan_for
from tests.saved.workbench import Workbench

GIB = 2**30


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NEXUS_SETTINGS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    file = tmp_path / "config/nexusctl/settings.yaml"
    file.parent.mkdir(parents=True)
    return file


def resources(folder: Path, text: str) -> Resources:
    (folder / "nexus.yaml").write_text(f"name: shop\n{text}\n")
    (sandbox,) = load(folder / "nexus.yaml").sandboxes.values()
    return sandbox.resources


def wrong(folder: Path) -> list[Diagnostic]:
    with pytest.raises(InputError) as caught:
        resources(folder, "sandboxes: {api: {image: x}}")
    return list(caught.value.diagnostics)


def test_the_file_lies_where_others_keep_theirs_or_where_the_environment_says(tmp_path: Path) -> None:
    home, other = tmp_path / ".config/nexusctl/settings.yaml", tmp_path / "x/nexusctl/settings.yaml"
    assert find_settings({"HOME": str(tmp_path)}) is None
    for file in (home, other):
        file.parent.mkdir(parents=True)
        file.touch()
    assert find_settings({"HOME": str(tmp_path)}) == home
    assert find_settings({"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "x")}) == other
    # As the specification says, a relative path counts as none.
    assert find_settings({"HOME": str(tmp_path), "XDG_CONFIG_HOME": "x"}) == home
    assert find_settings({"HOME": str(tmp_path), "NEXUS_SETTINGS": "/mine.yaml"}) == Path("/mine.yaml")
    assert find_settings({"HOME": str(tmp_path), "NEXUS_SETTINGS": ""}) is None


def test_the_sandbox_is_stronger_than_the_stack_and_that_than_the_settings_and_those_than_a_built_in_template(
    settings: Path, tmp_path: Path
) -> None:
    settings.write_text("defaults: {resources: {memory: 3g, storage: 5g}}\n")
    found = resources(tmp_path, "defaults: {resources: {cpus: 1}}\nsandboxes: {api: {template: python}}")
    assert found == Resources(cpus=1, memory=3 * GIB, pids=1024, storage=5 * GIB)
    assert found.defaulted == {"memory": "settings", "pids": "template", "storage": "settings"}
    assert set(found.unstated) == {"memory", "pids", "storage"}
    said = "sandboxes: {api: {template: python, resources: {memory: 64m, storage: none, pids: 9}}}"
    found = resources(tmp_path, said)
    assert found == Resources(cpus=2, memory=64 << 20, pids=9)
    assert (found.defaulted, found.unstated) == ({"cpus": "template"}, ("cpus",))


def test_a_template_of_ones_own_states_limits_and_what_it_has_of_a_built_in_one_does_not(
    settings: Path, tmp_path: Path
) -> None:
    settings.write_text("defaults: {resources: {memory: 3g, cpus: 1}}\n")
    own = "name: own\ndescription: x\nextends: python\ndefaults: {resources: {memory: 1g}}\n"
    (tmp_path / "own.yaml").write_text(own)
    found = resources(tmp_path, "sandboxes: {api: {template: ./own.yaml}}")
    assert (found.memory, found.cpus, found.storage) == (GIB, 1, 20 * GIB)
    assert found.defaulted == {"cpus": "settings", "pids": "template", "storage": "template"}


def test_none_of_the_settings_is_a_limit_that_nobody_has_given(settings: Path, tmp_path: Path) -> None:
    settings.write_text("defaults: {resources: {memory: none}}\n")
    found = resources(tmp_path, "sandboxes: {api: {template: python}}")
    assert found.memory is None
    assert "memory" in found.unstated
    assert "memory" not in found.defaulted
    for text in ("", "# nothing\n", "{}\n"):
        settings.write_text(text)
        assert resources(tmp_path, "sandboxes: {api: {image: x}}") == Resources()


@pytest.mark.parametrize(
    ("text", "place", "summary"),
    [
        ("defaults: {resources: {memory: 1m}}", (1, 32), "a sandbox needs at least 6 MiB of memory"),
        ("defaults:\n  resources: {ram: 1g}", (2, 15), "unknown key `ram` in `defaults.resources`"),
        ("defaults: {env: {A: b}}", (1, 12), "unknown key `env` in `defaults`"),
        ("default: {}", (1, 1), "unknown key `default` at the top of the file"),
        ("- x", (1, 1), "the settings file is not a mapping"),
    ],
)
def test_what_is_wrong_is_shown_at_its_place(
    settings: Path, tmp_path: Path, text: str, place: tuple[int, int], summary: str
) -> None:
    settings.write_text(text + "\n")
    (problem,) = wrong(tmp_path)
    assert problem.summary == summary
    assert problem.location
    assert (problem.location.file, problem.location.line, problem.location.column) == (str(settings), *place)
    assert problem.excerpt == (text.splitlines()[place[0] - 1] if text[0] == "d" else "")


def test_no_line_is_shown_of_a_file_that_looks_like_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "hosts.yml"
    other.write_text("example.com:\n  oauth_token: gho_secret\n")
    monkeypatch.setenv("NEXUS_SETTINGS", str(other))
    (problem,) = wrong(tmp_path)
    assert problem.summary == f"`{other}` does not look like a settings file"
    assert "secret" not in repr(problem)


def test_a_file_that_is_named_and_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_SETTINGS", str(tmp_path / "absent.yaml"))
    (problem,) = wrong(tmp_path)
    assert problem.summary == f"there is no settings file `{tmp_path / 'absent.yaml'}`"


def test_its_schema_is_whole_and_refuses_what_a_load_refuses() -> None:
    done = CliRunner().invoke(nexusctl, ["schema", "settings"])
    validator = Draft202012Validator(json.loads(done.output))
    assert validator.is_valid({"defaults": {"resources": {"memory": "2g", "cpus": "none"}}})
    for wrong_one in ({"defaults": {"resources": {"memory": "lots"}}}, {"defaults": {"env": {}}}, {"default": {}}):
        assert not validator.is_valid(wrong_one)


def test_config_says_whose_the_limit_is(settings: Path, tmp_path: Path) -> None:
    settings.write_text("defaults: {resources: {memory: 3g}}\n")
    (tmp_path / "nexus.yaml").write_text("name: shop\nsandboxes: {api: {template: python}}\n")
    origins = {origin.path: origin for origin in find_origins(load_whole(Inputs(files=(tmp_path / "nexus.yaml",))))}
    found: Any = origins["sandboxes", "api", "resources", "memory"]
    assert (found.value, found.place.file) == ("3g", str(settings))
    assert [over.place.file for over in found.overrode] == ["nexusctl/templates/python.yaml"]
    assert origins["sandboxes", "api", "resources", "cpus"].place.file == "nexusctl/templates/python.yaml"  # type: ignore[union-attr]


def test_a_saved_plan_holds_the_settings_that_it_was_made_with(settings: Path, tmp_path: Path) -> None:
    settings.write_text("defaults: {resources: {memory: 3g}}\n")
    bench = Workbench(tmp_path)
    bench.write("name: shop\nsandboxes: {api: {image: img:1}}\n")
    inputs = Inputs(files=(bench.file,))
    saving.save_plan(bench.engine, bench.prepare(), inputs, tmp_path / "saved", deep=False)
    settings.write_text("defaults: {resources: {memory: 1g}}\n")
    bench.carry_out(saving.recall_plan(bench.engine, saving.read_plan(tmp_path / "saved")).plan)
    (made,) = bench.engine.containers.values()
    assert made.resources.memory == 3 * GIB
    plan = plan_for(bench.engine, load(bench.file))
    assert plan.empty
    fresh = plan_document(plan_for(new_engine(), load(bench.file)))
    assert fresh["settings"] == [{"limit": "memory", "value": GIB, "sandboxes": ["api"]}]
