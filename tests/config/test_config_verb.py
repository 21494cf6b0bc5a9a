"""`nexusctl config`: what is printed means the same stack, shows no secret, and says where everything comes from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from nexusctl.cli.main import nexusctl
from nexusctl.config.document.node import Mapping, Source, plain
from nexusctl.config.document.problems import Problems
from nexusctl.config.export.origins import find_origins
from nexusctl.config.export.standalone import as_json, resolved
from nexusctl.config.load import load, load_whole
from nexusctl.config.read.yaml_parser import compose
from nexusctl.config.templates import builtin as template_found
from nexusctl.errors import InputError
from nexusctl.model.load_request import Given, Inputs
from nexusctl.model.stack import Stack
from nexusctl.render.yaml_text import render_yaml
from tests.config.folder import read_environment, read_inputs
from tests.stacks.stack_copy import STACKS

GOOD = Path(__file__).parent / "good"
CASES = sorted(folder.name for folder in GOOD.iterdir() if folder.is_dir())
EXAMPLES = sorted(file.parent.name for file in STACKS.glob("*/nexus.yaml"))

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
VALUES = st.recursive(
    st.one_of(st.none(), TEXTS, st.sampled_from(["no", "1", "1.0", "~", "a: b", "- x", "a\nb", " a\n", "# x", "0x1f"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=10,
)


@given(st.dictionaries(TEXTS.filter(lambda key: key != "<<"), VALUES, min_size=1, max_size=4))
def test_any_values_come_back_from_their_yaml_text(values: dict[str, Any]) -> None:
    problems = Problems()
    document = compose(Source(Path("/x"), "x", render_yaml(values)), problems)
    problems.raise_any()
    assert plain(document) == values


def reload(inputs: Inputs, folder: Path) -> tuple[Stack, Stack]:
    """The stack of the YAML, and that of the JSON, that are printed for `inputs`."""
    values = resolved(load_whole(inputs))
    (folder / "yaml").mkdir()
    (folder / "yaml" / "nexus.yaml").write_text(render_yaml(values), encoding="utf-8")
    (folder / "nexus.json").write_text(json.dumps(as_json(values)), encoding="utf-8")
    files = (folder / "yaml" / "nexus.yaml", folder / "nexus.json")
    given = Given(values=hidden_defaults(inputs))
    one, other = (Inputs(files=(file,), profiles=inputs.profiles, given=given) for file in files)
    return load(one), load(other)


def hidden_defaults(inputs: Inputs) -> dict[str, str]:
    """The values of sensitive variables, which are never printed, as a user has to give them again."""
    declared = load_whole(inputs).merged.section("variables")
    values = {name: plain(node) for name, node in declared.items() if isinstance(node, Mapping)}
    defaults = {name: value["default"] for name, value in values.items() if value.get("sensitive")}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in defaults.items()}


@pytest.mark.parametrize("case", CASES)
def test_what_is_printed_means_the_same_stack(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_found, "FOLDER", GOOD.parent / "templates")
    for name, value in read_environment(GOOD / case).items():
        monkeypatch.setenv(name, value)
    inputs = read_inputs(GOOD / case)
    expected = load(inputs)
    assert reload(inputs, tmp_path) == (expected, expected)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_printed_and_mean_the_same(name: str, tmp_path: Path) -> None:
    inputs = Inputs(files=(STACKS / name / "nexus.yaml",))
    expected = load(inputs)
    assert reload(inputs, tmp_path) == (expected, expected)


@pytest.mark.parametrize("case", CASES)
def test_every_value_has_an_origin_that_stands_in_a_file(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_found, "FOLDER", GOOD.parent / "templates")
    for name, value in read_environment(GOOD / case).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(GOOD / case)
    origins = find_origins(load_whole(read_inputs()))
    assert origins
    lost = [
        origin.path
        for origin in origins
        if origin.place and not origin.place.file.startswith("nexusctl/") and not os.path.exists(origin.place.file)  # noqa: PTH110
    ]
    assert lost == []


BASE = """name: shop
variables:
  port: {type: integer, default: 3000}
sandboxes:
  api:
    template: node
    command: [node, server.js]
    env: {PORT: "${var.port}", LEVEL: debug}
    ports: [3000]
    health: {tcp: 3000, interval: 1s}
  mail: {image: mailhog}
