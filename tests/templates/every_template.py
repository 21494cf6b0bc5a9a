"""Each built-in template started on the engine, with a package more than it brings, and used: `make templates`.

Making all images takes many minutes where they are not there. The ones that most tests use are in `test_templates.py`.
"""

from __future__ import annotations

import json
import textwrap
import urllib.error
import urllib.request
from typing import Any

import pytest

from nexusctl.config.load import load_template, template_names
from nexusctl.engine.docker.client.client import Wire
from tests.templates.conftest import Trial, refuse_traces
from tests.templates.recipes import COMMON, make_image

pytestmark = pytest.mark.engine

HARD = 'it\'s a \\ "word"'
"""A password with what shells, SQL and configuration files take for their own."""


@pytest.mark.parametrize("name", sorted(set(template_names()) - set(COMMON)))
def test_nothing_of_the_making_stays_in_a_recipes_image(wire: Wire, name: str) -> None:
    recipe = load_template(name).recipe
    assert recipe is not None
    if recipe.owner is None:
        refuse_traces(wire, make_image(wire, name))


def begin(trial: Trial, wire: Wire, template: str, more: str = "") -> None:
    """Apply one sandbox of the template, called `it`, with `more` of its keys."""
    make_image(wire, template)
    # It waits until the sandbox's own probe has found it well.
    trial.applied(f"{{it: {{template: {template}{', ' if more else ''}{more}}}}}")


def again(trial: Trial, wire: Wire) -> None:
    """Stop its container, which has to end by itself, and start it."""
    wire.post(f"/containers/{trial.container('it')}/stop", query={"t": 60})
    state = wire.get(f"/containers/{trial.container('it')}/json")["State"]
    assert state["ExitCode"] in (0, 143), state
    assert trial.nexusctl("apply", "--yes").returncode == 0


def ask(address: str, body: Any = None, **headers: str) -> tuple[int, str]:
    """The status and the text of an answer."""
    data = json.dumps(body).encode() if body is not None else None
    headers |= {"Content-Type": "application/json"} if data else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def files(**content: str) -> str:
    """The key `uploads` for files of /app; `__` is a dot in their names."""
    found = [{"target": f"/app/{name.replace('__', '.')}", "content": text} for name, text in content.items()]
    return f"uploads: {json.dumps(found)}"


def test_redis_keeps_its_data_and_asks_for_its_password(wire: Wire, trial: Trial) -> None:
    begin(trial, wire, "redis", f"packages: [jq], with: {{password: {json.dumps(HARD)}, memory: 64mb}}")
    client = 'redis-cli --no-auth-warning -a "$REDIS_PASSWORD"'
    assert trial.run("it", "sh", "-c", f"{client} set answer 42") == "OK"
    assert trial.run("it", "sh", "-c", f"{client} config get maxmemory").split()[-1] == str(64 << 20)
    assert "NOAUTH" in trial.run("it", "redis-cli", "get", "answer")
    assert trial.run("it", "sh", "-c", f"{client} --json get answer | jq -r .") == "42"
    assert trial.run("it", "stat", "-c", "%U", "/data/appendonlydir") == "redis"
    again(trial, wire)
    assert trial.run("it", "sh", "-c", f"{client} get answer") == "42"


def test_redis_without_a_password_asks_for_none(wire: Wire, trial: Trial) -> None:
    begin(trial, wire, "redis", "with: {append_only: false}")
    done = trial.nexusctl("exec", "it", "--", "redis-cli", "config", "get", "appendonly")
    assert (done.stdout.split(), done.stderr) == (["appendonly", "no"], "")


def test_mariadb_keeps_its_data_and_makes_what_it_is_told(wire: Wire, trial: Trial) -> None:
    password = json.dumps(HARD)
    given = f"root_password: {password}, database: shop, user: dev, password: {password}"
    seed = "{target: /docker-entrypoint-initdb.d/1.sql, content: 'create table seeds as select 42 as id'}"
    begin(trial, wire, "mariadb", f"packages: [pv], with: {{{given}}}, uploads: [{seed}]")
    dev = ("mariadb", "-h127.0.0.1", "-udev", f"-p{HARD}", "shop", "-N", "-e")
    assert trial.run("it", *dev, "select id from seeds") == "42"
    trial.run("it", *dev, "insert into seeds values (43)")
    assert trial.run("it", "pv", "--version").startswith("pv ")
    for wrong in (("-udev", "-pwrong"), ("-uroot",), ("-unobody",)):
        refused = trial.nexusctl("exec", "it", "--", "mariadb", "-h127.0.0.1", *wrong, "-e", "select 1")
        assert "Access denied" in refused.stdout + refused.stderr
    assert trial.run("it", "mariadb", "-uroot", f"-p{HARD}", "-N", "-e", "select current_user()") == "root@localhost"
    again(trial, wire)
    assert trial.run("it", *dev, "select max(id) from seeds") == "43"


