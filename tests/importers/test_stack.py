"""The file of a running stack is made anew from its records, and means what is live."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.config.test_repository import Repository
from tests.e2e.case import Case
from tests.ranges import make_network

STACK = """\
name: STACK
volumes: {data: {}}
networks: {back: {internal: true}}
sandboxes:
  db:
    image: IMAGE
    command: [sleep, infinity]
    volumes: ["data:/data"]
    networks: [back]
    health: {command: "true", interval: 1s}
    resources: {memory: 64m, cpus: 0.5}
    lifecycle: {ignore: [env.TOKEN]}
    on_replace: preserve
  api:
    image: IMAGE
    command: "sleep infinity"
    env: {PRICE: "$${not} 5$", MODE: "on", API_TOKEN: 'quoted "x" \\ $${y}'}
    env_file: [kept.env]
    uploads:
      - {source: ./app, target: /srv/app, owner: nobody}
      - {content: "hello", target: /srv/motd, mode: "0600"}
    startup: "echo ${stack.name} > /tmp/made"
    depends_on: [db]
    replicas: 2
    ports: [8080]
    metadata: {team: x}
    restart: unless-stopped
  job: {kind: task, image: IMAGE, command: "true", depends_on: [api]}
"""


@pytest.mark.engine
def test_the_file_that_is_made_anew_has_no_changes_to_what_is_live(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    (first / "app" / "lib").mkdir(parents=True)
    (first / "app" / "run.sh").write_text("#!/bin/sh\n")
    (first / "app" / "run.sh").chmod(0o755)
    (first / "app" / "lib" / "a.txt").write_text("a")
    (first / "nexus.yaml").write_text(STACK.replace("STACK", stack_name).replace("IMAGE", base_image))
    (first / "kept.env").write_text('DB_PASSWORD="two\\nlines"\nLEVEL=info\n')
    second.mkdir()
    case, again = (Case(folder=folder, stack=stack_name, wire=wire) for folder in (first, second))
    try:
        done = case.nexusctl(["apply", "--yes"])
        assert done.returncode == 0, done.stderr
        done = again.nexusctl(["import", "stack", stack_name])
        assert done.returncode == 0, done.stderr
        said = done.stderr + (second / "nexus.yaml").read_text()
        assert "quoted" not in said
        assert "lines" not in said
        assert f"api.env.API_TOKEN: it looks like a secret: it stands in {stack_name}.files/api.env" in said
        assert (second / f"{stack_name}.files" / "api.env").stat().st_mode & 0o777 == 0o600
        done = again.nexusctl(["plan", "--deep", "--detailed-exitcode"])
        assert done.returncode == 0, done.stdout + done.stderr + (second / "nexus.yaml").read_text()
    finally:
        case.close()


@pytest.mark.engine
def test_what_is_from_outside_of_the_stack_is_named_as_the_engine_does(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str
) -> None:
    outside = f"{stack_name}-outside"
    text = f"name: {stack_name}\nvolumes: {{data: {{external: {outside}}}, own: {{}}}}\n"
    text += f"networks: {{back: {{external: {outside}}}}}\nsandboxes:\n  a:\n    image: {base_image}\n"
    text += "    command: sleep 1000\n    volumes: ['data:/data', 'own:/own']\n    networks: [back]\n"
    (tmp_path / "nexus.yaml").write_text(text)
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    wire.post("/volumes/create", {"Name": outside})
    make_network(wire, outside)
    try:
        assert case.nexusctl(["apply", "--yes"]).returncode == 0
        done = case.nexusctl(["import", "stack", stack_name, "-f", "again.yaml"])
        assert done.returncode == 0, done.stderr
        assert "need a look" not in done.stderr
        shown = case.nexusctl(["plan", "-f", "again.yaml", "--deep", "--detailed-exitcode"])
        assert shown.returncode == 0, shown.stdout + shown.stderr
    finally:
        case.close()
        wire.delete(f"/volumes/{outside}")
        wire.delete(f"/networks/{outside}")


@pytest.mark.engine
def test_a_file_that_was_changed_by_hand_is_taken_as_it_is_and_said_so(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str
) -> None:
    text = f"name: {stack_name}\nsandboxes:\n  a:\n    image: {base_image}\n    command: [sleep, infinity]\n"
    (tmp_path / "nexus.yaml").write_text(text + "    uploads: [{content: one, target: /srv/x}]\n")
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    try:
        assert case.nexusctl(["apply", "--yes"]).returncode == 0
        (found,) = wire.get("/containers/json", {"filters": {"label": [f"dev.nexusctl.stack={stack_name}"]}})
        run_inside(wire, found["Id"], ["/bin/sh", "-c", "printf two > /srv/x"])
        done = case.nexusctl(["import", "stack", stack_name, "-f", "again.yaml"])
        assert done.returncode == 0, done.stderr
        assert "a.uploads./srv/x: it was changed by hand" in done.stderr
        assert (tmp_path / f"{stack_name}.files" / "a" / "srv" / "x").read_text() == "two"
        (tmp_path / "again.yaml").unlink()
        # As after an import that was killed: what it has written is what would be written.
        done = case.nexusctl(["import", "stack", stack_name, "-f", "again.yaml"])
        assert done.returncode == 0, done.stderr
        (tmp_path / "again.yaml").unlink()
        (tmp_path / f"{stack_name}.files" / "a" / "srv" / "x").write_text("mine")
        done = case.nexusctl(["import", "stack", stack_name, "-f", "again.yaml"])
        assert done.returncode == 1
        assert "File exists" in done.stderr
    finally:
        case.close()


TEMPLATE = """\
name: NAME
description: x
image: IMAGE
parameters: {level: {type: string}}
defaults: {command: [sleep, infinity], env: {LEVEL: "${param.level}"}}
"""


@pytest.mark.engine
@pytest.mark.parametrize("origin", ["path", "git"])
@pytest.mark.parametrize("name", ["mine", "react"])
def test_the_values_of_ones_own_template_stand_in_the_file_and_a_template_for_its_name_beside_it(
    tmp_path: Path,
    wire: Wire,
    base_image: str,
    stack_name: str,
    name: str,
    origin: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text = TEMPLATE.replace("NAME", name).replace("IMAGE", base_image)
    place = f"./templates/{name}.yaml"
    repository = Repository(tmp_path / "repository")
    commit = repository.commit(**{f"{name}__yaml": text})
    if origin == "git":
        place = f"{{git: {repository.url}, commit: {commit}, path: templates/{name}.yaml}}"
    (tmp_path / "repository" / "nexus.yaml").write_text(
        f"name: {stack_name}\nsandboxes:\n  a: {{template: {place}, with: {{level: debug}}}}\n"
        f"  b: {{template: {place}, with: {{level: info}}, kind: task, command: 'true', image: {stack_name}:2}}\n"
    )
    wire.post(f"/images/{base_image}/tag", query={"repo": stack_name, "tag": "2"})
    case = Case(folder=repository.folder, stack=stack_name, wire=wire)
    again = Case(folder=tmp_path / "again", stack=stack_name, wire=wire)
    again.folder.mkdir()
    try:
        done = case.nexusctl(["apply", "--yes"])
        assert done.returncode == 0, done.stdout + done.stderr
        done = again.nexusctl(["import", "stack", stack_name])
        assert done.returncode == 0, done.stderr
        stand_in = f"{stack_name}.files/{name}.template.yaml"
        assert f"a.template: no record has the file of the template {name}" in done.stderr
        assert f"and {stand_in} in its place, which cannot make {base_image} anew" in done.stderr
        written = (again.folder / "nexus.yaml").read_text()
        assert f"template: ./{stand_in}" in written
        assert "LEVEL: debug" in written
        for depth in ([], ["--deep"]):
            shown = again.nexusctl(["plan", "--detailed-exitcode", *depth])
            assert shown.returncode == 0, shown.stdout + shown.stderr + written
        assert again.nexusctl(["status", "--json"]).stdout.count(f'"template": "{name}"') == 2
        # What the message says to do once the file is there again.
        (again.folder / stand_in).write_text(text)
        given = written.replace(f"template: ./{stand_in}\n", f"template: ./{stand_in}\n    with: {{level: debug}}\n")
        (again.folder / "nexus.yaml").write_text(given)
        shown = again.nexusctl(["plan", "--detailed-exitcode"])
        assert shown.returncode == 0, shown.stdout + shown.stderr + given
    finally:
        case.close()
        wire.delete(f"/images/{stack_name}:2")


SENSITIVE = """\
name: STACK
variables: {token: {sensitive: true}}
sandboxes:
  api: {image: IMAGE, command: [sleep, infinity], env: {TOKEN: "Bearer ${var.token}"}}
  web: {template: ./worker.yaml, with: {pin: "4711", url: "x:${var.token}"}}