"""
OVER = """sandboxes:
  mail: null
  api:
    env: {LEVEL: info, A: null}
    working_dir: /srv
    +ports: [9229]
    health: {tcp: null, http: ":3000/"}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "over.yaml").write_text(OVER.replace(", A: null", ""))
    return tmp_path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(nexusctl, ["config", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_resolved_stack_is_a_stack_file(shop: Path) -> None:
    assert run("-f", "base.yaml", "-f", "over.yaml") == (
        """name: shop
variables:
  port:
    type: integer
    default: 3000
sandboxes:
  api:
    resources:
      cpus: 2
      memory: "2g"
      pids: 1024
      storage: "20g"
    template: node
    command:
      - node
      - server.js
    env:
      PORT: 3000
      LEVEL: info
    ports:
      - 3000
      - 9229
    health:
      interval: "1s"
      http: ":3000/"
    working_dir: /srv
"""
    )


def test_the_origin_names_file_line_and_column_and_what_was_overridden(shop: Path) -> None:
    said = run("-f", "base.yaml", "-f", "over.yaml", "--origin")
    template = "nexusctl/templates/node.yaml"
    lines = (Path(__file__).parents[2] / template).read_text().splitlines()
    (line,) = (number for number, text in enumerate(lines, 1) if text.startswith("  working_dir:"))
    for block in (
        'sandboxes.api.env.PORT: "3000"\n    base.yaml:8:17, as "${var.port}"\n',
        'sandboxes.api.env.LEVEL: "info"\n    over.yaml:4:18\n    over base.yaml:8:39: "debug"\n',
        f'sandboxes.api.working_dir: "/srv"\n    over.yaml:5:18\n    over {template}:{line}:16: "/app"\n',
        'sandboxes.api.command[0]: "node"\n    base.yaml:7:15\n',
        "sandboxes.api.ports[1]: 9229\n    over.yaml:6:14\n",
        "sandboxes.api.health.tcp: deleted\n    over.yaml:7:19\n    over base.yaml:10:19: 3000\n",
        "sandboxes.mail: deleted\n    over.yaml:2:9\n    over base.yaml:11:9: ",
        'sandboxes.api.restart: "no"\n    nexusctl\'s default\n',
        'sandboxes.api.health.interval: "1s"\n    base.yaml:10:35\n    over nexusctl\'s default: 5\n',
    ):
        assert block in said


def test_the_origins_are_there_as_json(shop: Path) -> None:
    document = json.loads(run("-f", "base.yaml", "-f", "over.yaml", "--origin", "--json"))
    values = {tuple(entry["path"]): entry for entry in document["values"]}
    assert values["sandboxes", "api", "env", "LEVEL"] == {
        "path": ["sandboxes", "api", "env", "LEVEL"],
        "value": "info",
        "file": "over.yaml",
        "line": 4,
        "column": 18,
        "overrode": [{"value": "debug", "file": "base.yaml", "line": 8, "column": 39}],
    }


def test_a_sensitive_variable_shows_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    declared = "variables: {pin: {sensitive: true, default: hunter2}}\n"
    (tmp_path / "base.yaml").write_text(f"name: shop\n{declared}sandboxes: {{api: {{image: debian}}}}\n")
    (tmp_path / "over.yaml").write_text("variables: {pin: {default: hunter2-staging}}\n")
    files = ("-f", "base.yaml", "-f", "over.yaml")
    for flags in ((), ("--json",), ("--origin",), ("--origin", "--json")):
        said = run(*files, *flags)
        assert "pin" in said
        assert "hunter2" not in said


def test_the_names_in_an_env_file_have_an_origin_and_their_values_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.env").write_text("# mine\nTOKEN=hunter2\n")
    (tmp_path / "nexus.yaml").write_text("name: shop\nsandboxes: {api: {image: debian, env_file: secret.env}}\n")
    said = run("--origin")
    assert 'sandboxes.api.env.TOKEN: "(read from the env file)"\n    secret.env:2:7\n' in said
    assert "hunter2" not in said + run() + run("--json")


def test_a_wrong_file_is_told_as_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nexus.yaml").write_text("name: shop\nsandboxes: {api: {imge: debian}}\n")
    with pytest.raises(InputError, match="unknown key `imge`"):
        CliRunner().invoke(nexusctl, ["config"], catch_exceptions=False)


MADE_FOR_EACH = """name: shop
variables: {tag: {default: "12"}}
sandboxes:
  db: {image: debian}
  api:
    for_each: {north: {size: 64m}, south: {size: "${env.SIZE:-1g}"}}
    image: "debian:${var.tag}"
    uploads: [{source: "./${each.key}.txt", target: /x}]
    volumes: ["./${each.key}.txt:/y:ro"]
    resources: {memory: "${each.value.size}"}
    env: {HERE: "${env.HERE}", TEXT: "${file:./north.txt}", HOST: "${sandbox.db.host}", OLD: "$${A}", ONE: 1.10}
"""


def test_of_what_is_made_for_each_all_is_worked_in_that_is_the_same_for_all(
    shop: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("north.txt", "south.txt"):
        (shop / name).write_text(name)
    file = shop / "each.yaml"
    file.write_text(MADE_FOR_EACH)
    monkeypatch.setenv("HERE", "this machine")
    expected = load(file)
    printed = tmp_path_factory.mktemp("elsewhere") / "nexus.yaml"
    printed.write_text(run("-f", "each.yaml"))
    monkeypatch.setenv("HERE", "another machine")
    monkeypatch.setenv("SIZE", "2g")
    assert load(printed) == expected


def test_the_origin_of_a_number_in_a_variable_is_shown_as_it_was_written(shop: Path) -> None:
    (shop / "one.yaml").write_text("name: shop\nsandboxes: {api: {image: debian, env: {A: 1.10}, timeout: 0x10}}\n")
    said = run("-f", "one.yaml", "--origin")
    assert 'sandboxes.api.env.A: "1.10"\n' in said
    assert "sandboxes.api.timeout: 16\n" in said


def test_the_origin_of_what_comes_from_outside_names_who_gave_it_and_all_that_it_is_stronger_than(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "one.yaml").write_text("port: 4000\n")
    (shop / "two.json").write_text('{"port": 5000}')
    monkeypatch.setenv("NEXUS_VAR_port", "6000")
    files = ("-f", "base.yaml", "--var-file", "one.yaml", "--var-file", "two.json")
    weaker = '    over one.yaml:1:7: 4000\n    over NEXUS_VAR_port: "6000"\n    over base.yaml:3:34: 3000\n'
    said = run(*files, "--origin")
    assert f"variables.port.default: 5000\n    two.json:1:10\n{weaker}" in said
    assert 'env.PORT: "5000"\n    base.yaml:8:17, as "${var.port}"\n    from two.json:1:10\n' in said
    said = run(*files, "--var", "port=7000", "--origin")
    assert f"variables.port.default: 7000\n    --var port=...\n    over two.json:1:10: 5000\n{weaker}" in said
    assert 'env.PORT: "7000"\n    base.yaml:8:17, as "${var.port}"\n    from --var port=...\n' in said
    document = json.loads(run("-f", "base.yaml", "--origin", "--json"))
    given = next(entry for entry in document["values"] if entry["path"] == ["variables", "port", "default"])
    assert (given["value"], given["by"], given["overrode"][0]["line"]) == (6000, "NEXUS_VAR_port", 3)


def test_the_origin_of_a_sensitive_variable_from_outside_shows_none_of_its_values(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "pin.yaml").write_text(
        'name: shop\nvariables: {pin: {sensitive: true}}\nsandboxes: {a: {image: debian, env: {P: "${var.pin}"}}}\n'
    )
    (shop / "values.yaml").write_text("pin: hunter2-file\n")
    monkeypatch.setenv("NEXUS_VAR_pin", "hunter2-environment")
    said = run("-f", "pin.yaml", "--var-file", "values.yaml", "--var", "pin=hunter2-flag", "--origin")
    assert 'variables.pin.default: "(sensitive)"\n    --var pin=...\n    over values.yaml:1:6: "(sensitive)"\n' in said
    assert "hunter2" not in said


def test_what_a_template_deletes_is_shown_with_what_it_was_in_the_one_that_it_extends(shop: Path) -> None:
    (shop / "low.yaml").write_text("name: low\ndescription: x\nimage: debian\ndefaults: {env: {A: one}}\n")
    (shop / "top.yaml").write_text("name: top\ndescription: x\nextends: ./low.yaml\ndefaults: {env: {A: null}}\n")
    (shop / "of.yaml").write_text("name: shop\nsandboxes: {api: {template: ./top.yaml}}\n")
    said = run("-f", "of.yaml", "--origin")
    assert 'sandboxes.api.env.A: deleted\n    top.yaml:4:21\n    over low.yaml:4:21: "one"\n' in said


def test_what_a_template_gives_to_all_that_is_made_for_each_has_an_origin(shop: Path) -> None:
    defaults = 'defaults: {command: ["${param.a}"], env: {A: one}, user: "${param.b}"}\n'
    about = "name: low\ndescription: x\nimage: debian\nparameters: {a: {}, b: {}}\n"
    (shop / "low.yaml").write_text(about + defaults)
    own = 'for_each: [n, s], with: {a: x, b: "u-${each.key}"}, env: {B: "${each.key}"}'
    (shop / "of.yaml").write_text(f"name: shop\nsandboxes: {{api: {{template: ./low.yaml, {own}}}}}\n")
    said = run("-f", "of.yaml", "--origin")
    assert 'sandboxes.api.env.A: "one"\n    low.yaml:5:46\n' in said
    assert 'sandboxes.api.command[0]: "x"\n    low.yaml:5:22\n    from of.yaml:2:69\n' in said
    assert 'sandboxes.api.env.B: "${each.key}"\n' in said
    assert "sandboxes.api.user" not in said
