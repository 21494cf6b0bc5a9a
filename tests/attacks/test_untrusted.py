"""A stack file from a stranger's pull request, on a runner that has something to lose.

Every test has its twin beside it: the same file works for whoever says that it is their own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from nexusctl.cli.main import main
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.attacks.stranger import MARK, keep, said
from tests.attacks.stranger import run as run_process
from tests.attacks.test_binds import containers_of


class Runner(NamedTuple):
    """`checkout` is where the pull request lies, `home` what the runner keeps; `call` runs a command there."""

    checkout: Path
    home: Path
    call: Callable[..., tuple[int, str]]

    def write(self, text: str, name: str = "nexus.yaml") -> None:
        path = self.checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def refuses(self, text: str, *words: str, verb: str = "validate") -> str:
        """What is said where a stranger's `text` is refused; the same is fine where it is one's own."""
        self.write(text)
        code, shown = self.call(verb, "--untrusted")
        assert code == 1, shown
        for word in words:
            assert word in shown, shown
        assert MARK not in shown.lower(), shown
        code, own = self.call(verb, "--trusted")
        assert code == 0, own
        return shown


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Runner:
    checkout, home = tmp_path / "work" / "repository", tmp_path / "home"
    (checkout / ".git").mkdir(parents=True)
    (checkout / ".git" / "config").write_text("extraheader = AUTHORIZATION: basic canary\n")
    keep(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(checkout)

    def call(*arguments: str) -> tuple[int, str]:
        capfd.readouterr()
        monkeypatch.setattr("sys.argv", ["nexusctl", *arguments])
        code = main()
        return code, "".join(capfd.readouterr())

    return Runner(checkout, home, call)


def sandbox(text: str) -> str:
    return f"name: x\nsandboxes: {{a: {{image: debian, {text}}}}}\n"


# --- files and links ---


@pytest.mark.parametrize("way", ["absolute", "home", "upwards", "link", "folder link"])
def test_an_env_file_stays_in_the_project(runner: Runner, way: str) -> None:
    outside = runner.home / "app.env"
    outside.write_text("TOKEN=canary\n")
    upwards = os.path.relpath(outside, runner.checkout)
    named = {"absolute": str(outside), "home": "~/app.env", "upwards": upwards}.get(way, "./in/app.env")
    if way == "link":
        (runner.checkout / "in").mkdir()
        (runner.checkout / "in" / "app.env").symlink_to(outside)
    elif way == "folder link":
        (runner.checkout / "in").symlink_to(runner.home)
    text = sandbox(f"env_file: {named}")
    if "link" in way:
        runner.write(text)
        code, shown = runner.call("validate", "--untrusted")
        assert code == 1
        assert "leads out of the project" in shown
    else:
        runner.refuses(text, "leads out of the project", "`--trusted` says that they are yours")


def test_what_lies_in_the_project_can_be_named_from_a_folder_of_it(runner: Runner) -> None:
    runner.write("A=1\n", "shared/app.env")
    runner.write(sandbox("env_file: ../shared/app.env"), "deploy/nexus.yaml")
    code, shown = runner.call("validate", "--untrusted", "-f", "deploy/nexus.yaml")
    assert code == 0, shown


def test_without_a_work_tree_the_project_is_the_folder_of_the_file(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("A=1\n")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "nexus.yaml").write_text(sandbox("env_file: ../a.env"))
    code, shown = runner.call("validate", "--untrusted", "-f", str(tmp_path / "plain" / "nexus.yaml"))
    assert (code, "leads out of the project" in shown) == (1, True)


def test_a_home_folder_that_is_in_git_is_no_project(runner: Runner) -> None:
    (runner.home / ".git").mkdir()
    (runner.home / "stacks").mkdir()
    (runner.home / "stacks" / "nexus.yaml").write_text(sandbox("env: {A: '${file:../.pgpass}'}"))
    code, shown = runner.call("validate", "--untrusted", "-f", str(runner.home / "stacks" / "nexus.yaml"))
    assert (code, "leads out of the project" in shown) == (1, True)


@pytest.mark.parametrize(
    "text",
    [
        "name: x\ninclude: [OUT]\n",
        "name: x\nsandboxes: {a: {template: OUT}}\n",
        sandbox("uploads: [{source: OUT, target: /x}]"),
        sandbox("uploads: [{source: OUT, target: /x, outside: true}]"),
        sandbox("packages: {pip: {from: OUT}}"),
        sandbox('volumes: ["OUT:/x"]'),
        sandbox("volumes: [{bind: OUT, target: /x}]"),
        sandbox("volumes: [{bind: OUT, target: /x, host_access: true}]"),
        "name: x\nsecrets: {s: {file: OUT}}\nsandboxes: {a: {image: debian, secrets: [s]}}\n",
        "name: x\nsecrets: {s: {age: OUT}}\nsandboxes: {a: {image: debian, secrets: [s]}}\n",
    ],
)
def test_nothing_outside_is_named_whatever_the_file_says_for_it(runner: Runner, text: str) -> None:
    (runner.home / "more.yaml").write_text(
        "name: more\ndescription: canary\nimage: debian\n"
        if "template" in text
        else "canary==1.0\n"
        if "pip" in text
        else "volumes: {canary: }\n"
    )
    runner.refuses(text.replace("OUT", str(runner.home / "more.yaml")), "leads out of the project")


def test_whether_something_is_there_outside_is_not_told(runner: Runner) -> None:
    told = []
    for name in (".pgpass", ".absent"):
        runner.write(sandbox(f"env_file: ../../home/{name}, env: {{B: '${{file:../../home/{name}}}'}}"))
        told.append(runner.call("validate", "--untrusted")[1].replace(name, "X"))
    assert told[0] == told[1]
    assert "did you mean" not in told[0]


@pytest.mark.parametrize("text", ["${file:../../home/.pgpass}", "${file:./kept}"])
def test_no_text_outside_shows_in_a_plan(runner: Runner, text: str) -> None:
    (runner.checkout / "kept").symlink_to(runner.home / ".pgpass")
    runner.write(sandbox(f"env: {{A: '{text}'}}"))
    for verb in ("validate", "config", "plan"):
        code, shown = runner.call(verb, "--untrusted")
        assert (code, MARK in shown) == (1, False), shown


@pytest.mark.parametrize(
    "text",
    ["env: {A: '${file:.git/config}'}", "uploads: [{source: .git/config, target: /x}]", 'volumes: ["./.git:/x"]'],
)
def test_the_credentials_of_the_checkout_are_none_of_its_files(runner: Runner, text: str) -> None:
    runner.refuses(sandbox(text), "leads into `.git`")


def test_nor_do_they_come_along_with_the_folder_around_them(runner: Runner) -> None:
    runner.refuses(sandbox('volumes: [".:/x"]'), "cannot mount a folder with `.git` in it")
    runner.refuses(sandbox("uploads: [{source: ., target: /x}]"), "cannot upload `.git`")
    runner.write(sandbox("uploads: [{source: ., target: /x, ignore: [.git]}]"))
    assert runner.call("validate", "--untrusted")[0] == 0


@pytest.mark.parametrize("option", ["-f", "--var-file"])
def test_a_file_that_the_caller_names_is_no_link_out_of_the_project(runner: Runner, option: str) -> None:
    (runner.home / "own.yaml").write_text("port: canary\n" if option == "--var-file" else "name: canary\n")
    (runner.checkout / "own.yaml").symlink_to(runner.home / "own.yaml")
    runner.write("name: x\nvariables: {port: {type: string, default: x}}\n")
    code, shown = runner.call(
        "config", "--untrusted", *(["-f", "nexus.yaml"] if option != "-f" else []), option, "own.yaml"
    )
    assert (code, MARK in shown) == (1, False), shown
    assert "leads out of its folder" in shown


def test_what_the_caller_names_elsewhere_is_read_and_opens_its_folder_to_nobody_else(runner: Runner) -> None:
    (runner.home / "base.yaml").write_text("name: base\n")
    runner.write("name: x\nsandboxes: {a: {image: debian, env_file: ~/.pgpass}}\n")
    code, shown = runner.call(
        "validate", "--untrusted", "-f", "~/base.yaml".replace("~", str(runner.home)), "-f", "nexus.yaml"
    )
    assert (code, "leads out of the project" in shown, MARK in shown) == (1, True, False)


def test_a_template_of_the_folder_beside_is_no_link_out(runner: Runner) -> None:
    (runner.home / "mine.yaml").write_text("name: mine\ndescription: canary\nimage: canary\n")
    (runner.checkout / "templates").mkdir()
    (runner.checkout / "templates" / "mine.yaml").symlink_to(runner.home / "mine.yaml")
    runner.write("name: x\nsandboxes: {a: {template: mine}}\n")
    code, shown = runner.call("validate", "--untrusted")
    assert "the template `mine` in `templates/` leads out of the project" in shown
    for arguments in (
        ["validate"],
        ["template", "show", "mine"],
        ["template", "list"],
        ["init", "--template", "mine", "-f", "n.yaml"],
    ):
        code, shown = runner.call(*arguments, "--untrusted")
        assert (code, MARK in shown) == (1, False), shown


def test_a_saved_plan_of_a_stranger_names_no_file_elsewhere(runner: Runner, tmp_path: Path) -> None:
    from nexusctl.api.saving import recall_plan  # noqa: PLC0415
    from nexusctl.engine.memory.engine import MemoryEngine  # noqa: PLC0415
    from nexusctl.errors import InputError  # noqa: PLC0415
    from nexusctl.model.load_request import Inputs  # noqa: PLC0415
    from nexusctl.model.trust import Trust  # noqa: PLC0415
    from nexusctl.plan.commands.fingerprint import Fingerprints  # noqa: PLC0415
    from nexusctl.plan.commands.names import Choice  # noqa: PLC0415
    from nexusctl.plan.commands.saved import Saved  # noqa: PLC0415

    engine = MemoryEngine()
    (runner.home / "nexus.yaml").write_text("name: x\n")
    saved = Saved(
        version="x", inputs=Inputs(files=(runner.home / "nexus.yaml",)), engine=engine.identity(), stack="x",
        choice=Choice(), deep=False, adopt=None, salt="00", prints=Fingerprints(inputs={}, live={}, changes={}),
    )  # fmt: skip
    with pytest.raises(InputError, match="leads out of the project"):
        recall_plan(engine, saved, trust=Trust(why="it is a test"))


# --- the environment ---


def test_the_environment_shows_only_what_is_allowed(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("APP_PORT", "3000")
    runner.write(sandbox("env: {A: '${env.AWS_SECRET_ACCESS_KEY}', B: '${env.APP_PORT}'}"))
    for verb in ("validate", "config", "plan"):
        code, shown = runner.call(verb, "--untrusted", "--allow-env", "APP_PORT")
        assert code == 1
        assert "cannot read the variable `AWS_SECRET_ACCESS_KEY`" in shown
        assert "`APP_PORT`" not in shown
        assert MARK not in shown
    runner.write(sandbox("env: {B: '${env.APP_PORT}', C: '${env.AWS_SECRET_ACCESS_KEY:-none}'}"))
    for allowed in ("APP_PORT", "APP_*"):
        code, shown = runner.call("config", "--untrusted", "--allow-env", allowed)
        assert code == 0, shown
        assert "3000" in shown
        assert MARK not in shown


def test_no_name_of_the_environment_is_told(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN_CANARY", "x")
    runner.write(sandbox("env: {A: '${env.DEPLOY_TOKEN_CANARI}'}"))
    code, shown = runner.call("validate", "--untrusted")
    assert (code, MARK in shown.lower()) == (1, False)


def test_variables_take_nothing_of_the_environment_that_is_not_allowed(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_VAR_token", "canary")
    runner.write("name: x\nvariables: {token: {default: mine}}\nsandboxes: {a: {image: 'x:${var.token}'}}\n")
    assert "x:mine" in runner.call("config", "--untrusted")[1]
    assert "x:canary" in runner.call("config", "--untrusted", "--allow-env", "NEXUS_VAR_token")[1]
    assert "x:canary" in runner.call("config", "--untrusted", "--var", "token=canary")[1]
    assert "x:canary" in runner.call("config")[1]


# --- secrets ---


def test_a_secret_runs_no_command(runner: Runner) -> None:
    text = "name: x\nsecrets: {s: {command: [touch, ran]}}\nsandboxes: {a: {image: debian, secrets: [s]}}\n"
    runner.refuses(text, "cannot run a command here for the secret `s`")
    assert runner.call("apply", "--untrusted", "--yes")[0] == 1
    assert not (runner.checkout / "ran").exists()


@pytest.mark.parametrize(
    "source",
    [
        "env: AWS_SECRET_ACCESS_KEY",
        "vault: x, address: 'http://127.0.0.1:9'",
        "keyring: x",
        "age: ./nexus.secrets.json",
    ],
)
def test_an_apply_reads_no_secret_of_this_machine(runner: Runner, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan reads none anyway, so it goes on saying what would be done."""
    from nexusctl.config.load import load  # noqa: PLC0415
    from nexusctl.errors import InputError  # noqa: PLC0415
    from nexusctl.model.load_request import Inputs  # noqa: PLC0415
    from nexusctl.model.trust import Trust  # noqa: PLC0415
    from nexusctl.secrets.reading import read_secrets  # noqa: PLC0415

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    runner.write("{}", "nexus.secrets.json")
    runner.write(f"name: x\nsecrets: {{s: {{{source}}}}}\nsandboxes: {{a: {{image: debian, secrets: [s]}}}}\n")
    assert runner.call("validate", "--untrusted")[0] == 0
    refs = load(Inputs(files=(Path("nexus.yaml"),), trust=Trust(why="it is a test"))).secrets
    with pytest.raises(InputError, match="a stranger's files cannot have it"):
        read_secrets("x", refs)
    if "env" in source:
        trust = Trust(why="it is a test", env=("AWS_SECRET_ACCESS_KEY",))
        read_secrets("x", load(Inputs(files=(Path("nexus.yaml"),), trust=trust)).secrets)


