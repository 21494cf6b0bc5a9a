"""What a Compose file builds becomes a template: what runs then is what `docker compose up --build` runs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from nexusctl.api.importing.importing import read_compose, write
from nexusctl.config.load import load
from nexusctl.engine.docker.client.client import Wire
from nexusctl.importers.draft.draft import Draft
from tests.e2e.case import Case

PATIENCE = 300
HAS_COMPOSE = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0

DOCKERFILE = """\
ARG BASE=BASE_IMAGE
FROM $BASE AS base
WORKDIR /srv
ENV GREETING="hello  there"
FROM base
ARG PORT=8000
ENV PORT=$PORT
COPY --chown=7:8 start.sh /usr/local/bin/
COPY . .
EXPOSE 8000
VOLUME /data
ENTRYPOINT ["sh", "/usr/local/bin/start.sh"]
CMD ["first", "second"]
HEALTHCHECK --interval=2s CMD test -f /srv/data.txt
"""
PROJECT = {
    "web/Dockerfile": DOCKERFILE,
    "web/start.sh": 'printf "%s\\n" "$@" > /tmp/words; exec sleep 300\n',
    "web/data.txt": "data",
    "web/left/out": "x",
    "web/.dockerignore": "left\nDockerfile\n",
    "compose.yaml": """\
name: STACK
services:
  web:
    build: {context: ./web, args: {PORT: 9000}}
    environment: {EXTRA: "1", GREETING: other}
  worker:
    build: {context: ./web, args: {PORT: 9000}}
    command: [third]
    user: "7"
    configs: [{source: c, target: /srv/more/c}]
    volumes: ["kept:/kept"]
  alone:
    build: web
    entrypoint: ["sleep", "300"]
    working_dir: /tmp
    healthcheck: {disable: true}
