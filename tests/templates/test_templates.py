"""Every template really starts, is healthy, and what is installed with it works."""

from __future__ import annotations

import urllib.request

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests.packages.inside import config, run_in
from tests.templates.conftest import Trial, refuse_traces
from tests.templates.recipes import COMMON, make_image

pytestmark = pytest.mark.engine

FETCH = "fetch(process.argv[1]).then(async answer => console.log(answer.status, await answer.text()))"


@pytest.mark.parametrize("name", COMMON)
def test_nothing_of_the_making_stays_in_a_recipes_image(wire: Wire, name: str) -> None:
    refuse_traces(wire, make_image(wire, name))


def test_base_runs_and_takes_packages_of_the_distribution(wire: Wire, trial: Trial) -> None:
    make_image(wire, "base")
    trial.applied("{tools: {template: base, packages: [tree]}}")
    assert trial.run("tools", "tree", "--version").startswith("tree v")
    assert "bookworm" in trial.run("tools", "cat", "/etc/os-release")


def test_node_runs_what_npm_installs_in_both_styles_of_modules(wire: Wire, trial: Trial) -> None:
    image = make_image(wire, "node")
    trial.applied("{api: {template: node, packages: [express]}}")
    assert trial.run("api", "node", "--version").startswith("v22.")
    assert trial.run("api", "npm", "--version").startswith("10.")
    assert trial.run("api", "node", "-p", "typeof require('express')") == "function"
    script = "import express from 'express'; console.log(typeof express)"
    assert trial.run("api", "node", "--input-type=module", "-e", script) == "function"
    assert run_in(wire, image, ("npx", "--version")).output.startswith("10.")


def test_python_runs_what_pip_installs(wire: Wire, trial: Trial) -> None:
    image = make_image(wire, "python")
    trial.applied("{job: {template: python, packages: [requests]}}")
    assert trial.run("job", "python", "-c", "import requests; print(requests.Response().status_code)") == "None"
    assert trial.run("job", "python", "--version").startswith("Python 3.")
    assert run_in(wire, image, ("python3", "-m", "venv", "/tmp/venv")).exit_code == 0
    refused = run_in(wire, image, ("pip", "install", "--no-index", "nexusctl-no-such-package")).output
    assert "externally-managed" not in refused


def test_react_serves_a_page_with_nothing_uploaded(wire: Wire, trial: Trial) -> None:
    make_image(wire, "react")
    trial.applied("{page: {template: react, packages: [axios]}}")
    assert trial.health("page") == "healthy"
    page = trial.run("page", "node", "-e", FETCH, "http://127.0.0.1:5173/")
    assert page.startswith("200")
    assert '<div id="root">' in page
    # The page's own script is translated, so React and Vite are there though the sandbox asked for another package.
    script = trial.run("page", "node", "-e", FETCH, "http://127.0.0.1:5173/src/main.jsx")
    assert script.startswith("200")
    assert "jsx" in script
    assert "import" in script
    assert trial.run("page", "node", "-p", "typeof require('axios').get") == "function"


def test_vanilla_serves_a_page_with_nothing_uploaded(wire: Wire, trial: Trial) -> None:
    make_image(wire, "vanilla")
    trial.applied("{page: {template: vanilla, with: {port: 8090}}}")
    with urllib.request.urlopen(trial.endpoint("page"), timeout=30) as answer:
        assert "It works." in answer.read().decode()


def test_postgres_keeps_its_data_and_takes_extensions(wire: Wire, trial: Trial) -> None:
    make_image(wire, "postgres")
    trial.applied(
        "{db: {template: postgres, packages: [postgresql-15-semver],"
        " env: {POSTGRES_PASSWORD: pass word, POSTGRES_USER: dev, POSTGRES_DB: shop},"
        " uploads: [{target: /docker-entrypoint-initdb.d/1.sql, content: 'create table seeds (id int)'},"
        "           {target: /docker-entrypoint-initdb.d/2.sh, content: 'psql -U $POSTGRES_USER -d $POSTGRES_DB -c"
        ' "insert into seeds values (42)"\'}],'
        " volumes: ['data:/var/lib/postgresql/data']}}",
        "volumes: {data: }",
    )
    assert trial.health("db") == "healthy"
    sql = ("psql", "-tA", "postgresql://dev:pass%20word@127.0.0.1/shop", "-c")
    assert trial.run("db", *sql, "select id from seeds") == "42"
    trial.run("db", *sql, "create extension semver")
    assert trial.run("db", *sql, "select '1.2.3'::semver < '1.10.0'::semver") == "t"

    wire.post(f"/containers/{trial.container('db')}/stop", query={"t": 60})
    assert wire.get(f"/containers/{trial.container('db')}/json")["State"]["ExitCode"] == 0
    assert "fast shutdown" in trial.nexusctl("logs", "db").stdout + trial.nexusctl("logs", "db").stderr
    assert trial.nexusctl("apply", "--yes").returncode == 0
    assert trial.health("db") == "healthy"
    assert trial.run("db", *sql, "select id from seeds") == "42"


def test_postgres_serves_other_sandboxes_only_with_the_password(wire: Wire, trial: Trial) -> None:
    make_image(wire, "postgres")
    client = "{template: postgres, command: [sleep, infinity], health: none, depends_on: [db]}"
    trial.applied(f"{{db: {{template: postgres, env: {{POSTGRES_PASSWORD: right}}}}, client: {client}}}")
    assert trial.run("client", "psql", "-tA", "postgresql://postgres:right@db", "-c", "select 1") == "1"
    refused = trial.nexusctl("exec", "client", "--", "psql", "postgresql://postgres:wrong@db", "-c", "select 1")
    assert refused.returncode != 0
    assert "password authentication failed" in refused.stdout + refused.stderr


def test_postgres_without_a_password_says_which_variable_to_set(wire: Wire, trial: Trial) -> None:
    make_image(wire, "postgres")
    done = trial.apply("{db: {template: postgres}}")
    assert done.returncode == 1
    assert "POSTGRES_PASSWORD" in done.stderr


def test_postgres_heals_a_set_up_that_was_cut_off(wire: Wire, trial: Trial) -> None:
    image = make_image(wire, "postgres")
    cut = "mkdir -p $PGDATA/.new/base && echo 15 > $PGDATA/.new/PG_VERSION && touch $PGDATA/half && exec {}"
    start = cut.format("docker-entrypoint.sh postgres")
    command = f"['sh', '-c', '{start}']"
    trial.applied(f"{{db: {{template: postgres, env: {{POSTGRES_PASSWORD: x}}, command: {command}}}}}")
    assert trial.health("db") == "healthy"
    assert trial.run("db", "sh", "-c", "ls -A $PGDATA | grep -c -e half -e .new || true") == "0"
    assert config(wire, image)["Entrypoint"] == ["docker-entrypoint.sh"]


def test_postgres_touches_no_folder_with_files_of_somebody_else(wire: Wire, trial: Trial) -> None:
    image = make_image(wire, "postgres")
    script = "touch $PGDATA/mine; docker-entrypoint.sh postgres 2>&1; echo $?; ls $PGDATA"
    said = run_in(wire, image, ("env", "POSTGRES_PASSWORD=x", "sh", "-c", script)).output
    assert "has files in it, but no database" in said
    assert said.split()[-2:] == ["1", "mine"]
