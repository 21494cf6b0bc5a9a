"""What the commands print with --json is what `schemas/` says, in success and in failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from nexusctl.engine.docker.client.client import Wire
from tests.e2e.case import Case

SCHEMAS = Path(__file__).parents[2] / "schemas"
NAMES = ("plan", "event", "status", "output")

GOOD = """
name: STACK
volumes: {data: {}}
sandboxes:
  db: {image: IMAGE, command: [sleep, infinity], volumes: ["data:/data"], metadata: {team: x}, timeout: 1h}
  api:
    image: IMAGE
    command: [sleep, infinity]
    env: {A: "1"}
    ports: ["8080"]
    health: {command: "true", interval: 200ms}
    depends_on: [db]
  job: {kind: task, image: IMAGE, command: "true"}
outputs:
  api: {value: "${sandbox.api.endpoint}", description: Where it is}
  login: {value: [x, 1], sensitive: true}
"""
BAD = GOOD.replace('A: "1"', 'A: "2"').replace(
    "outputs:",
    """
  broken: {image: IMAGE, command: [sleep, infinity], startup: "echo about to fail; exit 3", depends_on: [api]}
  after: {image: IMAGE, command: [sleep, infinity], depends_on: [broken]}
  gone: {image: IMAGE, command: "echo wrong flag; exit 7"}
outputs:""",
)


def schemas() -> dict[str, Any]:
    return {name: json.loads((SCHEMAS / f"{name}.schema.json").read_text()) for name in NAMES}


def validator(name: str) -> Draft202012Validator:
    found = schemas()
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in found.values()
    )
    return Draft202012Validator(found[name], registry=registry)


@pytest.fixture
def case(tmp_path: Path, wire: Wire, base_image: str, stack_name: str) -> Iterator[Case]:
    for name, text in (("good", GOOD), ("bad", BAD)):
        (tmp_path / f"{name}.yaml").write_text(text.replace("STACK", stack_name).replace("IMAGE", base_image))
    made = Case(folder=tmp_path, stack=stack_name, wire=wire)
    yield made
    made.close()


def run(case: Case, schema: str, arguments: str, code: int = 0) -> list[dict[str, Any]]:
    """The documents that a command printed, each held against its schema."""
    done = case.nexusctl(arguments.split())
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert documents, f"{arguments} printed nothing"
    for document in documents:
        problem = next(iter(validator(schema).iter_errors(document)), None)
        assert problem is None, f"{arguments}: {problem.message}\n{document}"  # type: ignore[union-attr]
    return documents


@pytest.mark.engine
def test_every_document_of_a_stack_s_life_is_as_its_schema_says(case: Case) -> None:
    (unknown,) = run(case, "output", "output -f good.yaml --json")
    assert unknown["outputs"]["api"] == {
        "value": None,
        "known": False,
        "sensitive": False,
        "description": "Where it is",
    }
    run(case, "output", "output api -f good.yaml --json", 1)
    (first,) = run(case, "plan", "plan -f good.yaml --target db --json")
    assert [left["name"] for left in first["omitted"] if left["kind"] == "sandbox"] == ["api", "job"]
    run(case, "status", "status -f good.yaml --json")
    kinds = [document["event"] for document in run(case, "event", "apply -f good.yaml --yes --json")]
    assert kinds[0] == "planned"
    assert kinds[-2:] == ["finished", "outputs"]
    (outputs,) = run(case, "output", "output -f good.yaml --json")
    assert outputs["outputs"]["api"]["value"].startswith("tcp://127.0.0.1:")
    (login,) = run(case, "output", "output login -f good.yaml --json")
    assert login["outputs"]["login"]["value"] == ["x", 1]
    assert {"started", "progress", "done"} < set(kinds)
    (status,) = run(case, "status", "status -f good.yaml --json")
    assert [sandbox["state"] for sandbox in status["sandboxes"]] == ["running", "running", "exited"]
    (change,) = run(case, "plan", "plan -f bad.yaml --json")
    assert change["changes"][1]["differences"], "nothing differs"
    failed = run(case, "event", "apply -f bad.yaml --yes --json --on-failure rollback", 1)
    kinds = [document["event"] for document in failed]
    assert {"failed", "skipped", "rollback"} < set(kinds)
    assert kinds.count("finished") == 2
    problems = [document["problem"] for document in failed if document["event"] == "failed"]
    assert {problem["sandbox"] for problem in problems} >= {"broken", "gone"}
    run(case, "plan", "plan -f good.yaml --deep --json")
    gone = run(case, "event", "destroy -f good.yaml --yes --json --volumes")
    assert gone[-1]["event"] == "remains"


@pytest.mark.engine
def test_errors_of_every_command_are_as_the_schemas_say(case: Case) -> None:
    (case.folder / "wrong.yaml").write_text("name: demo\nname: x\nsandboxes: {a: {imag: b}}\n")
    (case.folder / "saved").write_text("{}")
    for schema, command in (
        ("plan", "plan"),
        ("event", "apply --yes"),
        ("status", "status"),
        ("event", "destroy --yes"),
    ):
        (document,) = run(case, schema, f"{command} -f wrong.yaml --json", 1)
        assert document["errors"][0]["location"]["line"] == 2
    run(case, "event", "apply saved --json", 1)
    run(case, "plan", "plan -f good.yaml --target nobody --json", 1)
    run(case, "plan", "plan -f good.yaml --out kept --json")
    edited = (case.folder / "good.yaml").read_text().replace('A: "1"', 'A: "3"')
    (case.folder / "good.yaml").write_text(edited)
    (moved,) = run(case, "event", "apply kept --json", 1)
    assert moved["errors"][0]["notes"][0]["text"] == "input: env.A of api was changed"


@pytest.mark.parametrize("name", NAMES)
def test_every_object_is_described_and_closed(name: str) -> None:
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)
    for path, part in _objects(schema["$defs"], name):
        assert part.get("description"), f"{path} is not described"
        if "properties" in part:
            assert part.get("additionalProperties") is False, f"{path} is open"
            for field, value in part["properties"].items():
                described = {"description", "const", "$ref"} & value.keys()
                assert described, f"{path}.{field} is not described"


def test_a_document_with_a_field_too_many_or_too_few_is_refused() -> None:
    good = {"format_version": "1.0", "event": "finished", "outcome": "done", "at": 1.5}
    check = validator("event")
    assert check.is_valid(good)
    assert not check.is_valid({**good, "more": 1})
    assert not check.is_valid({**good, "outcome": "lost"})
    assert not check.is_valid({key: value for key, value in good.items() if key != "at"})


def _objects(definitions: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in definitions.items():
        yield f"{path}.{name}", part
