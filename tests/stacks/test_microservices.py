"""The flagship as its users meet it: applied once, looked at from all sides, changed, and destroyed.

The tests share one system and run in the order of this file; the last one takes it away.
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from nexusctl.engine.docker.client.endpoint import connect
from tests.stacks.stack_copy import FIRST_APPLY, NOTHING, StackCopy, copy_stack

pytestmark = pytest.mark.engine

SERVICES = ["backend", "db", "frontend"]
TASKS = ["benchmark", "integration-tests", "migrate"]
PATIENCE = 240
"""Seconds to wait for something that takes one or two."""


@pytest.fixture(scope="module")
def system(template_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackCopy]:
    with copy_stack("microservices", tmp_path_factory.mktemp("stacks"), connect()) as copy:
        # Figures of two seconds are enough to see that there are some.
        copy.edit("nexus.yaml", "SECONDS: 5", "SECONDS: 2")
        copy.nexusctl("apply", "--yes", timeout=FIRST_APPLY)
        yield copy


def test_services_are_healthy_and_tasks_are_completed(system: StackCopy) -> None:
    status = system.status()
    assert sorted(status) == sorted(SERVICES + TASKS)
    assert {name: status[name]["health"] for name in SERVICES} == dict.fromkeys(SERVICES, "healthy")
    assert {name: status[name]["exit_code"] for name in TASKS} == dict.fromkeys(TASKS, 0)


def test_metadata_and_lifetime_are_shown(system: StackCopy) -> None:
    found = json.loads(system.nexusctl("status", "--json", "--metadata", "team=backend"))["sandboxes"]
    assert [sandbox["name"] for sandbox in found] == ["backend"]
    assert found[0]["metadata"]["agent"] == "backend-developer"
    assert found[0]["timeout"] == 2 * 60 * 60


def test_the_integration_tests_tell_what_they_tested(system: StackCopy) -> None:
    output = system.nexusctl("logs", "integration-tests")
    assert "answers 409 for an address that is taken" in output
    passed, failed = (re.search(rf"{word} (\d+)", output) for word in ("pass", "fail"))
    assert passed
    assert failed
    assert int(passed[1]) > 20
    assert int(failed[1]) == 0


def test_the_benchmark_prints_figures_without_errors(system: StackCopy) -> None:
    head, *rows = [re.split(r"\s{2,}", line.strip()) for line in system.nexusctl("logs", "benchmark").splitlines()]
    assert head == ["request", "connections", "requests", "req/s", "p50 ms", "p99 ms", "errors"]
    assert [row[0] for row in rows] == ["GET /health", "GET /users/me", "POST /auth/login"]
    assert all(float(row[3]) > 0 and row[6] == "0" for row in rows)


def test_a_browser_on_this_machine_gets_the_page_and_through_it_the_api(system: StackCopy) -> None:
    page = system.status()["frontend"]["endpoint"]
    assert '<div id="root">' in fetch(f"{page}/login")[1]
    body = {"email": f"{uuid4()}@example.com", "password": uuid4().hex}
    assert fetch(f"{page}/api/v1/auth/register", body)[0] == 201
    assert fetch(f"{page}/api/v1/auth/register", body)[0] == 409


def test_only_the_api_and_the_page_are_published_and_only_here(system: StackCopy) -> None:
    published = {name: sandbox["ports"] for name, sandbox in system.status().items() if sandbox["ports"]}
    assert sorted(published) == ["backend", "frontend"]
    assert {port["address"] for ports in published.values() for port in ports} == {"127.0.0.1"}


def test_a_second_apply_changes_nothing(system: StackCopy) -> None:
    before = system.containers()
    assert "No changes" in system.nexusctl("apply", "--yes")
    system.nexusctl("plan", "--deep", "--detailed-exitcode", exit_code=0)
    assert system.containers() == before


def test_an_edited_source_is_live_in_the_same_container(system: StackCopy) -> None:
    before = system.containers()
    system.edit("backend/app.mjs", 'app.get("/health"', 'app.get(["/health", "/edited"]')
    system.nexusctl("apply", "--yes")
    assert system.containers() == before
    assert eventually(f"{system.status()['backend']['endpoint']}/edited")["status"] == "healthy"


def test_a_changed_secret_replaces_the_api_alone(system: StackCopy) -> None:
    before = system.containers()
    system.edit("nexus.yaml", "JWT_SECRET: demo-only", "JWT_SECRET: another-demo-only")
    plan = system.nexusctl("plan", "--detailed-exitcode", exit_code=2)
    assert "env.JWT_SECRET" in plan
    assert "forces the replacement" in plan
    system.nexusctl("apply", "--yes")
    after = system.containers()
    assert {name for name in before if before[name] != after[name]} == {"backend"}
    assert system.status()["backend"]["health"] == "healthy"


def test_a_failing_integration_test_fails_the_apply_and_says_why(system: StackCopy) -> None:
    system.edit("integration-tests/api.test.mjs", 'database: "up"', 'database: "sideways"')
    done = system.nexusctl("apply", "--yes", "--json", exit_code=1)
    failed = [event for event in map(json.loads, done.splitlines()) if event["event"] == "failed"]
    assert [event["problem"]["sandbox"] for event in failed] == ["integration-tests"]
    assert any("sideways" in line for line in failed[0]["problem"]["output"])


def test_users_outlive_a_destroyed_stack(system: StackCopy) -> None:
    system.edit("integration-tests/api.test.mjs", 'database: "sideways"', 'database: "up"')
    body = {"email": f"{uuid4()}@example.com", "password": uuid4().hex}
    assert fetch(f"{system.status()['backend']['endpoint']}/api/v1/auth/register", body)[0] == 201
    system.nexusctl("destroy", "--yes")
    assert system.remains() == {**NOTHING, "volumes": [f"{system.stack}_db-data"]}
    system.nexusctl("apply", "--yes", timeout=FIRST_APPLY)
    assert fetch(f"{system.status()['backend']['endpoint']}/api/v1/auth/login", body)[0] == 200
    assert "0 applied, 3 were there already" in system.nexusctl("logs", "migrate")


def test_destroy_leaves_nothing(system: StackCopy) -> None:
    assert "Nothing is left" in system.nexusctl("destroy", "--yes", "--volumes")
    assert system.remains() == NOTHING


def fetch(url: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
    """Status and text of a GET, or of a POST of `body` as JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", "accept": "*/*"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def eventually(url: str) -> Any:
    """The JSON document at `url`, once it is answered with 200."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            code, text = fetch(url)
        except OSError:
            code, text = 0, ""
        if code == 200:
            return json.loads(text)
        time.sleep(0.5)
    raise AssertionError(f"{url} was not answered with 200")
