"""The scenario that this was asked for, call by call, with the arguments as they stand there; ids come from answers."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.mcp.client import WAYS, Answer, Caller, plan_of, play, table_row

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]

SERVER = (Path(__file__).parent / "server.js").read_text()

BACKEND: dict[str, Any] = {
    "template": "node",
    "name": "backend-api-dev",
    "env_vars": {
        "NODE_ENV": "development",
        "PORT": "3000",
        "DATABASE_URL": "postgresql://localhost:5432/devdb",
        "JWT_SECRET": "dev_secret_key_change_in_prod",
        "API_VERSION": "v1",
    },
    "install_packages": ["express", "jsonwebtoken", "bcrypt", "pg", "dotenv", "cors", "helmet"],
    "timeout": 7200,
    "metadata": {
        "project": "microservices-demo",
        "agent": "backend-developer",
        "purpose": "API development and testing",
    },
}
FRONTEND: dict[str, Any] = {
    "template": "react",
    "name": "frontend-app-dev",
    "env_vars": {
        "REACT_APP_API_URL": "https://sb-backend-001.flow-nexus.io/api/v1",
        "REACT_APP_ENV": "development",
    },
    "install_packages": ["axios", "react-router-dom", "zustand", "@tanstack/react-query"],
    "timeout": 7200,
    "metadata": {
        "project": "microservices-demo",
        "agent": "frontend-developer",
        "purpose": "React UI development",
    },
}


@pytest.mark.parametrize(("era", "transport"), WAYS)
def test_the_scenario(folder: Path, era: str, transport: str, record_property: Any) -> None:
    times: dict[str, float] = {}
    begun, passed, spoken = time.monotonic(), 0, set[str]()

    async def scene(call: Caller) -> None:
        async def step(what: str, tool: str, **arguments: Any) -> Answer:
            nonlocal passed
            asked = time.monotonic()
            answer = await call(tool, **arguments)
            times[what] = time.monotonic() - asked
            assert not answer.is_error, f"{what}: {answer.text}"
            passed += 1
            return answer

        # Steps 2 and 5: two sandboxes with their packages.
        backend = await step("create backend", "sandbox_create", **BACKEND)
        assert (backend["status"], backend["packages_installed"], backend["env_vars_set"]) == ("running", 7, 5)
        assert backend["warnings"][0].startswith("JWT_SECRET: this looks like a secret")
        frontend = await step("create frontend", "sandbox_create", **FRONTEND)
        assert (frontend["status"], frontend["packages_installed"], frontend["env_vars_set"]) == ("running", 4, 2)
        one, two = backend["sandbox_id"], frontend["sandbox_id"]

        # Steps 3 and 4: the server as it stands, and its first line.
        sent = await step("upload", "sandbox_upload", sandbox_id=one, file_path="/app/server.js", content=SERVER)
        assert sent["size_bytes"] == len(SERVER.encode())
        run = await step(
            "execute", "sandbox_execute", sandbox_id=one, code="node /app/server.js", timeout=300, capture_output=True,
            working_dir="/app",
        )  # fmt: skip
        assert list(run.content)[:6] == ["execution_id", "status", "stdout", "stderr", "exit_code", "started_at"]
        assert (run["status"], run["stdout"], run["stderr"]) == ("running", "API server running on port 3000\n", "")
        assert run["exit_code"] is None
        assert json.loads(_get(f"{backend['endpoint']}/health"))["status"] == "healthy"
        assert '<div id="root">' in _get(frontend["endpoint"])

        # Step 6: looks, which show no value.
        for sandbox, names in ((one, BACKEND["env_vars"]), (two, FRONTEND["env_vars"])):
            shown = await step("status", "sandbox_status", sandbox_id=sandbox)
            assert (shown["status"], shown["env_vars"]) == ("running", sorted(names))
            assert "dev_secret_key_change_in_prod" not in shown.text
        logs = await step("logs", "sandbox_logs", sandbox_id=one, lines=100)
        assert [(line["source"], line["text"]) for line in logs["lines"]] == [
            (run["execution_id"], "API server running on port 3000")
        ]

        # Step 7: the list.
        listed = await step("list", "sandbox_list", status="running")
        assert listed["total"] == 2
        for found, made in zip(listed["sandboxes"], (backend, frontend), strict=True):
            assert list(found)[:3] == ["sandbox_id", "name", "template"]
            assert re.fullmatch(r"\d\d:\d\d:\d\d", found["uptime"])
            assert (found["name"], found["created_at"]) == (made["name"], made["created_at"])

        # Tip 6: streams.
        stream = await step("subscribe", "execution_stream_subscribe", sandbox_id=one, stream_type="claude-code")
        assert (stream["status"], stream["stream_type"]) == ("active", "claude-code")
        news = await step("stream", "execution_stream_status", sandbox_id=one)
        assert (news["data"], news["status"]) == ("API server running on port 3000\n", "running")
        more = await step(
            "stream", "execution_stream_status", stream_id=stream["stream_id"], **{"from": news["next_offset"]}
        )
        assert (more["data"], more["next_offset"]) == ("", news["next_offset"])
        assert plan_of(folder)["empty"]

        # Step 8: one is stopped, one deleted.
        stopped = await step("stop", "sandbox_stop", sandbox_id=one)
        assert stopped["status"] == "stopped"
        assert (await step("delete", "sandbox_delete", sandbox_id=two))["status"] == "deleted"
        rest = await call("sandbox_list", status="all")
        assert [(found["name"], found["status"]) for found in rest["sandboxes"]] == [("backend-api-dev", "stopped")]
        assert plan_of(folder)["empty"]
        assert (await step("start", "sandbox_start", sandbox_id=one))["status"] == "running"

    try:
        play(folder, scene, era=era, transport=transport, spoken=spoken)
    finally:
        row = table_row("mcp", spoken, transport, passed, time.monotonic() - begun)
        record_property("figure", f"{row}: " + ", ".join(f"{k} {v:.2f}" for k, v in times.items()))
    assert plan_of(folder)["empty"]
    assert "dev_secret" not in json.dumps(plan_of(folder))


def test_the_tips(folder: Path) -> None:
    async def scene(call: Caller) -> None:
        # Tip 10: four in one message. Tip 2: a script for the begin. Tip 7: metadata.
        answers: dict[str, Answer] = {}

        async def create(**arguments: Any) -> None:
            answers[arguments["name"]] = await call("sandbox_create", **arguments)

        async with anyio.create_task_group() as group:
            for template, name in (
                ("node", "api-1"),
                ("node", "api-2"),
                ("react", "frontend-1"),
                ("python", "ml-worker-1"),
            ):
                group.start_soon(lambda t, n: create(template=t, name=n), template, name)
        assert {answer["status"] for answer in answers.values()} == {"running"}, answers
        listed = await call("sandbox_list", status="running")
        assert [one["name"] for one in listed["sandboxes"]] == ["api-1", "api-2", "frontend-1", "ml-worker-1"]

        metadata = {
            "team": "backend",
            "project": "ecommerce",
            "environment": "staging",
            "owner": "john.doe@company.com",
            "cost_center": "engineering",
        }
        tagged = await call("sandbox_create", template="node", metadata=metadata)
        assert not tagged.is_error, tagged.text
        found = await call("sandbox_list", metadata={"team": "backend", "cost_center": "engineering"})
        assert [one["sandbox_id"] for one in found["sandboxes"]] == [tagged["sandbox_id"]]

        script = "\n    echo pnpm > /tmp/pnpm\n    test -s /tmp/pnpm\n  "
        started = await call("sandbox_create", template="node", name="started", startup_script=script)
        assert started["status"] == "running"

        # Tip 3, with the connection as it stands there, which leads nowhere.
        deployed = await call(
            "template_deploy", template_name="express-api-boilerplate", deployment_name="my-api-instance",
            variables={"port": "3000", "db_connection": "postgresql://..."},
        )  # fmt: skip
        assert not deployed.is_error, deployed.text
        deployment = deployed["deployment"]
        assert (deployment["name"], deployment["status"]) == ("my-api-instance", "running")
        assert json.loads(_get(f"{deployment['endpoint']}/health"))["status"] == "healthy"

        # Without one it works by itself, at the port that it is told.
        alone = await call("sandbox_create", template="express-api-boilerplate", env_vars={"PORT": "4001"})
        assert not alone.is_error, alone.text
        who = {"email": "mia@example.org", "password": "correct horse"}
        api = f"{alone['endpoint']}/api/v1"
        token = _post(f"{api}/auth/register", who)["token"]
        request = urllib.request.Request(f"{api}/users/me", headers={"Authorization": f"Bearer {token}"})
        assert json.loads(_get(request))["user"]["email"] == who["email"]

        found = await call("template_list", category="web")
        assert "express-api-boilerplate" in [one["name"] for one in found["templates"]]
        unknown = await call("template_list", category="databse")
        assert "did you mean `database`?" in unknown.text

    play(folder, scene)
    assert plan_of(folder)["empty"]


def test_with_a_database_beside_it(folder: Path) -> None:
    """Who has the scenario's server and a database registers, logs in and is known."""

    async def scene(call: Caller) -> None:
        secret = {"POSTGRES_PASSWORD": "only-here", "POSTGRES_DB": "devdb"}
        database = await call("sandbox_create", template="postgres", name="db", env_vars=secret)
        assert database["status"] == "running", database.text
        columns = "id serial primary key, email text unique, password text, created_at timestamptz default now()"
        table = f"create table users ({columns})"
        made = await call("sandbox_execute", sandbox_id="sb_db", code=f'psql -U postgres -d devdb -c "{table}"')
        assert (made["exit_code"], made["status"]) == (0, "completed"), made.text
        url = "postgresql://postgres:only-here@db:5432/devdb"
        env = {**BACKEND["env_vars"], "DATABASE_URL": url}
        backend = await call("sandbox_create", **{**BACKEND, "env_vars": env})
        assert not backend.is_error, backend.text
        one = backend["sandbox_id"]
        await call("sandbox_upload", sandbox_id=one, file_path="/app/server.js", content=SERVER)
        await call("sandbox_execute", sandbox_id=one, code="node /app/server.js", timeout=300, working_dir="/app")
        api = f"{backend['endpoint']}/api/v1"
        who = {"email": "mia@example.org", "password": "correct horse"}
        assert _post(f"{api}/auth/register", who)["user"] == {"id": 1, "email": who["email"]}
        token = _post(f"{api}/auth/login", who)["token"]
        request = urllib.request.Request(f"{api}/users/me", headers={"Authorization": f"Bearer {token}"})
        assert json.loads(_get(request))["user"]["email"] == who["email"]

    play(folder, scene)
    assert plan_of(folder)["empty"]


def _post(address: str, document: dict[str, str]) -> Any:
    data, headers = json.dumps(document).encode(), {"Content-Type": "application/json"}
    return json.loads(_get(urllib.request.Request(address, data, headers)))


def _get(address: str | urllib.request.Request) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:
        text: str = answer.read().decode()
    return text