@pytest.mark.engine
def test_nothing_is_made_where_a_secret_is_not_allowed(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    (tmp_path / "nexus.yaml").write_text(
        f"name: {stack_name}\nsecrets: {{token: {{env: DEPLOY_TOKEN}}}}\n"
        f"sandboxes: {{a: {{image: '{base_image}', command: [sleep, infinity], secrets: [token]}}}}\n"
    )
    environment = {**pull("pull_request", event(tmp_path, "you/repository")), "DEPLOY_TOKEN": "canary"}
    try:
        assert run_process(tmp_path, "plan", **environment).returncode == 0
        done = run_process(tmp_path, "apply", "--yes", **environment)
        assert done.returncode == 1
        assert "secret token cannot be read: a stranger's files cannot have it" in done.stderr
        assert "`--allow-env DEPLOY_TOKEN` lets them" in done.stderr
        assert MARK not in said(done)
        assert containers_of(wire, stack_name) == []
        done = run_process(tmp_path, "apply", "--yes", "--allow-env", "DEPLOY_TOKEN", **environment)
        assert done.returncode == 0, said(done)
        (container,) = containers_of(wire, stack_name)
        assert run_inside(wire, container, ["cat", "/run/secrets/token"]).output == "canary"
    finally:
        run_process(tmp_path, "destroy", "--yes", "--stack", stack_name)


# --- templates ---


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The address and a commit of a repository with a template."""
    from tests.config.test_repository import Repository  # noqa: PLC0415

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Repository(tmp_path / "repository")
    return made.url, made.commit(a__yaml="name: a\ndescription: A\nimage: debian\n")


def use(url: str, commit: str) -> str:
    return f"name: x\nsandboxes: {{a: {{template: {{git: '{url}', commit: {commit}, path: templates/a.yaml}}}}}}\n"


def test_a_template_comes_only_from_where_it_may(runner: Runner, repository: tuple[str, str]) -> None:
    url, commit = repository
    runner.refuses(use(url, commit), f"cannot fetch a template from `{url}`")
    assert runner.call("validate", "--untrusted", "--allow-template", url)[0] == 0
    assert runner.call("validate", "--untrusted", "--allow-template", url.rpartition("/")[0])[0] == 0
    for other in (url[:-1], f"{url}/x", "https://example.org"):
        code, shown = runner.call("validate", "--untrusted", "--allow-template", other)
        assert (code, "cannot fetch a template" in shown) == (1, True), other


@pytest.mark.parametrize("rest", ["/team/../../etc", "-evil/x", ".evil.org/x", "@evil.org/x", "/%2e%2e/x"])
def test_what_a_prefix_allows_ends_where_a_name_does(runner: Runner, rest: str) -> None:
    runner.write(use(f"https://git.example.org{rest}", "a" * 40))
    code, shown = runner.call("validate", "--untrusted", "--offline", "--allow-template", "https://git.example.org")
    assert code == 1
    assert "cannot fetch a template" in shown or "cannot be" in shown


def test_a_fetch_is_told_and_offline_nothing_is_fetched(runner: Runner, repository: tuple[str, str]) -> None:
    url, commit = repository
    runner.write(use(url, commit))
    code, shown = runner.call("validate", "--offline")
    assert code == 1
    assert f"commit {commit[:12]} is not in the cache, and nothing is fetched" in shown
    assert "Fetching" not in shown
    code, shown = runner.call("validate")
    assert code == 0
    assert f"Fetching commit {commit[:12]} of {url} for a template." in shown.splitlines()
    for verb in ("validate", "config"):
        code, shown = runner.call(verb, "--offline")
        assert (code, "Fetching" in shown) == (0, False), shown


# --- what reaches others on this machine ---


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (sandbox("cap_add: [NET_RAW]"), "cannot ask for capabilities"),
        (sandbox("ports: ['80:3000']"), "cannot take port 80 of this machine"),
        (sandbox("ports: ['0.0.0.0:8080:3000']"), "cannot open a port to others"),
        (sandbox("ports: [{container: 3000, address: '::'}]"), "cannot open a port to others"),
        ("name: x\nnetworks: {n: {external: others}}\nsandboxes: {a: {image: d, networks: [n]}}\n", "the network `n`"),
        ("name: x\nvolumes: {v: {external: data}}\nsandboxes: {a: {image: d, volumes: ['v:/v']}}\n", "the volume `v`"),
    ],
)
def test_nothing_is_taken_of_others(runner: Runner, text: str, word: str) -> None:
    runner.refuses(text, word)


def test_what_is_harmless_stays(runner: Runner) -> None:
    runner.write("A=1\n", "app.env")
    runner.write("hello\n", "code/main.py")
    runner.write(
        "name: x\nvolumes: {data: }\nsandboxes:\n  a:\n    template: python\n    env_file: app.env\n"
        "    ports: [3000, '127.0.0.1:8080:8080']\n    uploads: [{source: ./code, target: /app}]\n"
        "    volumes: ['data:/data', './code:/code']\n"
    )
    code, shown = runner.call("validate", "--untrusted")
    assert code == 0, shown


def test_grants_of_the_strangers_own_template_count_as_well(runner: Runner) -> None:
    runner.write("name: t\ndescription: T\nimage: debian\ndefaults: {cap_add: [NET_RAW]}\n", "templates/t.yaml")
    runner.refuses("name: x\nsandboxes: {a: {template: t}}\n", "cannot ask for capabilities")
    runner.write(
        "name: t\ndescription: T\nimage: debian\nbootstrap: {suite: bookworm, run: touch /x}\n", "templates/t.yaml"
    )
    runner.refuses("name: x\nsandboxes: {a: {template: t}}\n", "cannot bring a `bootstrap`")


# --- imports ---


def test_an_import_neither_names_the_environment_nor_looks_elsewhere(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    (runner.home / "app.env").write_text("CANARY=$CANARY\n")
    runner.write(
        "name: ${AWS_SECRET_ACCESS_KEY:-plain}\nservices:\n  a:\n    image: debian\n"
        f"    env_file: [{runner.home}/app.env]\n    volumes: ['{runner.home}/.ssh:/x']\n",
        "compose.yaml",
    )
    code, shown = runner.call("import", "compose", "compose.yaml", "--stdout", "--untrusted")
    assert (code, MARK in shown.lower()) == (0, False), shown
    assert "leads out of the project" in shown
    assert MARK in runner.call("import", "compose", "compose.yaml", "--stdout")[1].lower()


@pytest.mark.parametrize("name", ["package.json", "requirements.txt", "Dockerfile", ".env"])
def test_a_strangers_project_is_made_of_its_own_files(runner: Runner, name: str) -> None:
    runner.write("flask\n", "requirements.txt")
    (runner.checkout / name).unlink(missing_ok=True)
    (runner.checkout / name).symlink_to(runner.home / ".pgpass")
    code, shown = runner.call("init", "--from-dir", ".", "--untrusted", "-f", "new.yaml")
    assert (code, MARK in shown) == (1, False), shown
    assert "leads out of the project" in shown


def test_no_pattern_keeps_the_runner_busy(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / ("a" * 250)).write_text("x")
    many = "".join(f"  v{number}: {{default: {'a' * 60}, pattern: (a|a)*b}}\n" for number in range(200))
    (tmp_path / "nexus.yaml").write_text(
        sandbox(f"uploads: [{{source: src, target: /x, ignore: ['{'*a' * 20}b']}}]") + "variables:\n" + many
    )
    done = run_process(tmp_path, "validate", "--untrusted")
    assert done.returncode == 1
    assert "`pattern` takes too long to try" in done.stderr


# --- when it holds ---


def event(tmp_path: Path, head: object, base: object = "me/repository", **more: object) -> str:
    repositories = {"head": {"repo": head and {"full_name": head}}, "base": {"repo": {"full_name": base}}}
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"pull_request": repositories, **more}))
    return str(path)


def pull(name: str, path: str) -> dict[str, str]:
    return {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": path}


GITLAB = {"CI_MERGE_REQUEST_IID": "1", "CI_MERGE_REQUEST_PROJECT_ID": "7"}
BUILDKITE = {"BUILDKITE": "true", "BUILDKITE_PULL_REQUEST": "5", "BUILDKITE_REPO": "git@git.example.org:me/x.git"}

STRANGERS: dict[str, Mapping[str, str]] = {
    "GitLab": {**GITLAB, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "8"},
    "GitLab, source removed": GITLAB,
    "Buildkite": {**BUILDKITE, "BUILDKITE_PULL_REQUEST_REPO": "https://git.example.org/you/x.git"},
    "CircleCI": {"CIRCLECI": "true", "CIRCLE_PR_USERNAME": "you"},
    "Azure": {"SYSTEM_PULLREQUEST_ISFORK": "True"},
    "Travis": {
        "TRAVIS": "true",
        "TRAVIS_PULL_REQUEST": "5",
        "TRAVIS_PULL_REQUEST_SLUG": "you/x",
        "TRAVIS_REPO_SLUG": "me/x",
    },
}
OWN: dict[str, Mapping[str, str]] = {
    "nothing": {},
    "GitHub, a push": {"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": "/nowhere"},
    "GitLab": {**GITLAB, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7"},
    "Buildkite": {**BUILDKITE, "BUILDKITE_PULL_REQUEST_REPO": "https://git.example.org/me/x"},
    "Buildkite, no pull request": {**BUILDKITE, "BUILDKITE_PULL_REQUEST": "false"},
    "CircleCI": {"CIRCLECI": "true"},
    "Azure": {"SYSTEM_PULLREQUEST_ISFORK": "False"},
    "Travis": {
        "TRAVIS": "true",
        "TRAVIS_PULL_REQUEST": "5",
        "TRAVIS_PULL_REQUEST_SLUG": "me/x",
        "TRAVIS_REPO_SLUG": "me/x",
    },
}


def holds(runner: Runner, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, *more: str) -> bool:
    for name in ("GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    runner.write(sandbox("env: {A: '${env.HOME}'}"))
    code, shown = runner.call("validate", *more)
    assert (code == 1) == ("cannot read the variable `HOME`" in shown), shown
    return code == 1


@pytest.mark.parametrize("service", STRANGERS)
def test_it_holds_by_itself_for_a_forks_pull_request(
    runner: Runner, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert holds(runner, STRANGERS[service], monkeypatch)
    assert not holds(runner, STRANGERS[service], monkeypatch, "--trusted")


@pytest.mark.parametrize("service", OWN)
def test_and_for_nothing_else(runner: Runner, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not holds(runner, OWN[service], monkeypatch)


@pytest.mark.parametrize("name", ["pull_request", "pull_request_target", "pull_request_review"])
def test_an_event_of_github_says_whose_it_is(
    runner: Runner, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert holds(runner, pull(name, event(tmp_path, "you/repository")), monkeypatch)
    assert holds(runner, pull(name, event(tmp_path, None)), monkeypatch)
    assert not holds(runner, pull(name, event(tmp_path, "me/repository")), monkeypatch)
    assert not holds(runner, pull(name, event(tmp_path, "Me/Repository")), monkeypatch)


def test_so_does_a_run_after_another(runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for head, stranger in (("you/x", True), ("me/x", False)):
        run = {"workflow_run": {"head_repository": {"full_name": head}}, "repository": {"full_name": "me/x"}}
        assert holds(runner, pull("workflow_run", event(tmp_path, "me/x", **run)), monkeypatch) is stranger


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", "null", '{"pull_request": 1}', '{"pull_request": {"head": {"repo": {"full_name": {}}}}}',
        '{"pull_request": {"head": {"repo": {"full_name": "me/\\u001b[2J"}}, "base": {"repo": {"full_name": "me/x"}}}}',
        "[" * 200_000, '{"a": ' * 100_000,
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_read_is_a_strangers(
    runner: Runner, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "event.json").write_text(text)
    assert holds(runner, pull("pull_request", str(tmp_path / "event.json")), monkeypatch)


def test_nor_is_one_that_is_no_file_or_has_no_end(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    for path in ("", "/nowhere", "/dev/zero", str(tmp_path), str(tmp_path / "pipe"), str(tmp_path / "large")):
        assert holds(runner, pull("pull_request", path), monkeypatch)


@pytest.mark.engine
def test_doctor_says_whether_and_why(runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in pull("pull_request", event(tmp_path, "you/repository")).items():
        monkeypatch.setenv(name, value)
    shown = runner.call("doctor")[1]
    assert "the event `pull_request` comes from you/repository, not from me/repository" in shown
    monkeypatch.delenv("GITHUB_EVENT_NAME")
    checks = json.loads(runner.call("doctor", "--json")[1])["checks"]
    assert next(check for check in checks if check["name"] == "files")["status"] == "ok"


def test_it_is_there_for_every_verb_that_reads_a_file(runner: Runner) -> None:
    verbs = [
        "validate",
        "config",
        "plan",
        "apply",
        "drift",
        "status",
        "output",
        "destroy",
        "lock",
        "logs",
        "exec",
        "unlock",
    ]
    for verb in [[verb] for verb in verbs] + [
        ["import", "compose"],
        ["import", "devcontainer"],
        ["init"],
        ["template", "show"],
    ]:
        shown = runner.call(*verb, "--help")[1]
        for option in ("--untrusted / --trusted", "--allow-env", "--allow-template", "--offline"):
            assert option in shown, verb


def test_as_a_process(tmp_path: Path) -> None:
    keep(tmp_path / "home")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "nexus.yaml").write_text(sandbox("env_file: ~/.ssh/id_rsa"))
    where = event(tmp_path, "you/repository")
    environment = {"HOME": str(tmp_path / "home"), **pull("pull_request", where)}
    done = run_process(tmp_path / "work", "validate", **environment)
    assert done.returncode == 1
    assert "the `env_file` path `~/.ssh/id_rsa` leads out of the project" in done.stderr
    assert "the event `pull_request` comes from you/repository" in done.stderr
    assert MARK not in said(done)
