"""What the managers are told and how their answers are read: data in, data out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nexusctl.engine.docker.images.install import cache_volumes, describe, explain, last_lines
from nexusctl.model.uploads_and_packages import Package, PackageSet, UploadFile
from nexusctl.packages import MANAGERS

PIP_404 = """\
Collecting flask
ERROR: Could not find a version that satisfies the requirement no-such-thing==1 (from versions: none)
ERROR: No matching distribution found for no-such-thing==1
"""
NPM_404 = """\
npm error code E404
npm error 404 Not Found - GET https://index.example/@team%2fno-such
npm error 404
npm error 404  '@team/no-such@^1' is not in this registry.
npm error A complete log of this run can be found in: /root/.npm/_logs/x.log
"""


def listed(manager: str, *texts: str) -> PackageSet:
    packages = tuple(Package(name=name, version=version) for name, _, version in (t.partition("|") for t in texts))
    return PackageSet(manager=manager, packages=packages)  # type: ignore[arg-type]


def locked(manager: str, name: str) -> PackageSet:
    file = UploadFile(path=name, digest="0" * 64, mode=0o644, size=1)
    return PackageSet(manager=manager, lock_name=name, lock_files=(file,))  # type: ignore[arg-type]


def test_each_manager_goes_by_its_name() -> None:
    assert {name: manager.name for name, manager in MANAGERS.items()} == {
        n: n for n in ("npm", "pnpm", "pip", "uv", "apt")
    }


@pytest.mark.parametrize(
    ("packages", "arguments"),
    [
        (listed("npm", "express", "@team/lib|^2"), ("[]", "install", "express", "@team/lib@^2")),
        (listed("pip", "flask", "requests[socks]|>=2,<3"), ("install", "flask", "requests[socks]>=2,<3")),
        (listed("pnpm", "express", "@team/lib|^2"), ("add", "express", "@team/lib@^2")),
        (listed("apt", "git", "curl|7.88.1-10"), ("git", "curl=7.88.1-10")),
    ],
)
def test_names_and_versions_are_arguments_and_never_code(packages: PackageSet, arguments: tuple[str, ...]) -> None:
    command = MANAGERS[packages.manager].install(packages)
    assert command[:2] == ("/bin/sh", "-ec")
    assert command[4:] == arguments
    assert not any(argument in command[2] for argument in arguments if argument not in ("[]", "install", "add"))


@pytest.mark.parametrize("manager", ["npm", "pnpm", "pip", "uv", "apt"])
def test_they_are_no_code_either_where_fetching_and_running_are_two_steps(manager: str) -> None:
    asked = listed(manager, "$(touch x)", "b|=1; touch y")
    for command in (MANAGERS[manager].fetch(asked, "/place"), MANAGERS[manager].settle(asked, "/place")):
        assert command[:2] == ("/bin/sh", "-ec")
        assert "touch" not in command[2]


def test_a_lock_is_installed_the_way_the_manager_installs_locks() -> None:
    assert MANAGERS["npm"].install(locked("npm", "package-lock.json"))[4:] == ("[]", "ci")
    assert MANAGERS["pip"].install(locked("pip", "reqs.txt"), "/x/reqs.txt")[4:] == ("install", "-r", "/x/reqs.txt")
    with pytest.raises(ValueError, match="no lock"):
        MANAGERS["apt"].install(locked("apt", "x"))


def test_npm_is_told_how_to_install_wherever_it_may_bring_something() -> None:
    npm, said = MANAGERS["npm"], ("--omit=dev", "--omit=peer")
    asked = replace(listed("npm", "ms|2", "pg"), ignore_scripts=True, omit=("dev", "peer"))
    assert npm.install(asked)[4:] == ("all", "install", *said, "ms@2", "pg")
    assert npm.fetch(asked, "/place")[6:] == ("all", "install", *said, "ms@2", "pg")
    assert npm.change(asked, asked.packages[:1])[4:] == ("all", "install", *said, "ms@2")
    without = (*said, "--ignore-scripts", "old")
    assert npm.remove(asked, ["old", "ms > old"])[4:] == ("1", "node_modules/ms/node_modules/old", *without)
    assert npm.remove(asked, ["ms > old"])[4:] == ("1", "node_modules/ms/node_modules/old")
    lock = replace(locked("npm", "package-lock.json"), ignore_scripts=True, omit=("dev", "peer"))
    assert npm.install(lock)[4:] == ("all", "ci", *said)
    assert npm.change(lock, (), "/app/.stage/package-lock.json")[4:7] == ("/app/.stage", "all", " ".join(said))
    as_usual = npm.change(locked("npm", "package-lock.json"), (), "/app/.stage/package-lock.json")
    assert as_usual[4:] == ("/app/.stage", "[]", "", "package-lock.json")
    some = replace(listed("npm", "ms"), ignore_scripts=("bcrypt", "pg"))
    assert npm.install(some)[4:] == ('["bcrypt", "pg"]', "install", "ms")


def test_what_npm_says_is_there_counts_for_what_was_asked() -> None:
    answer = json.dumps({"dependencies": {"express": {"version": "5.1.0"}, "other": {"version": "1.0.0"}, "gone": {}}})
    assert MANAGERS["npm"].read(answer, listed("npm", "express|^5")) == (Package(name="express", version="5.1.0"),)
    found = MANAGERS["npm"].read(answer, locked("npm", "package-lock.json"))
    assert [package.name for package in found] == ["express", "other"]


def test_pip_finds_a_package_under_all_its_spellings_and_after_warnings() -> None:
    answer = "WARNING: old\n" + json.dumps(
        [{"name": "Typing_Extensions", "version": "4"}, {"name": "b", "version": "1"}]
    )
    found = MANAGERS["pip"].read(answer, listed("pip", "typing.extensions[x]|>=4"))
    assert found == (Package(name="Typing_Extensions", version="4"),)


def test_an_inventory_that_has_versions_answers_for_a_list_and_never_for_a_lock() -> None:
    lines = "WARNING: old\nTyping_Extensions==4\nother==1\ndeeper\n"
    asked = listed("pip", "typing.extensions[x]|>=4", "deeper")
    assert MANAGERS["pip"].find(lines, asked) == (Package(name="Typing_Extensions", version="4"),)
    assert MANAGERS["npm"].find(lines, listed("npm", "other", "deeper")) == (Package(name="other", version="1"),)
    assert MANAGERS["npm"].find(lines, locked("npm", "package-lock.json")) is None
    assert MANAGERS["npm"].find(lines, replace(listed("npm", "other"), lock_name="package-lock.json")) is None
    assert MANAGERS["apt"].find(lines, listed("apt", "other")) is None


def test_apt_is_asked_for_versions_and_passes_over_what_has_none() -> None:
    found = MANAGERS["apt"].read("git\t1:2.39\nvirtual\t\nadduser\t3.1\n", listed("apt", "git", "virtual", "adduser"))
    assert found == (Package(name="adduser", version="3.1"), Package(name="git", version="1:2.39"))


@pytest.mark.parametrize("manager", ["npm", "pip"])
def test_an_answer_that_is_none_is_refused(manager: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (json's own words)
        MANAGERS[manager].read("Segmentation fault", listed(manager, "x"))


@pytest.mark.parametrize(
    ("manager", "output", "package"),
    [
        ("npm", NPM_404, "@team/no-such"),
        ("npm", "npm error notarget No matching version found for express@99.\n", "express@99"),
        ("npm", "npm error path /app/node_modules/@a/native\nnpm error command failed\n", "@a/native"),
        ("pip", PIP_404, "no-such-thing==1"),
        ("apt", "E: Unable to locate package no-such\n", "no-such"),
        ("apt", "E: Package 'old' has no installation candidate\n", "old"),
        ("apt", "E: Version '9' for 'git' was not found\n", "git"),
    ],
)
def test_the_package_that_fails_is_named(manager: str, output: str, package: str) -> None:
    problem = explain(MANAGERS[manager], listed(manager, "some", "list"), 1, output)
    assert problem.summary == f"{manager} could not install {package}"
    assert problem.hint


def test_a_failure_without_a_name_says_what_was_to_be_installed() -> None:
    problem = explain(MANAGERS["npm"], listed("npm", "a", "b", "c", "d"), 1, "killed\n")
    assert problem.summary == "npm could not install a, b, c, ..."
    assert problem.output == ("killed",)


def test_an_image_without_the_manager_is_told_apart_from_a_failed_install() -> None:
    problem = explain(MANAGERS["npm"], listed("npm", "a"), 127, "sh: 1: npm: not found\n")
    assert problem.summary == "npm is not there, so a cannot be installed"


@pytest.mark.parametrize(
    ("output", "word"),
    [
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", "SSL_CERT_FILE"),
        ("npm error code EAI_AGAIN", "HTTP_PROXY"),
        ("Could not connect to 10.0.0.1:80", "HTTP_PROXY"),
    ],
)
def test_a_network_that_is_not_as_expected_gets_a_hint(output: str, word: str) -> None:
    assert word in (explain(MANAGERS["npm"], listed("npm", "a"), 1, output).hint or "")


def test_the_last_lines_are_without_colours_and_noise() -> None:
    output = "\x1b[31mnpm error\x1b[0m boom\n\nnpm error\nnpm notice new version\n"
    assert last_lines(output, manager=MANAGERS["npm"]) == ("npm error boom",)
    assert len(last_lines("".join(f"{'x' * number}\n" for number in range(1, 101)))) == 15


def test_a_long_list_is_shortened_for_people() -> None:
    assert describe(listed("pip", "a", "b", "c")) == "a, b, c"
    assert describe(listed("pip", "a", "b", "c", "d")) == "a, b, c, ..."
    assert describe(locked("npm", "package-lock.json")) == "package-lock.json"


def test_only_managers_that_keep_downloads_get_a_cache() -> None:
    sets = [listed("npm", "a"), listed("apt", "b"), listed("pip", "c")]
    volumes = cache_volumes(sets, {"Id": "sha256:0123456789abcdef"})
    assert set(volumes) == {"nexusctl_fetched_npm_0123456789ab", "nexusctl_fetched_pip_0123456789ab"}
    assert all(folder.startswith("/dev/") for folder in volumes.values())


NPM_BUILD = """\
npm error code 1
npm error path /app/node_modules/unix-dgram
npm error command failed
npm error command sh -c node-gyp rebuild
npm error gyp info it worked if it ends with ok
npm error gyp ERR! find Python Python is not set from command line or npm configuration
npm error gyp ERR! stack Error: Could not find any Python installation to use
npm error gyp ERR! not ok
"""
NPM_HEADERS = """\
npm error code 1
npm error path /app/node_modules/unix-dgram
npm error command failed
npm error gyp http GET https://nodejs.org/download/release/v22.1.0/node-v22.1.0-headers.tar.gz
npm error gyp ERR! stack FetchError: request to https://nodejs.org/x failed, reason: getaddrinfo ENOTFOUND nodejs.org
npm error gyp ERR! not ok
"""
NPM_MAKE = """\
npm error code 1
npm error path /app/node_modules/@team/lib
npm error gyp ERR! stack Error: not found: make
npm error gyp ERR! not ok
"""
NPM_SCRIPT = """\
npm ERR! code 7
npm ERR! path /app/node_modules/postgres-thing
npm ERR! command sh -c ./fetch.sh
npm ERR! fetch.sh: ECONNREFUSED by the mirror
"""
NPM_NETWORK = """\
npm error code ENOTFOUND
npm error network request to https://index.example/express failed, reason: getaddrinfo ENOTFOUND index.example
"""
PIP_BUILD = """\
      error: command 'gcc' failed: No such file or directory
  ERROR: Failed building wheel for uwsgi
WARNING: Retrying after connection broken by 'NewConnectionError'
"""


@pytest.mark.parametrize(
    ("manager", "output", "package", "word"),
    [
        ("npm", NPM_BUILD, "unix-dgram", "apt: [build-essential]"),
        ("npm", NPM_HEADERS, "unix-dgram", "header files"),
        ("npm", NPM_MAKE, "@team/lib", "apt: [build-essential]"),
        ("npm", NPM_SCRIPT, "postgres-thing", "install script"),
        ("pip", PIP_BUILD, "uwsgi", "apt: [build-essential]"),
    ],
)
def test_a_failed_build_is_not_blamed_on_the_index(manager: str, output: str, package: str, word: str) -> None:
    problem = explain(MANAGERS[manager], listed(manager, "x"), 1, output)
    assert package in problem.summary
    assert problem.hint
    assert word in problem.hint
    assert "HTTP_PROXY" not in problem.hint


def test_an_index_that_is_not_found_still_is() -> None:
    problem = explain(MANAGERS["npm"], listed("npm", "express"), 1, NPM_NETWORK)
    assert problem.hint
    assert "HTTP_PROXY" in problem.hint