def test_mariadb_without_a_password_says_what_to_set(wire: Wire, trial: Trial) -> None:
    make_image(wire, "mariadb")
    done = trial.apply("{it: {template: mariadb}}")
    assert done.returncode == 1
    assert "set root_password" in done.stderr


def test_nginx_serves_where_it_is_told(wire: Wire, trial: Trial) -> None:
    begin(
        trial, wire, "nginx", f"packages: [curl], with: {{port: 8090, root: /app}}, {files(index__html='<b>ours</b>')}"
    )
    assert ask(trial.endpoint("it")) == (200, "<b>ours</b>")
    assert trial.run("it", "curl", "-s", "http://127.0.0.1:8090/") == "<b>ours</b>"
    assert "GET /" in trial.nexusctl("logs", "it").stdout
    again(trial, wire)
    assert ask(trial.endpoint("it"))[0] == 200


def test_vanilla_serves_a_page_and_what_is_uploaded(wire: Wire, trial: Trial) -> None:
    begin(trial, wire, "vanilla", f"packages: [requests], with: {{port: 8090}}, {files(mine__js='let a = 1;')}")
    assert ask(f"{trial.endpoint('it')}/mine.js") == (200, "let a = 1;")
    fetch = "import requests; print(requests.get('http://127.0.0.1:8090/mine.js').headers['content-type'])"
    assert "javascript" in trial.run("it", "python3", "-c", fetch)


def test_debian_has_the_usual_tools(wire: Wire, trial: Trial) -> None:
    begin(trial, wire, "debian", "packages: [sqlite3], with: {timezone: Asia/Kathmandu}")
    script = """
    set -eu
    git init -q repository && cd repository
    printf 'needle' > hay && git add hay
    git -c user.name=a -c user.email=a@example.org commit -qm first
    rg -o needle hay
    echo '{"a": [1, 2]}' | jq -r '.a[1]'
    sqlite3 :memory: 'select 6 * 7'
    date +%z
    for tool in curl wget less nano vi rsync ssh unzip zip xz file tree ps ip nc dig python3; do
      command -v "$tool" > /dev/null || echo "no $tool"
    done
    """
    assert trial.run("it", "bash", "-c", script).split() == ["needle", "2", "42", "+0545"]


def test_go_builds_and_runs_a_program(wire: Wire, trial: Trial) -> None:
    program = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("go", 6*7) }\n'
    rule = "answer: main.go\n\tgo build -o answer main.go\n"
    begin(trial, wire, "go", f"packages: [make], {files(main__go=program, Makefile=rule)}")
    assert trial.run("it", "sh", "-c", "make -s && ./answer") == "go 42"
    assert trial.run("it", "sh", "-c", "go env GOPROXY GOTOOLCHAIN").split()[-1] == "local"


def test_rust_builds_and_runs_a_crate(wire: Wire, trial: Trial) -> None:
    begin(trial, wire, "rust", "packages: [jq], with: {jobs: 1}")
    program = 'fn main() { println!("{{\\"answer\\": {}}}", 6 * 7); }'
    script = f"cargo new -q answer && cd answer && echo '{program}' > src/main.rs && cargo run -q | jq .answer"
    assert trial.run("it", "sh", "-c", script).splitlines()[-1] == "42"


def test_java_compiles_and_runs_a_class(wire: Wire, trial: Trial) -> None:
    program = 'class Answer { public static void main(String[] a) { System.out.println("java " + 6 * 7); } }\n'
    begin(trial, wire, "java", f"packages: [tree], {files(Answer__java=program)}")
    assert trial.run("it", "sh", "-c", "javac Answer.java && java Answer") == "java 42"
    assert "Apache Maven 3" in trial.run("it", "mvn", "--version")
    assert "Answer.class" in trial.run("it", "tree", "/app")


def test_nextjs_serves_a_page_with_nothing_uploaded(wire: Wire, trial: Trial) -> None:
    begin(trial, wire, "nextjs", "packages: [clsx]")
    status, page = ask(trial.endpoint("it"))
    assert status == 200
    assert "It works." in page
    assert trial.run("it", "node", "-p", "require('clsx').clsx('a', 'b')") == "a b"


