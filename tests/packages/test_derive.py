"""Images with packages, made by the real engine out of the real indexes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.files.upload import read_file
from nexusctl.engine.docker.images.builder import describe_owner, is_stale, open_builder, remove_stale
from nexusctl.engine.docker.images.host_trust import host_trust
from nexusctl.engine.docker.images.images import derive_image
from nexusctl.errors import NotFound, StepError
from nexusctl.model.plan.plan import DeriveImage
from nexusctl.model.uploads_and_packages import Package, PackageSet
from tests.packages.conftest import write_stack
from tests.packages.inside import builders, config, container, find_in_files, packages, run_in

pytestmark = pytest.mark.engine

SMALL = (PackageSet(manager="npm", packages=(Package(name="ms", version="2.1.3"),)),)
FAILING = (PackageSet(manager="npm", packages=(Package(name="nexusctl-no-such-package"),)),)


def step(tag: str, base: str, wanted: tuple[PackageSet, ...] = SMALL, working_dir: str | None = "/app") -> DeriveImage:
    return DeriveImage(id=tag, subject=tag, tag=tag, base=base, packages=wanted, working_dir=working_dir)


def test_packages_are_installed_once_for_the_same_inputs(wire: Wire, node_image: str, tag: str) -> None:
    told: list[str] = []
    derive_image(wire, step(tag, node_image), told.append)
    first = wire.get(f"/images/{tag}/json")["Id"]
    assert told[0] == "installing ms (npm)"
    assert {phrase.partition("\n")[0] for phrase in told} == {"installing ms (npm)"}
    # A quick one may say all of it in one piece, which is told by its last line.
    assert told[-1].partition("\n")[2], "what npm says last is told, too"
    told.clear()
    derive_image(wire, step(tag, node_image), told.append)
    assert told == []
    assert wire.get(f"/images/{tag}/json")["Id"] == first
    assert packages(wire, tag) == {"npm": {"ms": "2.1.3"}}
    loaded = run_in(wire, tag, ("node", "-p", "require('ms')('2 days')"), "/app")
    assert loaded.output.strip() == "172800000"


def test_two_that_make_the_same_image_at_once_do_not_disturb_each_other(wire: Wire, node_image: str, tag: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: derive_image(wire, step(tag, node_image), print), range(2)))
    assert packages(wire, tag) == {"npm": {"ms": "2.1.3"}}


def test_an_image_on_a_base_that_has_changed_is_made_anew(wire: Wire, node_image: str, tag: str) -> None:
    base = f"nexusctl-test/base-{uuid.uuid4().hex[:8]}:1"
    try:
        made = []
        for marker in ("one", "two"):
            commit(wire, node_image, base, {"Env": [f"MARKER={marker}"]})
            derive_image(wire, step(tag, base), print)
            assert f"MARKER={marker}" in config(wire, tag)["Env"]
            made.append(wire.get(f"/images/{tag}/json")["Id"])
        with pytest.raises(NotFound):
            wire.get(f"/images/{made[0]}/json")
    finally:
        wire.delete(f"/images/{base}", {"force": True})


def test_the_bases_own_configuration_is_kept(wire: Wire, node_image: str, tag: str) -> None:
    base = f"nexusctl-test/base-{uuid.uuid4().hex[:8]}:1"
    own = {
        "Entrypoint": ["/usr/bin/env", "-S"],
        "Cmd": ["node --version"],
        "Env": ["GREETING=hello there"],
        "User": "33:33",
        "WorkingDir": "/srv",
        "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGINT",
        "Labels": {"mine": "kept"},
    }
    commit(wire, node_image, base, own)
    try:
        derive_image(wire, step(tag, base, working_dir=None), print)
        found = config(wire, tag)
        assert {key: found[key] for key in own if key != "Labels"} == {k: v for k, v in own.items() if k != "Labels"}
        assert found["Labels"]["mine"] == "kept"
        assert found["Labels"][labels.ROLE] == ""
        assert not found["OpenStdin"]
        assert run_in(wire, tag, ("node", "-p", "require('ms')('1s')"), "/srv").output.strip() == "1000"
    finally:
        wire.delete(f"/images/{base}", {"force": True})


def test_nothing_of_the_hosts_settings_stays_in_the_image(
    wire: Wire, node_image: str, tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = next(iter(path for path in host_trust().files.items() if path[0].endswith("/ca.pem")), ("", b""))[1]
    (tmp_path / "ca.pem").write_bytes(b"# marker-of-the-bundle\n" + bundle)
    (tmp_path / ".npmrc").write_text("//own.example/:_authToken=marker-of-a-token\n")
    for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "marker-of-a-proxy.example")
    wanted = (*SMALL, PackageSet(manager="apt", packages=(Package(name="tree"),)))
    derive_image(wire, step(tag, node_image, wanted), print)
    assert set(packages(wire, tag)) == {"npm", "apt"}
    words = (b"marker-of-the-bundle", b"marker-of-a-token", b"marker-of-a-proxy", b"NODE_EXTRA_CA_CERTS=")
    # The last stands in node itself; what must not be is a value that this program gave.
    assert find_in_files(wire, tag, *words[:3]) == set()
    left = run_in(
        wire, tag, ("/bin/sh", "-c", "ls -A /dev/nexusctl /var/lib/apt/lists /tmp /root/.npm 2>/dev/null; true")
    )
    assert [line for line in left.output.split() if not line.endswith(":")] == []


def test_a_failed_installation_shows_the_managers_words_and_leaves_nothing(
    wire: Wire, node_image: str, tag: str
) -> None:
    with pytest.raises(StepError) as caught:
        derive_image(wire, step(tag, node_image, FAILING), print)
    problem = caught.value.diagnostics[0]
    assert problem.summary == "npm could not install nexusctl-no-such-package"
    assert any("E404" in line for line in problem.output)
    assert len(problem.output) <= 15
    assert builders(wire) == set()
    with pytest.raises(NotFound):
        wire.get(f"/images/{tag}/json")


def test_an_interrupted_installation_leaves_no_builder(wire: Wire, node_image: str, tag: str) -> None:
    def interrupt(doing: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        derive_image(wire, step(tag, node_image), interrupt)
    assert builders(wire) == set()


def test_an_image_without_the_manager_is_refused_in_words(wire: Wire, base_image: str, tag: str) -> None:
    with pytest.raises(StepError) as caught:
        derive_image(wire, step(tag, base_image), print)
    assert caught.value.diagnostics[0].summary == "npm is not there, so ms cannot be installed"


def test_the_builder_of_a_dead_process_is_removed_and_a_living_ones_stays(wire: Wire, base_image: str) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    with open_builder(wire, base_image, host_trust()) as living:
        owner = json.loads(wire.get(f"/containers/{living.id}/json")["Config"]["Labels"][labels.BUILDER])
        dead = json.dumps({**owner, "pid": int(ended.stdout)})
        marks = {labels.ROLE: "builder", labels.BUILDER: dead}
        left = str(wire.post("/containers/create", {"Image": base_image, "Cmd": ["true"], "Labels": marks})["Id"])
        remove_stale(wire)
        with pytest.raises(NotFound):
            wire.get(f"/containers/{left}/json")
        assert builders(wire) == {living.id}


def test_a_builder_from_another_machine_is_only_removed_when_it_is_old() -> None:
    foreign = json.dumps({"host": "another.example", "pid": os.getpid(), "birth": "x"})
    assert is_stale(foreign, 0.0)
    assert not is_stale(foreign, 4e9)
    assert is_stale("", 0.0)


def test_a_builder_of_another_namespace_of_pids_is_not_taken_for_dead_by_its_number() -> None:
    namespace = str(Path("/proc/self/ns/pid").readlink())
    owner = json.loads(describe_owner())
    assert not is_stale(json.dumps(owner), 4e9)
    assert not is_stale(json.dumps({**owner, "birth": owner["birth"].replace(namespace, "pid:[1]")}), 4e9)


def test_a_lock_of_npm_is_installed_as_it_says(wire: Wire, node_image: str, tag: str, tmp_path: Path) -> None:
    derive_image(wire, step(tag, node_image), print)
    with container(wire, tag) as made:
        for name in ("package.json", "package-lock.json"):
            (tmp_path / name).write_bytes(read_file(wire, made, f"/app/{name}") or b"")
    wire.delete(f"/images/{tag}", {"force": True})
    stack = load(
        write_stack(tmp_path, "name: s\nsandboxes: {a: {template: node, packages: {npm: {from: package-lock.json}}}}")
    )
    derive_image(wire, step(tag, node_image, stack.sandboxes["a"].packages), print)
    assert packages(wire, tag) == {"npm": {"ms": "2.1.3"}}
    assert run_in(wire, tag, ("node", "-p", "require('ms')('1s')"), "/app").output.strip() == "1000"


def test_requirements_of_pip_are_installed_and_not_kept(
    wire: Wire, python_image: str, tag: str, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("six==1.16.0  # the last of its kind\n")
    stack = load(
        write_stack(tmp_path, "name: s\nsandboxes: {a: {template: python, packages: {pip: {from: requirements.txt}}}}")
    )
    derive_image(wire, step(tag, python_image, stack.sandboxes["a"].packages), print)
    assert packages(wire, tag)["pip"]["six"] == "1.16.0"
    assert run_in(wire, tag, ("python", "-c", "import six; print(six.__version__)")).output.strip() == "1.16.0"
    assert run_in(wire, tag, ("ls", "-A", "/tmp")).output == ""


def test_a_version_that_pip_does_not_find_is_named(wire: Wire, python_image: str, tag: str) -> None:
    wanted = (PackageSet(manager="pip", packages=(Package(name="six", version="==99.0"),)),)
    with pytest.raises(StepError) as caught:
        derive_image(wire, step(tag, python_image, wanted), print)
    assert caught.value.diagnostics[0].summary == "pip could not install six==99.0"
    assert any("No matching distribution" in line for line in caught.value.diagnostics[0].output)


def test_a_package_that_apt_does_not_know_is_named(wire: Wire, python_image: str, tag: str) -> None:
    wanted = (PackageSet(manager="apt", packages=(Package(name="nexusctl-no-such-package"),)),)
    with pytest.raises(StepError) as caught:
        derive_image(wire, step(tag, python_image, wanted), print)
    assert caught.value.diagnostics[0].summary == "apt could not install nexusctl-no-such-package"


def commit(wire: Wire, base: str, tag: str, body: dict[str, object]) -> None:
    """An image like `base`, but for `body`."""
    with container(wire, base) as made:
        repository, _, version = tag.rpartition(":")
        wire.post("/commit", body, {"container": made, "repo": repository, "tag": version})


def test_the_host_has_what_these_tests_need() -> None:
    assert shutil.which("mmdebstrap"), "`apt-get install mmdebstrap`: the images are made by it"