volumes: {kept: {}}
configs: {c: {content: hello}}
""",
}
SEEN = (
    "env | sort | grep -v -e ^HOSTNAME= -e ^PATH= -e ^HOME=; pwd; id -u; cat /tmp/words;"
    " find /srv /usr/local/bin /data /kept -printf '%p %y %m %U:%G\\n' 2>/dev/null"
    " | sort; cat /srv/data.txt /srv/more/c"
)


@pytest.mark.engine
@pytest.mark.skipif(not HAS_COMPOSE, reason="docker compose is not installed")
def test_what_runs_is_what_compose_builds_and_runs(case: Case, base_image: str) -> None:
    put(case.folder, {name: text.replace("BASE_IMAGE", base_image) for name, text in PROJECT.items()}, case.stack)
    project = f"{case.stack}-compose"
    compose = ["docker", "compose", "-p", project]
    env = {**os.environ, "DOCKER_BUILDKIT": "0"}
    try:
        run([*compose, "up", "-d", "--build"], case.folder, env)
        # One without a health check is none that this waits for.
        run([*compose, "up", "-d", "--wait", "web", "worker"], case.folder, env)
        wanted = {name: look([*compose, "exec", "-T", name], case.folder) for name in ("web", "worker", "alone")}
    finally:
        run([*compose, "down", "--volumes"], case.folder, env)
        # Compose takes away only what it finds by labels, which its classic builder does not set.
        made = [f"{project}-{name}" for name in ("web", "worker", "alone")]
        run(["docker", "rmi", "--force", *made], case.folder, env, strict=False)
    imported = case.nexusctl(["import", "compose", "compose.yaml"])
    assert imported.returncode == 0, imported.stderr
    done = case.nexusctl(["apply", "--yes"])
    assert done.returncode == 0, done.stdout + done.stderr
    found = {name: look(["docker", "exec", f"{case.stack}_{name}"], case.folder) for name in ("web", "worker", "alone")}
    assert found == wanted
    shown = json.loads(case.nexusctl(["status", "--json"]).stdout)["sandboxes"]
    assert [one["name"] for one in shown if one["ports"]] == []
    assert [one["name"] for one in shown if one["health"] == "none"] == ["alone"]
    assert case.nexusctl(["plan", "--deep", "--detailed-exitcode"]).returncode == 0


@pytest.fixture
def case(tmp_path: Path, wire: Wire, stack_name: str) -> Iterator[Case]:
    case = Case(folder=tmp_path, stack=stack_name, wire=wire)
    yield case
    case.close()


def test_services_that_build_the_same_share_a_template(tmp_path: Path) -> None:
    put(tmp_path, {name: text.replace("BASE_IMAGE", "debian") for name, text in PROJECT.items()}, "x")
    draft = read_compose(tmp_path / "compose.yaml", tmp_path)
    assert {name: its["template"] for name, its in draft.document["sandboxes"].items()} == {
        "web": "./web.template.yaml", "worker": "./web.template.yaml", "alone": "./alone.template.yaml",
    }  # fmt: skip
    assert set(draft.files) == {"web.template.yaml", "alone.template.yaml"}


def test_a_dockerfile_of_one_s_own_and_a_stage_are_those_that_are_named(tmp_path: Path) -> None:
    dockerfile = 'FROM debian AS dev\nCMD ["dev"]\nFROM dev AS prod\nCMD ["prod"]\n'
    a, b = "{context: ., dockerfile: deploy/File, target: dev}", "{context: deploy, dockerfile: File}"
    services = f"services: {{a: {{build: {a}}}, b: {{build: {b}}}}}\n"
    put(tmp_path, {"deploy/File": dockerfile, "compose.yaml": services})
    stack = loaded(tmp_path)
    assert {name: sandbox.command for name, sandbox in stack.sandboxes.items()} == {"a": ("dev",), "b": ("prod",)}


def test_packages_and_files_count_from_where_they_lie(tmp_path: Path) -> None:
    dockerfile = "FROM python:3\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\n"
    files = {"app/Dockerfile": dockerfile, "app/requirements.txt": "flask\n", "app/main.py": ""}
    put(tmp_path, {**files, "docker/compose.yaml": "services: {a: {build: ../app}}\n"})
    write(read_compose(tmp_path / "docker/compose.yaml", tmp_path), tmp_path / "nexus.yaml")
    (sandbox,) = load(tmp_path / "nexus.yaml").sandboxes.values()
    assert (sandbox.packages[0].lock_name, sandbox.image) == ("requirements.txt", "python:3")
    paths = {file.path for upload in sandbox.uploads for file in upload.files if file.kind == "file"}
    assert paths == {"Dockerfile", "requirements.txt", "main.py"}


def test_a_password_that_an_image_would_hold_is_a_secret(tmp_path: Path) -> None:
    put(
        tmp_path,
        {"Dockerfile": "FROM debian\nENV DB_PASSWORD=hunter2hunter2\n", "compose.yaml": "services: {a: {build: .}}\n"},
    )
    draft = read_compose(tmp_path / "compose.yaml", tmp_path)
    assert draft.document["sandboxes"]["a"]["env"] == {"DB_PASSWORD": "${secret.db-password}"}
    assert all(b"hunter2" not in file.data for file in draft.files.values())


def test_what_is_written_beside_is_not_uploaded_with_the_folder(tmp_path: Path) -> None:
    put(tmp_path, {"Dockerfile": "FROM debian\nCOPY . /srv\n", "compose.yaml": "services: {a: {build: .}}\n"})
    (sandbox,) = loaded(tmp_path).sandboxes.values()
    assert {file.path for upload in sandbox.uploads for file in upload.files if file.path} == {
        "Dockerfile", "compose.yaml",
    }  # fmt: skip


MOUNTS = [
    ("./app:/srv", [("/opt/start.sh", [])]),
    ("./app:/srv/src", [("/srv", ["/src"]), ("/opt/start.sh", [])]),
    ("./start.sh:/opt/start.sh:ro", [("/srv", [])]),
    ("kept:/srv", [("/srv", []), ("/opt/start.sh", [])]),
    ("/elsewhere", [("/srv", []), ("/opt/start.sh", [])]),
]


@pytest.mark.parametrize(("mount", "left"), MOUNTS, ids=[mount for mount, _ in MOUNTS])
def test_what_a_mounted_folder_hides_is_not_uploaded_into_it(
    mount: str, left: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    dockerfile = "FROM debian\nCOPY app /srv\nCOPY start.sh /opt/start.sh\n"
    services = f"services: {{a: {{build: ., volumes: ['{mount}']}}}}\nvolumes: {{kept: }}\n"
    put(tmp_path, {"Dockerfile": dockerfile, "app/src/x": "", "start.sh": "", "compose.yaml": services})
    (sandbox,) = loaded(tmp_path).sandboxes.values()
    assert [(upload.target, list(upload.ignore)) for upload in sandbox.uploads] == left


LISTED: Mapping[str, Any] = {
    "another machine's folder": ({"context": "https://example.org/x.git"}, "build"),
    "no such folder": ({"context": "./nothing"}, "build"),
    "a text in the file": ({"context": ".", "dockerfile_inline": "FROM debian"}, "build.dockerfile_inline"),
    "no image": ({"context": ".", "dockerfile": "Empty"}, "build"),
    "from nothing": ({"context": ".", "dockerfile": "Scratch"}, "build"),
}


@pytest.mark.parametrize("name", LISTED)
def test_what_cannot_be_read_keeps_its_image_and_is_listed(name: str, tmp_path: Path) -> None:
    build, what = LISTED[name]
    files = {"Dockerfile": "FROM debian\n", "Empty": "# nothing\n", "Scratch": "FROM scratch\n"}
    put(tmp_path, {**files, "compose.yaml": json.dumps({"name": "p", "services": {"a": {"build": build}}})})
    draft = read_compose(tmp_path / "compose.yaml", tmp_path)
    assert draft.document["sandboxes"]["a"] == {"image": "p-a"}
    assert f"services.a.{what}" in {leftover.what for leftover in draft.leftovers}


def test_each_line_without_a_place_is_listed_with_its_file(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "Dockerfile": "FROM debian\nRUN make\n",
            "compose.yaml": "services: {a: {build: {context: ., network: host}}}\n",
        },
    )
    draft = read_compose(tmp_path / "compose.yaml", tmp_path)
    whats = [leftover.what for leftover in draft.leftovers]
    assert set(whats) == {"RUN make", "services.a.build", "services.a.build.network"}
    (line,) = [leftover.location for leftover in draft.leftovers if leftover.what == "RUN make"]
    assert line
    assert (Path(line.file).name, line.line) == ("Dockerfile", 2)


def test_the_template_can_be_read_by_itself(tmp_path: Path) -> None:
    put(tmp_path, {name: text.replace("BASE_IMAGE", "debian") for name, text in PROJECT.items()}, "x")
    loaded(tmp_path)
    told = YAML(typ="safe", pure=True).load(tmp_path / "web.template.yaml")
    assert (told["name"], told["image"], told["defaults"]["ports"]) == ("web", "debian", [8000])


def put(folder: Path, files: Mapping[str, str], stack: str = "x") -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("STACK", stack))


def loaded(folder: Path) -> Any:
    draft: Draft = read_compose(folder / "compose.yaml", folder)
    write(draft, folder / "nexus.yaml")
    return load(folder / "nexus.yaml")


def look(inside: list[str], folder: Path) -> str:
    return run([*inside, "sh", "-c", SEEN], folder, dict(os.environ), strict=False)


def run(command: list[str], folder: Path, env: dict[str, str], *, strict: bool = True) -> str:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert not strict or done.returncode == 0, done.stdout + done.stderr
    return done.stdout