@pytest.mark.parametrize(
    ("template", "program", "variable"),
    [
        ("claude-code", "claude", "ANTHROPIC_API_KEY"),
        ("codex", "codex", "OPENAI_API_KEY"),
        ("gemini", "gemini", "GEMINI_API_KEY"),
    ],
)
def test_an_agents_program_is_there_and_has_its_key(
    wire: Wire, trial: Trial, template: str, program: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NX_TRIAL_KEY", "no-real-key")
    make_image(wire, template)
    key = "with: {api_key: '${secret.key}'}"
    trial.applied(f"{{it: {{template: {template}, packages: [is-odd], {key}}}}}", "secrets: {key: {env: NX_TRIAL_KEY}}")
    assert trial.health("it") == "healthy"
    assert trial.run("it", program, "--version").split()[0 if program != "codex" else -1][0].isdigit()
    assert trial.run("it", "node", "-p", "require('is-odd')(3)") == "true"
    assert trial.run("it", "printenv", variable) == "no-real-key"
    assert trial.run("it", "sh", "-c", "git --version && rg --version").startswith("git version")
    assert "no-real-key" not in trial.nexusctl("status", "--json").stdout + trial.nexusctl("plan").stdout


def test_jupyter_runs_a_notebook_and_asks_for_its_token(wire: Wire, trial: Trial) -> None:
    begin(trial, wire, "jupyter", "packages: [requests], with: {token: open-sesame}")
    api = f"{trial.endpoint('it')}/api"
    assert ask(f"{api}/contents")[0] == 403
    assert ask(f"{api}/contents", Authorization="token open-sesame")[0] == 200
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "id": "a"}
    source = "import requests; print('jupyter', 6 * 7)"
    notebook = json.dumps({"cells": [{**cell, "source": source}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    trial.run("it", "python3", "-c", f"open('/app/a.ipynb', 'w').write({notebook!r})")
    shown = trial.run("it", "jupyter", "nbconvert", "--to", "markdown", "--execute", "--stdout", "/app/a.ipynb")
    assert "jupyter 42" in shown


def test_playwright_looks_at_a_page(wire: Wire, trial: Trial) -> None:
    script = textwrap.dedent("""
    const { chromium } = require("playwright");
    const isOdd = require("is-odd");
    (async () => {
      const browser = await chromium.launch();
      const page = await browser.newPage();
      await page.setContent("<title>Ours</title><button onclick='document.title = 6 * 7'>go</button>");
      await page.click("button");
      const picture = await page.screenshot();
      console.log(await page.title(), picture.subarray(1, 4).toString(), isOdd(3));
      await browser.close();
    })();
    """)
    begin(trial, wire, "playwright", f"packages: [is-odd], {files(look__js=script)}")
    assert trial.run("it", "node", "/app/look.js") == "42 PNG true"


def test_the_small_api_registers_knows_and_refuses_with_a_database_beside_it(wire: Wire, trial: Trial) -> None:
    for template in ("postgres", "express-api-boilerplate"):
        make_image(wire, template)
    trial.applied(
        "{db: {template: postgres, env: {POSTGRES_PASSWORD: right}},"
        " it: {template: express-api-boilerplate, packages: [is-odd], depends_on: [db],"
        " with: {db_connection: 'postgresql://postgres:right@db/postgres', jwt_secret: signed}}}"
    )
    assert trial.run("it", "node", "-p", "require('is-odd')(3)") == "true"
    account = {"email": "mia@example.org", "password": "correct horse"}
    use_api(trial.endpoint("it"), account, "postgresql")
    again(trial, wire)
    # What is in the database stays, and a token of the same secret holds.
    status, answer = ask(f"{trial.endpoint('it')}/api/v1/auth/login", account)
    assert (status, json.loads(answer)["user"]["email"]) == (200, "mia@example.org")


def use_api(endpoint: str, account: dict[str, str], kept: str) -> None:
    """Register, log in, be known; and what is refused."""
    api = f"{endpoint}/api/v1"
    assert json.loads(ask(f"{endpoint}/health")[1])["users"] == kept
    assert ask(f"{endpoint}/ready")[0] == 200
    status, answer = ask(f"{api}/auth/register", account)
    assert (status, json.loads(answer)["user"]) == (201, {"id": 1, "email": account["email"]})
    assert ask(f"{api}/auth/register", account)[0] == 409
    assert ask(f"{api}/auth/register", {"email": "x"})[0] == 400
    assert ask(f"{api}/auth/login", {**account, "password": "wrong horse"})[0] == 401
    token = json.loads(ask(f"{api}/auth/login", account)[1])["token"]
    status, answer = ask(f"{api}/users/me", Authorization=f"Bearer {token}")
    assert (status, json.loads(answer)["user"]["email"]) == (200, account["email"])
    assert ask(f"{api}/users/me")[0] == 401
    assert ask(f"{api}/users/me", Authorization=f"Bearer {token}x")[0] == 403
    assert ask(f"{api}/nothing")[0] == 404


def test_the_small_api_without_its_database_says_so(wire: Wire, trial: Trial) -> None:
    begin(trial, wire, "express-api-boilerplate", "with: {db_connection: 'postgresql://...'}")
    assert ask(f"{trial.endpoint('it')}/ready")[0] == 503
    status, answer = ask(f"{trial.endpoint('it')}/api/v1/auth/login", {"email": "a@b.c", "password": "long enough"})
    assert (status, json.loads(answer)["error"]) == (503, "the database does not answer")
