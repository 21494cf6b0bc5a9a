"""Secrets in memory on the real engine: whose they are, what they outlive, and that nothing of them stays."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.create_body import secrets_mount
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.endpoint import connect
from nexusctl.engine.docker.engine import DockerEngine
from nexusctl.engine.docker.files.secret_files import new_folder, open_courier, remove_secrets
from nexusctl.errors import EngineError, EngineUnreachable, StepError
from nexusctl.model.secret import Secret, SecretFile, SecretUse
from tests.engine.workshop import Workshop, list_remains, text

pytestmark = pytest.mark.engine

PIN = SecretFile(secret="pin", name="pin", digest="scrypt:01")
LONG = SecretFile(secret="long", name="long", digest="scrypt:02")
VALUES = {"pin": b"4711", "long": os.urandom(65536)}


def reveal(use: SecretUse | SecretFile) -> Secret:
    return Secret(VALUES[use.secret])


def folder_of(wire: Wire, container_id: str) -> Path:
    """The folder on the host; the tests run beside their engine."""
    name = wire.get(f"/containers/{container_id}/json")["Config"]["Labels"][labels.SECRETS]
    return Path("/dev/shm/nexusctl") / name


def ask(shop: Workshop, container_id: str, script: str) -> str:
    outcome = shop.engine.run_script(container_id, script)
    assert outcome.exit_code == 0, outcome.output
    return outcome.output.strip()


@pytest.mark.parametrize(
    ("user", "owner"), [(None, "0:0"), ("daemon", "1:1"), ("1234:5", "1234:5"), ("4242", "4242:0")]
)
def test_a_secret_belongs_to_the_user_of_its_sandbox_and_nobody_else_reads_it(
    shop: Workshop, user: str | None, owner: str
) -> None:
    container_id = shop.start(shop.sandbox(secrets=(PIN, LONG), user=user), reveal=reveal)
    assert ask(shop, container_id, "stat -c '%a %u:%g %s' /run/secrets/pin") == f"400 {owner} 4"
    assert ask(shop, container_id, "cat /run/secrets/pin; sha256sum </run/secrets/long") == (
        f"4711{sha256(VALUES['long'])}  -"
    )
    assert "Read-only" in shop.engine.run_script(container_id, "touch /run/secrets/x || true").output


def test_a_user_that_comes_with_an_upload_is_known(shop: Workshop) -> None:
    accounts = text("/etc/passwd", "root:x:0:0::/:/bin/sh\nnew:x:777:778::/:/bin/sh\n", owner="root")
    container_id = shop.start(shop.sandbox(secrets=(PIN,), user="new", uploads=(accounts,)), reveal=reveal)
    assert ask(shop, container_id, "stat -c '%u:%g' /run/secrets/pin; cat /run/secrets/pin") == "777:778\n4711"


def test_a_user_that_nobody_knows_is_named_and_nothing_stays(shop: Workshop, wire: Wire) -> None:
    before = set(Path("/dev/shm/nexusctl").glob("*"))
    with pytest.raises(StepError, match="no user nobody-here"):
        shop.create(shop.sandbox(secrets=(PIN,), user="nobody-here"), reveal=reveal)
    assert shop.observe().sandboxes == ()
    assert shop.observe().orphans == ()
    nothing_came(before)


def test_an_image_without_a_shell_and_without_accounts_gets_its_secrets(shop: Workshop, wire: Wire) -> None:
    image = import_empty_image(wire, shop.stack)
    try:
        container_id = shop.create(shop.sandbox(image=image, command=("/none",), secrets=(PIN,)), reveal=reveal)
        folder = folder_of(wire, container_id)
        assert (folder / "pin").read_bytes() == b"4711"
        assert (folder / "pin").stat().st_mode & 0o777 == 0o400
        shop.engine.remove_container(container_id)
        assert not folder.exists()
    finally:
        wire.delete(f"/images/{image}", {"force": True})


def test_no_user_of_the_host_gets_near_a_secret(shop: Workshop, wire: Wire) -> None:
    folder = folder_of(wire, shop.start(shop.sandbox(secrets=(PIN,), user="1000"), reveal=reveal))
    top = folder.parent.stat()
    assert (top.st_mode & 0o777, top.st_uid) == (0o700, 0)
    assert mount_type(folder) == "tmpfs"


def test_secrets_are_there_again_after_a_restart_and_after_a_crash(shop: Workshop, wire: Wire) -> None:
    crashing = ("sh", "-c", "cat /run/secrets/pin; echo; sleep 0.2; kill -9 $$")
    container_id = shop.start(shop.sandbox(secrets=(PIN,), command=crashing, restart="always"), reveal=reveal)
    shop.await_condition(container_id, lambda _: wire.get(f"/containers/{container_id}/json")["RestartCount"] >= 2)
    shop.engine.stop_container(container_id)
    printed = b"".join(chunk.data for chunk in shop.engine.logs(container_id))
    assert set(printed.split()) == {b"4711"}

    quiet = shop.start(shop.sandbox("b", secrets=(PIN,)), reveal=reveal)
    wire.post(f"/containers/{quiet}/restart", query={"t": 0})
    assert ask(shop, quiet, "cat /run/secrets/pin") == "4711"


def test_a_secret_changes_under_a_running_sandbox(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(secrets=(PIN, LONG), user="daemon"), reveal=reveal)
    shop.engine.put_secrets(container_id, (PIN,), lambda use: Secret(b"0815"), ("long",))
    assert ask(shop, container_id, "cat /run/secrets/pin; ls /run/secrets; stat -c %U /run/secrets/pin") == (
        "0815pin\ndaemon"
    )


def test_without_its_secrets_a_sandbox_does_not_start_and_a_look_inside_says_nothing_wrong(
    shop: Workshop, wire: Wire
) -> None:
    """That is what a restart of the host leaves."""
    sandbox = shop.sandbox(secrets=(PIN,), uploads=(text("/srv/x", "x"),))
    container_id = shop.start(sandbox, reveal=reveal)
    shop.engine.stop_container(container_id)
    shutil.rmtree(folder_of(wire, container_id))
    with pytest.raises(EngineError):
        shop.engine.start_container(container_id)
    live = shop.engine.look_inside(replace(shop.observe(), sandboxes=(shop.look(container_id),)))
    assert live.sandboxes[0].interior is None
    shop.engine.put_secrets(container_id, sandbox.secrets, reveal)
    shop.engine.start_container(container_id)
    assert ask(shop, container_id, "cat /run/secrets/pin /srv/x") == "4711x"


@pytest.mark.parametrize("state", ["created", "running", "paused", "exited"])
def test_with_its_sandbox_a_secret_goes(shop: Workshop, wire: Wire, state: str) -> None:
    container_id = shop.create(shop.sandbox(secrets=(PIN,)), reveal=reveal)
    folder = folder_of(wire, container_id)
    if state != "created":
        shop.engine.start_container(container_id)
    if state == "paused":
        wire.post(f"/containers/{container_id}/pause")
    if state == "exited":
        shop.engine.stop_container(container_id)
    assert folder.is_dir()
    shop.engine.remove_container(container_id)
    assert not folder.exists()
    assert shop.observe().orphans == ()


def test_a_copy_of_the_container_does_not_take_the_secrets_with_it(shop: Workshop, wire: Wire) -> None:
    container_id = shop.start(shop.sandbox(secrets=(PIN,)), reveal=reveal)
    folder = folder_of(wire, container_id)
    copy = wire.get(f"/containers/{container_id}/json")
    made = wire.post("/containers/create", {**copy["Config"], "HostConfig": {}}, {"name": f"{shop.stack}_copy"})["Id"]
    shop.engine.remove_container(made)
    assert ask(shop, container_id, "cat /run/secrets/pin") == "4711"
    shop.engine.remove_container(container_id)
    assert not folder.exists()


class Dying(Wire):
    """An engine that stops answering at the nth call whose path ends with `ending`."""

    def __init__(self, wire: Wire, method: str, ending: str) -> None:
        super().__init__(wire.endpoint)
        self.method, self.ending, self.dead = method, ending, False

    def open(self, method: str, path: str, *rest: Any, **more: Any) -> Any:
        if self.dead or (method == self.method and path.endswith(self.ending)):
            self.dead = True
            raise EngineUnreachable("it does not answer")
        return super().open(method, path, *rest, **more)


@pytest.mark.parametrize("call", [("PUT", "/archive"), ("POST", "/containers/create"), ("GET", "/json")])
def test_what_a_dying_engine_leaves_is_found_and_removed_with_the_secrets(
    shop: Workshop, wire: Wire, call: tuple[str, str]
) -> None:
    before = set(Path("/dev/shm/nexusctl").glob("*"))
    dying = replace(shop, engine=DockerEngine(Dying(wire, *call)))
    with pytest.raises(EngineUnreachable):
        dying.create(shop.sandbox(secrets=(PIN,)), reveal=reveal)
    for sandbox in shop.observe().sandboxes:
        shop.engine.remove_container(sandbox.id)
    for orphan in shop.observe().orphans:
        shop.remove_orphan(orphan)
    assert shop.observe().orphans == ()
    nothing_came(before)
    assert list_remains(shop.engine, shop.stack) == []


def test_secrets_of_a_container_that_was_removed_by_hand_are_found_and_removed(shop: Workshop, wire: Wire) -> None:
    kept = shop.start(shop.sandbox("kept", secrets=(PIN,)), reveal=reveal)
    gone = shop.start(shop.sandbox("gone", secrets=(PIN,)), reveal=reveal)
    folder = folder_of(wire, gone)
    assert shop.observe().orphans == ()
    wire.delete(f"/containers/{gone}", {"force": True})
    (orphan,) = shop.observe().orphans
    assert orphan.kind == "secrets"
    for _ in range(2):
        shop.engine.remove_secrets(orphan.name)
    assert not folder.exists()
    assert shop.observe().orphans == ()
    assert ask(shop, kept, "cat /run/secrets/pin") == "4711"


def test_secrets_go_though_an_image_goes_between_the_list_of_all_and_the_use_of_it(shop: Workshop, wire: Wire) -> None:
    container_id = shop.start(shop.sandbox(secrets=(PIN,)), reveal=reveal)
    folder = folder_of(wire, container_id)
    wire.delete(f"/containers/{container_id}", {"force": True})
    (orphan,) = shop.observe().orphans
    remove_secrets(Outdated(wire.endpoint), orphan.name)
    assert not folder.exists()


def test_secrets_whose_container_is_there_stay_though_somebody_asks_to_remove_them(shop: Workshop, wire: Wire) -> None:
    container_id = shop.start(shop.sandbox(secrets=(PIN,)), reveal=reveal)
    wire.delete(f"/containers/{container_id}", {"force": True})
    (orphan,) = shop.observe().orphans
    folder = {labels.SECRETS: orphan.name.rpartition("_")[2], labels.ROLE: "sandbox", labels.STACK: shop.stack}
    mounts = [secrets_mount(folder[labels.SECRETS])]
    body = {"Image": shop.image, "Labels": folder, "Cmd": ["true"], "HostConfig": {"Mounts": mounts}}
    copy = wire.post("/containers/create", body, {"name": f"{shop.stack}_copy"})["Id"]
    shop.engine.remove_secrets(orphan.name)
    assert (folder_of(wire, copy) / "pin").read_bytes() == b"4711"
    shop.engine.remove_container(copy)
    assert shop.observe().orphans == ()


def test_a_record_that_was_pruned_is_there_again_once_secrets_were_written(shop: Workshop, wire: Wire) -> None:
    container_id = shop.start(shop.sandbox(secrets=(PIN,)), reveal=reveal)
    folder = folder_of(wire, container_id)
    wire.delete(f"/volumes/nexusctl_secrets_{folder.name}")
    shop.engine.put_secrets(container_id, (PIN,), reveal)
    wire.delete(f"/containers/{container_id}", {"force": True})
    for orphan in shop.observe().orphans:
        shop.remove_orphan(orphan)
    assert not folder.exists()


def test_a_courier_that_is_left_keeps_the_folder_of_a_sandbox_and_takes_that_of_none(
    shop: Workshop, wire: Wire
) -> None:
    container_id = shop.start(shop.sandbox(secrets=(PIN,)), reveal=reveal)
    folder = folder_of(wire, container_id)
    lonely = folder.with_name(new_folder())
    for name in (folder.name, lonely.name):
        leave_courier(wire, shop, name)
    orphans = shop.observe().orphans
    assert [orphan.kind for orphan in orphans] == ["courier", "courier"]
    for orphan in orphans:
        shop.engine.remove_courier(orphan.name)
        shop.engine.remove_courier(orphan.name)
    assert shop.observe().orphans == ()
    assert (folder.is_dir(), lonely.exists()) == (True, False)
    assert ask(shop, container_id, "cat /run/secrets/pin") == "4711"


class Surviving(Wire):
    """An engine that removes nothing."""

    def delete(self, path: str, query: Any = None) -> Any:
        raise EngineError("not now")


class Outdated(Wire):
    """The list of its images begins with one that somebody has removed since."""

    def get(self, path: str, query: Any = None) -> Any:
        found = super().get(path, query)
        gone = {"Id": f"sha256:{'0' * 64}", "RepoTags": ["gone:1"], "RepoDigests": []}
        return [gone, *found] if path == "/images/json" else found


def leave_courier(wire: Wire, shop: Workshop, folder: str) -> None:
    with open_courier(Surviving(wire.endpoint), shop.stack, [shop.image], folder) as courier:
        courier.make_folder()


def nothing_came(before: set[Path]) -> None:
    # The folder of another test is seen a moment before its container is, and one that goes a moment after it.
    limit = time.monotonic() + 240
    while left := mine(before):
        assert time.monotonic() < limit, left
        time.sleep(0.1)


def mine(before: set[Path]) -> set[Path]:
    """Folders that came since `before` and that no container of anybody else has."""
    return {path for path in set(Path("/dev/shm/nexusctl").glob("*")) - before if not in_use(path) and path.exists()}


def in_use(path: Path) -> bool:
    query = {"all": True, "filters": {"label": [f"{labels.SECRETS}={path.name}"]}}
    return bool(connect().get("/containers/json", query))


def mount_type(path: Path) -> str:
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    return max((place, kind) for place, kind in mounts if f"{path}/".startswith(f"{place.rstrip('/')}/"))[1]


def import_empty_image(wire: Wire, name: str) -> str:
    """An image with nothing in it but a file."""
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("only"))
    query = {"fromSrc": "-", "repo": f"nexusctl-test/{name}", "tag": "empty"}
    wire.open("POST", "/images/create", query, tape.getvalue(), content_type="application/x-tar").read()
    return f"nexusctl-test/{name}:empty"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
