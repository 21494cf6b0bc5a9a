"""Every stack is valid and planned, and the two small ones do what their README says."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stacks.stack_copy import FIRST_APPLY, NOTHING, STACKS, StackCopy

pytestmark = pytest.mark.engine

ALL = sorted(file.parent.name for file in STACKS.glob("*/nexus.yaml"))
PATIENCE = 240
"""Seconds to wait for something that takes about one."""


def test_the_stacks_that_the_readme_promises_are_there() -> None:
    assert ALL == [
        "agents",
        "ci",
        "hello",
        "imported",
        "layers",
        "locked",
        "microservices",
        "regions",
        "secrets",
        "sources",
    ]


@pytest.mark.parametrize("stack_copy", ALL, indirect=True)
def test_a_stack_is_valid_and_planned_and_nothing_is_made(stack_copy: StackCopy) -> None:
    stack_copy.nexusctl("validate")
    plan = json.loads(stack_copy.nexusctl("plan", "--json"))
    made = [change["name"] for change in plan["changes"] if change["kind"] == "sandbox"]
    document = yaml.safe_load((stack_copy.folder / "nexus.yaml").read_text())
    assert len(made) == sum(_count(sandbox, document) for sandbox in document["sandboxes"].values())
    assert {change["action"] for change in plan["changes"]} == {"create"}
    assert stack_copy.remains() == NOTHING


def _count(sandbox: dict[str, Any], document: dict[str, Any]) -> int:
    """How many containers a sandbox of the file stands for."""
    if "for_each" in sandbox:
        variable = sandbox["for_each"].removeprefix("${var.").removesuffix("}")
        return len(document["variables"][variable]["default"])
    count: int = sandbox.get("replicas", 1)
    return count


def test_hello_is_short() -> None:
    assert len((STACKS / "hello" / "nexus.yaml").read_text().splitlines()) < 15


@pytest.mark.parametrize("stack_copy", ["layers"], indirect=True)
def test_layers_are_laid_over_each_other_and_a_profile_comes_on_request(stack_copy: StackCopy) -> None:
    files = ("-f", "nexus.yaml", "-f", "staging.yaml")
    stack_copy.nexusctl("apply", "--yes", *files, "--profile", "debug", timeout=FIRST_APPLY)
    assert sorted(stack_copy.status()) == ["images", "inspector", "mails"]
    assert "staging mails done" in stack_copy.nexusctl("logs", "mails")
    show = 'cat /etc/worker/*; echo "$OWNER $STAGE $SIZE"'
    said = stack_copy.nexusctl("exec", "mails", "--", "sh", "-c", show)
    assert said == "mails of the shop\nnobody gets these\neverybody staging \n"
    assert "everybody staging large" in stack_copy.nexusctl("exec", "images", "--", "sh", "-c", show)
    assert stack_copy.nexusctl("exec", "inspector", "--", "pwd") == "/srv\n"
    stack_copy.nexusctl("plan", *files, "--detailed-exitcode", exit_code=0)
    origins = stack_copy.nexusctl("config", *files, "--origin")
    staging = (stack_copy.folder / "staging.yaml").read_text().splitlines()
    line = max(number for number, text in enumerate(staging, 1) if "STAGE" in text)
    assert f'sandboxes.images.env.STAGE: "staging"\n    staging.yaml:{line}:' in origins
    (stack_copy.folder / "resolved.yaml").write_text(stack_copy.nexusctl("config", *files))
    stack_copy.nexusctl("plan", "-f", "resolved.yaml", "--detailed-exitcode", exit_code=0)
    stack_copy.nexusctl("destroy", "--yes")
    assert stack_copy.remains() == NOTHING


@pytest.mark.parametrize("stack_copy", ["layers"], indirect=True)
def test_layers_need_an_owner_in_production_and_take_a_template_from_git(
    stack_copy: StackCopy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("STACK_OWNER", raising=False)
    owned, team = ("-f", "nexus.yaml", "-f", "production.yaml"), ("-f", "team.yaml")
    stack_copy.nexusctl("plan", *owned, exit_code=1)
    monkeypatch.setenv("STACK_OWNER", "somebody")
    kept = tmp_path / "kept"
    kept.mkdir()
    template = (stack_copy.folder / "templates" / "worker.yaml").read_text()
    (kept / "audit.yaml").write_text(template.replace("name: worker", "name: audit"))
    given = ("--var", f"templates=file://{kept}", "--var", f"commit={commit_all(kept)}")
    stack_copy.nexusctl("apply", "--yes", *owned, *team, *given, timeout=FIRST_APPLY)
    assert "production mails done" in stack_copy.nexusctl("logs", "mails")
    assert "development audits done" in wait_for(stack_copy, lines=3)
    assert stack_copy.nexusctl("exec", "mails", "--", "sh", "-c", 'echo "$OWNER"') == "somebody\n"
    assert stack_copy.status()["mails"]["metadata"] == {"applied_from": os.environ["HOME"]}
    stack_copy.nexusctl("plan", *owned, *team, *given, "--detailed-exitcode", exit_code=0)


@pytest.mark.parametrize("stack_copy", ["layers"], indirect=True)
def test_layers_take_a_template_that_was_just_begun(stack_copy: StackCopy) -> None:
    stack_copy.nexusctl("template", "init", "begun")
    begun = "sandboxes: {begun: {template: begun, with: {port: 4000}}}\n"
    (stack_copy.folder / "begun.yaml").write_text(begun)
    stack_copy.nexusctl("apply", "--yes", "-f", "nexus.yaml", "-f", "begun.yaml", timeout=FIRST_APPLY)
    assert stack_copy.nexusctl("exec", "begun", "--", "sh", "-c", "echo $PORT") == "4000\n"
    stack_copy.nexusctl("init", "--template", "base", "-f", "first.yaml")
    stack_copy.nexusctl("validate", "-f", "first.yaml")


def commit_all(folder: Path) -> str:
    """Make a git repository of `folder`; the id of its only commit."""
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "-c", "commit.gpgSign=false")
    for arguments in (("init", "--quiet"), ("add", "."), (*who, "commit", "--quiet", "--message", "Templates")):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize("stack_copy", ["hello"], indirect=True)
def test_hello_says_hello(stack_copy: StackCopy) -> None:
    stack_copy.nexusctl("apply", "--yes", timeout=FIRST_APPLY)
    assert "Hello from" in wait_for(stack_copy, lines=1)
    assert "Linux" in stack_copy.nexusctl("exec", "greeter", "--", "uname", "-a")
    stack_copy.nexusctl("destroy", "--yes")
    assert stack_copy.remains() == NOTHING


@pytest.mark.parametrize("stack_copy", ["agents"], indirect=True)
def test_ten_agents_share_the_jobs_and_each_job_is_done_once(stack_copy: StackCopy) -> None:
    stack_copy.nexusctl("apply", "--yes", timeout=FIRST_APPLY)
    names = [f"agent-{number}" for number in range(1, 11)]
    assert [name for name, is_ in stack_copy.status().items() if is_["state"] == "running"] == names

    jobs = sorted(job.stem for job in (STACKS / "agents" / "agent" / "jobs").glob("*.py"))
    lines = wait_for(stack_copy, lines=len(names) + len(jobs)).splitlines()
    assert sum("| ready" in line for line in lines) == len(names)
    verdicts = Counter({job: sum(f"| {job} " in line for line in lines) for job in jobs})
    assert verdicts == dict.fromkeys(jobs, 1)
    assert any("broken failed with exit code 1" in line for line in lines)

    queue = 'cd /workspace; echo "print(6 * 7)" > new; mv new inbox/answer.py'
    stack_copy.nexusctl("exec", "agent-3", "--", "sh", "-c", queue)
    answer = "for i in $(seq 60); do cat /workspace/done/answer.txt 2>/dev/null && exit; sleep 0.5; done; exit 1"
    assert stack_copy.nexusctl("exec", "agent-7", "--", "sh", "-c", answer) == "42\n"

    stack_copy.nexusctl("destroy", "--yes", "--volumes")
    assert stack_copy.remains() == NOTHING


@pytest.mark.parametrize("stack_copy", ["agents"], indirect=True)
def test_more_replicas_leave_those_that_are_there_alone(stack_copy: StackCopy) -> None:
    stack_copy.edit("nexus.yaml", "replicas: 10", "replicas: 2")
    stack_copy.nexusctl("apply", "--yes", timeout=FIRST_APPLY)
    before = stack_copy.containers()
    stack_copy.edit("nexus.yaml", "replicas: 2", "replicas: 3")
    stack_copy.nexusctl("apply", "--yes")
    after = stack_copy.containers()
    assert sorted(after) == ["agent-1", "agent-2", "agent-3"]
    assert before.items() < after.items()


@pytest.mark.parametrize("stack_copy", ["regions"], indirect=True)
def test_a_gateway_finds_each_region_and_a_region_that_goes_takes_no_other_along(stack_copy: StackCopy) -> None:
    stack_copy.nexusctl("apply", "--yes", "--var", "token=s3cr3t", timeout=FIRST_APPLY)
    shown = json.loads(stack_copy.nexusctl("output", "--json"))["outputs"]
    assert shown["token"] == {"value": "[redacted]", "known": True, "sensitive": True}
    token = stack_copy.nexusctl("output", "token", "--var", "token=s3cr3t").strip()
    assert token == "Bearer s3cr3t"
    request = urllib.request.Request(shown["url"]["value"], headers={"Authorization": token})
    with urllib.request.urlopen(request, timeout=30) as response:
        says = response.read().decode().splitlines()
    assert says == [
        "Welcome.",
        "gateway:8000, release 1.0.0",
        f"Hei from north ({stack_copy.stack}, trial)",
        f"Ciao from south ({stack_copy.stack}, trial)",
    ]

    (stack_copy.folder / "resolved.yaml").write_text(stack_copy.nexusctl("config", "--var", "token=s3cr3t"))
    stack_copy.nexusctl("plan", "-f", "resolved.yaml", "--var", "token=s3cr3t", "--detailed-exitcode", exit_code=0)

    before = stack_copy.containers()
    regions = "regions={south: {greeting: Ciao}, north: {greeting: Hei}, west: {greeting: Hola}}"
    stack_copy.nexusctl("apply", "--yes", "--var", "token=s3cr3t", "--var", regions)
    assert before.items() < stack_copy.containers().items()
    stack_copy.edit("nexus.yaml", "      NORTH: ${sandbox.region-north.endpoint}\n", "")
    stack_copy.edit("gateway.py", 'os.environ["NORTH"], ', "")
    stack_copy.nexusctl("apply", "--yes", "--var", "token=s3cr3t", "--var", "regions={south: {greeting: Ciao}}")
    after = stack_copy.containers()
    assert sorted(after) == ["gateway", "region-south"]
    assert after["region-south"] == before["region-south"]


@pytest.mark.parametrize("stack_copy", ["regions"], indirect=True)
def test_variables_of_every_type_come_from_four_places(stack_copy: StackCopy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_VAR_cpus", "0.25")
    monkeypatch.setenv("NEXUS_VAR_stage", "trial")
    given = ("--var-file", "production.vars.yaml", "--var", "closed=false", "--var", "release=2.1.1")
    stack_copy.nexusctl("apply", "--yes", *given, timeout=FIRST_APPLY)
    north = stack_copy.wire.get(f"/containers/{stack_copy.containers()['region-north']}/json")
    assert north["HostConfig"]["CpuQuota"] / north["HostConfig"]["CpuPeriod"] == 0.25
    assert stack_copy.wire.get(f"/networks/{stack_copy.stack}_inner")["Internal"] is False
    url = stack_copy.nexusctl("output", "url", *given).strip()
    token = stack_copy.nexusctl("output", "token", *given).strip()
    request = urllib.request.Request(url, headers={"Authorization": token})
    with urllib.request.urlopen(request, timeout=30) as response:
        says = response.read().decode()
    assert "gateway:8000, release 2.1.1\n" in says
    assert f"Hei from north ({stack_copy.stack}, production)\n" in says
    for wrong in ("release=2.1", "stage=trail", "closed=perhaps", "cpus=many", "published=8000"):
        stack_copy.nexusctl("plan", *given, "--var", wrong, exit_code=1)


@pytest.mark.parametrize("stack_copy", ["regions"], indirect=True)
def test_a_sensitive_variable_shows_nowhere_and_is_given_again_to_a_saved_plan(stack_copy: StackCopy) -> None:
    said = stack_copy.nexusctl("plan", "--out", "kept", "--var", "token=s3cr3t", "--var", "stage=production")
    said += stack_copy.nexusctl("plan", "--json", "--var", "token=s3cr3t")
    said += stack_copy.nexusctl("config", "--var", "token=s3cr3t")
    said += (stack_copy.folder / "kept").read_text()
    stack_copy.nexusctl("apply", "kept", "--var", "stage=trial", exit_code=1)
    said += stack_copy.nexusctl("apply", "kept", "--json", "--var", "token=s3cr3t", timeout=FIRST_APPLY)
    said += stack_copy.nexusctl("status", "--json")
    inspected = [stack_copy.wire.get(f"/containers/{one}/json") for one in stack_copy.containers().values()]
    said += json.dumps([one["Config"]["Labels"] for one in inspected])
    assert "production" in said
    assert "s3cr3t" not in said
    assert any("TOKEN=s3cr3t" in one["Config"]["Env"] for one in inspected)


def wait_for(copy: StackCopy, *, lines: int) -> str:
    """The logs of all sandboxes, once they have that many lines."""
    deadline = time.monotonic() + PATIENCE
    while True:
        text = copy.nexusctl("logs")
        if len(text.splitlines()) >= lines:
            return text
        assert time.monotonic() < deadline, f"only these lines came:\n{text}"
        time.sleep(0.5)


@pytest.mark.parametrize("stack_copy", ["secrets"], indirect=True)
def test_secrets_come_from_three_places_and_only_their_sizes_show(
    stack_copy: StackCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_copy.nexusctl("apply", "--yes", exit_code=1)
    assert stack_copy.remains() == NOTHING
    monkeypatch.setenv("HOME", str(stack_copy.folder))
    monkeypatch.setenv("SHOP_API_KEY", "canary-1")
    (stack_copy.folder / "db_password.txt").write_text("canary-22\n")
    stack_copy.nexusctl("secrets", "keygen")
    stack_copy.nexusctl("secrets", "encrypt", "session_key", given="canary-333")
    said = stack_copy.nexusctl("plan")
    assert "3 secrets will be read at apply: api_key, db_password, session_key." in said
    said += stack_copy.nexusctl("apply", "--yes", timeout=FIRST_APPLY)
    lines = wait_for(stack_copy, lines=4)
    files = ("/run/secrets/db.txt holds 9 bytes", "/run/secrets/session_key holds 10 bytes")
    for line in (*files, "API_URL holds 38 characters", "API_KEY holds 8 characters"):
        assert line in lines
    said += stack_copy.nexusctl("plan")
    assert "unchanged; 3 secrets were not read)" in said
    said += stack_copy.nexusctl("config") + stack_copy.nexusctl("config", "--origin")
    inspected = [stack_copy.wire.get(f"/containers/{one}/json") for one in stack_copy.containers().values()]
    said += json.dumps([one["Config"]["Labels"] for one in inspected])
    assert "canary" not in said + lines
    stack_copy.nexusctl("destroy", "--yes")
    assert stack_copy.remains() == NOTHING


@pytest.mark.parametrize("stack_copy", ["locked"], indirect=True)
def test_locked_installs_what_its_lock_says_and_then_has_no_changes(stack_copy: StackCopy) -> None:
    stack_copy.nexusctl("lock", timeout=FIRST_APPLY)
    entry = json.loads((stack_copy.folder / "nexus.lock").read_text())["sandboxes"]["fetcher"]
    assert "idna" in entry["needs"]["pip"]
    stack_copy.nexusctl("apply", "--locked", "--yes", timeout=FIRST_APPLY)
    listed = stack_copy.nexusctl("exec", "fetcher", "--", "pip", "list", "--format=freeze").splitlines()
    assert f"idna=={entry['needs']['pip']['idna']}" in listed
    assert f"requests=={entry['packages']['pip']['requests']['version']}" in listed
    stack_copy.nexusctl("plan", "--locked", "--deep", "--detailed-exitcode", exit_code=0)


@pytest.mark.parametrize("stack_copy", ["imported"], indirect=True)
def test_imported_is_what_comes_out_of_its_three_files_and_runs(
    stack_copy: StackCopy, base_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "only-for-trying")
    stack_copy.nexusctl("import", "compose", "compose.yaml", "-f", "new.yaml")
    stack_copy.nexusctl("import", "devcontainer", ".", "-f", "new-dev.yaml")
    stack_copy.nexusctl("init", "--from-dir", "project", "-f", "project/new.yaml")
    files = (("new.yaml", "nexus.yaml"), ("new-dev.yaml", "dev.yaml"), ("project/new.yaml", "project/nexus.yaml"))
    for made, kept in files:
        assert (stack_copy.folder / made).read_text() == (STACKS / "imported" / kept).read_text()
    # An image of a registry is exchanged for one that is there.
    stack_copy.edit("nexus.yaml", "debian:bookworm-slim", base_image)
    stack_copy.edit("dev.yaml", "debian:bookworm-slim", base_image)
    stack_copy.edit("project/nexus.yaml", "debian:bookworm-slim", base_image)
    stack_copy.edit("project/nexus.yaml", "name: project", f"name: {stack_copy.stack}-app")
    stack_copy.edit("dev.yaml", "name: imported-dev", f"name: {stack_copy.stack}-dev")
    for _, file in files:
        try:
            stack_copy.nexusctl("apply", "--yes", "-f", file)
            stack_copy.nexusctl("plan", "-f", file, "--deep", "--detailed-exitcode", exit_code=0)
        finally:
            stack_copy.nexusctl("destroy", "--yes", "--volumes", "-f", file)
