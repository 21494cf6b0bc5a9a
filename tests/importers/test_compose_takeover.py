"""Whoever moves off Docker Compose keeps the containers and the data of a project that runs."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from nexusctl.errors import EngineError, NotFound
from tests.e2e.case import Case
from tests.faults.compose import Compose
from tests.faults.proxy import Fault, Kind, Proxy
from tests.importers.spoiled import run_through
from tests.ranges import choose_range

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(bool(Compose().find_problem()), reason="docker compose is not installed"),
]

PROJECT = """\
name: PROJECT
services:
  db:
    image: IMAGE
    command: [sleep, infinity]
    environment: {POSTGRES_PASSWORD: hunter2-not-real, POSTGRES_DB: shop, UMASK: 0022, RATIO: 0.50, PASSED: }
    volumes: ["db_data:/var/lib/data"]
    networks: [back]
    healthcheck: {test: [CMD, "true"], interval: 1s, timeout: 5s, retries: 5}
    restart: unless-stopped
  my_api:
    image: IMAGE
    command: sleep infinity
    entrypoint: [nice, -n, "1"]
    env_file: [api.env]
    environment:
      DSN: postgres://shop:${DOOR_CODE:-hunter2-not-real}@db/${DOOR_NAME:-shop}
      CACHE: redis://:${CACHE_PASSWORD}@cache
    ports: ["127.0.0.1::8080"]
    networks: [back, default]
    depends_on: {db: {condition: service_healthy}}
    labels: {team: backend}
    deploy: {resources: {limits: {memory: 64m, cpus: "0.5"}}}
  web:
    image: IMAGE
    command: [sleep, "1000000"]
    depends_on: [my_api]
    volumes: ["./site:/site:ro"]
    scale: 2
  tool: {image: IMAGE, command: "true", profiles: [tools]}