"""

WORKER = """\
name: worker
description: Works
image: IMAGE
parameters: {pin: {sensitive: true}, url: {sensitive: true}}
defaults: {command: [sleep, infinity], env: {PIN: "${param.pin}", URL: "${param.url}"}}
"""


@pytest.mark.engine
def test_what_was_sensitive_is_a_sensitive_variable_again_whose_value_has_to_be_given(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str
) -> None:
    for name, text in (("nexus.yaml", SENSITIVE), ("worker.yaml", WORKER)):
        (tmp_path / name).write_text(text.replace("STACK", stack_name).replace("IMAGE", base_image))
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    given = ["-f", "again.yaml", "--var", "token=s3cr3t"]
    try:
        done = case.nexusctl(["apply", "--yes", "--var", "token=s3cr3t"])
        assert done.returncode == 0, done.stderr
        done = case.nexusctl(["import", "stack", stack_name, "-f", "again.yaml"])
        assert done.returncode == 0, done.stderr
        for variable in ("token", "web_pin", "web_url"):
            assert f"variables.{variable}: it is sensitive" in done.stderr
        assert "s3cr3t" not in done.stderr + (tmp_path / "again.yaml").read_text()
        others = ["--var", "web_pin=4711", "--var", "web_url=x:s3cr3t"]
        shown = case.nexusctl(["plan", *given, *others, "--target", "api", "--detailed-exitcode"])
        assert shown.returncode == 0, shown.stdout + shown.stderr
        done = case.nexusctl(["apply", *given, *others, "--yes"])
        assert done.returncode == 0, done.stderr
        (web,) = wire.get("/containers/json", {"filters": {"name": [f"^/{stack_name}_web$"]}})
        assert run_inside(wire, web["Id"], ["/bin/sh", "-c", "echo $PIN $URL"]).output == "4711 x:s3cr3t\n"
    finally:
        case.close()