networks: {back: {}}
volumes: {db_data: {}}
"""


class Composed:
    """A project that `docker compose up` has started."""

    def __init__(self, folder: Path, wire: Wire, stack: str, project: str, image: str, text: str = PROJECT) -> None:
        self.case, self.wire, self.project = Case(folder=folder, stack=stack, wire=wire), wire, project
        self.file = folder / "compose.yaml"
        (folder / "api.env").write_text("LEVEL=debug\n")
        (folder / ".env").write_text("CACHE_PASSWORD=hunter3-not-real\n")
        (folder / "site").mkdir()
        self.file.write_text(text.replace("PROJECT", project).replace("IMAGE", image))
        # Beside the project's own file, for it says nothing of them, as most do.
        self.ranges = folder / "ranges.json"
        ranges = {name: {"ipam": {"config": [{"subnet": choose_range(wire)}]}} for name in ("back", "default")}
        self.ranges.write_text(json.dumps({"networks": ranges}))
        self.compose("up", "--detach")
        if "db_data" in text:
            self.inside("db-1", "echo precious > /var/lib/data/it")

    def compose(self, *arguments: str) -> None:
        done = subprocess.run(
            ["docker", "compose", "--file", str(self.file), "--file", str(self.ranges), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def name(self, container: str) -> str:
        """What Compose calls a container."""
        return f"{self.project}-{container}"

    def inside(self, container: str, script: str) -> str:
        return run_inside(self.wire, self.name(container), ["/bin/sh", "-c", script]).output

    def ids(self) -> dict[str, str]:
        query = {"all": True, "filters": {"label": [f"com.docker.compose.project={self.project}"]}}
        return {entry["Names"][0].lstrip("/"): entry["Id"] for entry in self.wire.get("/containers/json", query)}

    def close(self) -> None:
        self.case.close()
        for container in self.ids().values():
            self.wire.delete(f"/containers/{container}", {"force": True, "v": True})
        for kind, name in (("networks", "back"), ("networks", "default"), ("volumes", "db_data")):
            with contextlib.suppress(NotFound, EngineError):
                self.wire.delete(f"/{kind}/{self.project}_{name}")


@pytest.fixture
def composed(tmp_path: Path, wire: Wire, base_image: str, stack_name: str) -> Iterator[Composed]:
    composed = Composed(tmp_path, wire, stack_name, stack_name, base_image)
    yield composed
    composed.close()


@pytest.fixture
def otherwise(tmp_path: Path, wire: Wire, base_image: str, stack_name: str) -> Iterator[Composed]:
    """A project whose name is none that a stack can have."""
    composed = Composed(tmp_path, wire, stack_name, stack_name.replace("-", "_"), base_image)
    yield composed
    composed.close()


def started(wire: Wire, ids: dict[str, str]) -> dict[str, Any]:
    """Since when each container runs, by id."""
    return {key: wire.get(f"/containers/{key}/json")["State"]["StartedAt"] for key in ids.values()}


def expect_the_same(composed: Composed, project: dict[str, str], since: dict[str, Any]) -> None:
    """The containers run on as sandboxes of the stack, with their data, and no plan has anything to do."""
    stack, names = composed.case.stack, ("db", "my-api", "web-1", "web-2")
    assert set(composed.ids()) == {f"{stack}_{name}" for name in names}
    assert sorted(composed.ids().values()) == sorted(project.values())
    assert started(composed.wire, composed.ids()) == since
    for options in ([], ["--deep"]):
        shown = composed.case.nexusctl(["plan", "--detailed-exitcode", *options])
        assert shown.returncode == 0, shown.stdout + shown.stderr


@pytest.mark.parametrize("kind", ["composed", "otherwise"])
def test_a_project_that_runs_is_taken_over_with_one_command_and_has_no_changes_then(
    kind: str, request: pytest.FixtureRequest, wire: Wire
) -> None:
    composed: Composed = request.getfixturevalue(kind)
    project = composed.ids()
    since = started(wire, project)
    done = composed.case.nexusctl(["import", "compose", "compose.yaml", "--adopt"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 adopted" in done.stdout
    assert "services.my_api.labels: labels are not set on containers" in done.stderr
    line = next(n for n, text in enumerate(PROJECT.splitlines(), 1) if "labels" in text)
    assert f"compose.yaml:{line}:5" in done.stderr
    assert "hunter" not in done.stdout + done.stderr + (composed.case.folder / "nexus.yaml").read_text()
    expect_the_same(composed, project, since)

    # What is replaced later has the same data, and is found by the others under its name.
    file = composed.case.folder / "nexus.yaml"
    file.write_text(file.read_text().replace("POSTGRES_DB: shop", "POSTGRES_DB: other"))
    env = dict.fromkeys(("POSTGRES_PASSWORD", "DOOR_CODE"), "hunter2-not-real")
    env["CACHE_PASSWORD"] = "hunter3-not-real"
    applied = composed.case.nexusctl(["apply", "--yes"], env={**os.environ, **env})
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert "1 replaced" in applied.stdout
    stack = composed.case.stack
    assert run_inside(wire, f"{stack}_db", ["cat", "/var/lib/data/it"]).output == "precious\n"
    assert run_inside(wire, f"{stack}_my-api", ["getent", "hosts", "db"]).exit_code == 0


def test_apply_takes_over_what_is_named_and_says_what_differs(composed: Composed) -> None:
    project = composed.ids()
    assert composed.case.nexusctl(["import", "compose", "compose.yaml"]).returncode == 0
    named = {"db": "db-1", "my-api": "my_api-1", "web-1": "web-1", "web-2": "web-2"}
    adopting = [word for a, b in named.items() for word in ("--adopt-container", f"{a}={composed.name(b)}")]
    shown = composed.case.nexusctl(["plan", *adopting])
    assert shown.returncode == 0, shown.stderr
    differing = set(re.findall(r"^ +[~+-] ([a-z]\S+):", shown.stdout, re.MULTILINE))
    # Its volume has the name that Compose gave it.
    assert differing == {"resources.pids"}
    assert composed.ids() == project


def test_a_project_that_is_not_as_its_file_says_is_not_taken_over_until_it_is(composed: Composed) -> None:
    file = composed.case.folder / "nexus.yaml"
    text = composed.file.read_text().replace("POSTGRES_DB: shop", "POSTGRES_DB: other")
    composed.file.write_text(text.replace("hunter2-not-real", "hunter3-not-real"))
    before = composed.ids()
    done = composed.case.nexusctl(["import", "compose", "compose.yaml", "--adopt"])
    assert done.returncode == 1
    assert "it cannot be taken over as it is: replace, env.POSTGRES_DB" in done.stderr
    assert 'env.POSTGRES_DB is "shop", and would be "other"' in done.stderr
    assert "write into compose.yaml what it is, or make it what compose.yaml says by `docker compose up`" in done.stderr
    assert composed.ids() == before
    # With the file, an apply would make a second container on the same data.
    assert not file.exists()
    composed.compose("up", "--detach")
    done = composed.case.nexusctl(["import", "compose", "compose.yaml", "--adopt"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hunter" not in done.stdout + done.stderr + file.read_text()
    shown = composed.case.nexusctl(["plan", "--detailed-exitcode"])
    assert shown.returncode == 0, shown.stdout + shown.stderr


def test_a_password_that_a_container_has_and_its_file_has_no_more_is_not_shown(composed: Composed) -> None:
    composed.file.write_text(composed.file.read_text().replace("POSTGRES_PASSWORD: hunter2-not-real, ", ""))
    done = composed.case.nexusctl(["import", "compose", "compose.yaml", "--adopt"])
    assert done.returncode == 1
    assert "env.POSTGRES_PASSWORD is another one, which is not shown" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_what_is_not_there_of_a_project_is_left_for_the_next_apply(composed: Composed, wire: Wire) -> None:
    composed.compose("rm", "--stop", "--force", "web")
    composed.compose("stop", "my_api")
    before = composed.ids()
    done = composed.case.nexusctl(["import", "compose", "compose.yaml", "--adopt"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 adopted" in done.stdout
    assert sorted(composed.ids().values()) == sorted(before.values())
    assert not wire.get(f"/containers/{composed.case.stack}_my-api/json")["State"]["Running"]
    shown = composed.case.nexusctl(["plan"]).stdout
    assert "sandbox  my-api  will be started" in shown
    assert "+ sandbox  web-1" in shown


def test_a_project_that_is_not_there_is_named(composed: Composed) -> None:
    done = composed.case.nexusctl(["import", "compose", "compose.yaml", "--adopt", "--project", "nothing-like-it"])
    assert done.returncode == 1
    assert "no container of the compose project nothing-like-it is there" in done.stderr
    assert not (composed.case.folder / "nexus.yaml").exists()


GRANTED = """\
name: PROJECT
services:
  web:
    image: IMAGE
    command: [sleep, infinity]
    configs:
      - plain
      - {source: plain, target: /etc/app/app.conf, mode: 0440}
      - written
      - {source: folder, target: /etc/conf.d}
    secrets:
      - key
      - {source: key, target: other}
      - {source: key, target: /etc/deep/key}
      - token
  reader:
    image: IMAGE
    command: [sleep, infinity]
    user: "1000"
    secrets: [key]
configs:
  plain: {file: ./api.env}
  written: {content: "hello"}
  folder: {file: ./site}
secrets:
  key: {file: ./key.txt}
  token: {environment: DOOR_TOKEN}
"""


@pytest.fixture
def granted(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Composed]:
    """A project with configs and secrets of every kind."""
    monkeypatch.setenv("DOOR_TOKEN", "of-no-use")
    (tmp_path / "key.txt").write_text("of-no-use-either")
    composed = Composed(tmp_path, wire, stack_name, stack_name, base_image, GRANTED)
    yield composed
    composed.close()


def test_configs_and_secrets_of_a_project_are_taken_over_as_they_are_and_a_new_container_has_them_too(
    granted: Composed, wire: Wire
) -> None:
    case, project = granted.case, granted.ids()
    done = case.nexusctl(["import", "compose", "compose.yaml", "--adopt"])
    assert done.returncode == 0, done.stdout + done.stderr
    for number, text in enumerate(GRANTED.splitlines(), 1):
        if text.startswith("      - ") and ("key" in text or "token" in text):
            assert f"compose.yaml:{number}:9" in done.stderr
    assert sorted(granted.ids().values()) == sorted(project.values())
    for options in ([], ["--deep"]):
        shown = case.nexusctl(["plan", "--detailed-exitcode", *options])
        assert shown.returncode == 0, shown.stdout + shown.stderr

    file = case.folder / "nexus.yaml"
    file.write_text(file.read_text().replace("infinity", "1000000", 1))
    applied = case.nexusctl(["apply", "--yes"])
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert "1 replaced" in applied.stdout
    script = "cat /run/secrets/token /run/secrets/other /etc/deep/key /plain /written; ls /etc/conf.d"
    seen = run_inside(wire, f"{case.stack}_web", ["/bin/sh", "-c", script])
    assert seen.output == "of-no-use" + 2 * "of-no-use-either" + "LEVEL=debug\nhello"
    assert seen.exit_code == 0
    # What was left as it is need not be left any more.
    file.write_text(re.sub(r" +- (?:secrets|volumes)\n", "", file.read_text()))
    assert case.nexusctl(["apply", "--yes"]).returncode == 0
    shown = case.nexusctl(["plan", "--deep", "--detailed-exitcode"])
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert granted.name("web") not in granted.ids()


@pytest.mark.parametrize(
    ("written", "instead", "problem"),
    [
        ("hello", "hello again", "update, uploads./written"),
        ("secrets: [key]", "secrets: [key, token]", "/run/secrets/token is not in it"),
    ],
)
def test_a_config_or_a_secret_that_the_container_has_not_is_named_instead_of_taken_over(
    granted: Composed, written: str, instead: str, problem: str
) -> None:
    before = granted.ids()
    granted.file.write_text(granted.file.read_text().replace(written, instead))
    done = granted.case.nexusctl(["import", "compose", "compose.yaml", "--adopt"])
    assert done.returncode == 1
    assert f"it cannot be taken over as it is: {problem}" in done.stderr
    assert granted.ids() == before
    assert not (granted.case.folder / "nexus.yaml").exists()


@pytest.mark.parametrize(("kind", "when"), [("composed", "kill-after"), ("otherwise", "kill-before")])
def test_a_takeover_that_is_killed_again_and_again_comes_to_the_same_end(
    kind: str, when: Kind, request: pytest.FixtureRequest, wire: Wire, tmp_path: Path
) -> None:
    composed: Composed = request.getfixturevalue(kind)
    project = composed.ids()
    since = started(wire, project)
    with Proxy(tmp_path / "proxy.sock", wire.endpoint.url.removeprefix("unix://")) as proxy:
        for call in itertools.count():
            proxy.arm(Fault(call=call, kind=when))
            done = run_through(proxy, ["import", "compose", "compose.yaml", "--adopt"], composed.case.folder)
            if not proxy.fired:
                break
            assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
            assert sorted(composed.ids().values()) == sorted(project.values())
            # With it an apply would make a second time what is not yet taken over.
            is_over = all(name.startswith(f"{composed.case.stack}_") for name in composed.ids())
            assert is_over or not (composed.case.folder / "nexus.yaml").exists()
    assert done.returncode == 0, done.stdout + done.stderr
    assert call > 3
    expect_the_same(composed, project, since)


def test_a_project_is_taken_over_into_the_file_of_a_stack_that_is_called_otherwise(
    tmp_path: Path, wire: Wire, base_image: str, stack_name: str
) -> None:
    composed = Composed(tmp_path, wire, stack_name, f"of-{stack_name}", base_image)
    case, project = composed.case, composed.ids()
    file = tmp_path / "nexus.yaml"
    file.write_text(f"name: {stack_name} # kept\nsandboxes:\n  old: {{image: {base_image}, command: sleep 1000000}}\n")
    try:
        assert case.nexusctl(["apply", "--yes"]).returncode == 0
        # What the stack has taken over it still finds, when it looks again.
        for _ in range(2):
            done = case.nexusctl(["import", "compose", "compose.yaml", "--adopt"])
            assert done.returncode == 0, done.stdout + done.stderr
            shown = case.nexusctl(["plan", "--deep", "--detailed-exitcode"])
            assert shown.returncode == 0, shown.stdout + shown.stderr
        assert f"name: {stack_name} # kept\n" in file.read_text()
        assert sorted(composed.ids().values()) == sorted(project.values())
    finally:
        composed.close()
