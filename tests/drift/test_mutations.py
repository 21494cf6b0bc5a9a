"""What is changed behind nexusctl's back is named, exactly that and nothing else, and then put right.

Every row changes the same stack on the real engine, and leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from nexusctl.engine import labels
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run
from nexusctl.model.secret import withhold
from tests.drift.scene import Finding, Scene, findings, lay_out

pytestmark = pytest.mark.engine

STACK = """
name: NAME
volumes: {spare: {}, data: {}}
networks: {back: {}}
secrets: {key: {file: ./key.txt}}
sandboxes:
  api:
    image: IMAGE
    command: &wait [bash, -c, 'trap "exit 0" TERM; trap "exit 7" USR1; while :; do sleep 0.2; done']
    uploads:
      - {source: ./src, target: /srv/app, ignore: ["*.log", "tmp/"]}
      - {content: "one\\n", target: /etc/api.conf, mode: "0640", owner: "33:33"}
    volumes: ["data:/srv/app/data"]
    resources: {memory: 64m, cpus: 0.5, pids: 100}
    restart: "no"
    networks: [default, back]
  web:
    image: MOVING
    command: [bash, -c, 'touch /run/well; trap "exit 0" TERM; while :; do sleep 0.2; done']
    health: {command: [test, -e, /run/well], interval: 1s, timeout: 60s, retries: 1, start_period: 2m}
  keeper:
    image: IMAGE
    command: *wait
    secrets: [key]
  worker:
    image: IMAGE
    command: *wait
    replicas: 2
"""

MINE = """
  mine:
    image: IMAGE
    user: daemon
    command: [sleep, infinity]
    uploads: [{source: ./home, target: /srv/mine, mode: "0600"}]
"""

FILES = {"server.js": "serve()\n", "lib/a.js": "a\n", "lib/b.js": "b\n"}


@dataclass(frozen=True)
class Row:
    """`mutate` does it; `expected` are the findings of the deep plan."""

    name: str
    mutate: Callable[[Scene], None]
    expected: set[Finding]


def field_of(name: str, *, sandbox: str = "api", action: str = "update", cause: str = "drifted") -> set[Finding]:
    return {(f"sandbox {sandbox}", action, name, cause)}


def whole(action: str, *, sandbox: str = "api", cause: str = "drifted") -> set[Finding]:
    return {(f"sandbox {sandbox}", action, "", cause)}


def inside(script: str, sandbox: str = "api") -> Callable[[Scene], None]:
    return lambda scene: scene.inside(sandbox, script) and None


def limit(**body: object) -> Callable[[Scene], None]:
    return lambda scene: scene.post("api", "update", body)


def exit_by_itself(scene: Scene) -> None:
    scene.post("api", "kill", signal="USR1")
    scene.await_state("api", "exited")


def kill(scene: Scene) -> None:
    scene.post("api", "kill")
    scene.await_state("api", "exited")


def sicken(scene: Scene) -> None:
    scene.await_state("web", "healthy")
    scene.inside("web", "rm /run/well")
    scene.await_state("web", "unhealthy")


def remove(sandbox: str) -> Callable[[Scene], None]:
    return lambda scene: scene.remove_container(scene.id(sandbox))


def disconnect(scene: Scene) -> None:
    scene.wire.post(f"/networks/{scene.network('back')}/disconnect", {"Container": scene.id("api")})


def connect_foreign(scene: Scene) -> None:
    scene.wire.post("/networks/bridge/connect", {"Container": scene.id("api")})


def lose_network(scene: Scene) -> None:
    disconnect(scene)
    scene.wire.delete(f"/networks/{scene.network('back')}")


def lose_volume(scene: Scene) -> None:
    scene.wire.delete(f"/volumes/{scene.volume('spare')}")


def lose_volume_and_sandbox(scene: Scene) -> None:
    scene.remove_container(scene.id("api"))
    scene.wire.delete(f"/volumes/{scene.volume('data')}")


def move_tag(scene: Scene) -> None:
    repository, _, tag = scene.stack.sandboxes["web"].image.rpartition(":")
    scene.wire.post(
        "/commit", {"Labels": {"moved": uuid4().hex}}, {"container": scene.id("web"), "repo": repository, "tag": tag}
    )


def lose_amendment(scene: Scene) -> None:
    change_and_forget(scene, "64m", "96m")


def change_and_forget(scene: Scene, before: str, after: str) -> None:
    scene.file.write_text(scene.file.read_text().replace(before, after))
    scene.apply()
    wanted = {"filters": {"label": [f"{labels.ROLE}=amendment", f"{labels.CONTAINER}={scene.id('api')}"]}}
    (amendment,) = scene.wire.get("/volumes", wanted)["Volumes"]
    scene.wire.delete(f"/volumes/{amendment['Name']}")


ROWS = [
    Row("removed", remove("api"), whole("create", cause="new")),
    Row("stopped", lambda scene: scene.post("api", "stop", t=5), whole("start")),
    Row("paused", lambda scene: scene.post("api", "pause"), whole("resume")),
    Row("killed", kill, whole("start")),
    Row("exited by itself", exit_by_itself, whole("start")),
    Row("unhealthy", sicken, whole("start", sandbox="web")),
    Row("renamed", lambda scene: scene.post("api", "rename", name=f"other-{uuid4().hex[:8]}"), whole("rename")),
    Row("memory limit", limit(Memory=2**27, MemorySwap=2**27), field_of("resources.memory")),
    Row("cpu limit", limit(CpuPeriod=100_000, CpuQuota=100_000), field_of("resources.cpus")),
    Row("limit of processes", limit(PidsLimit=50), field_of("resources.pids")),
    Row("restart policy", limit(RestartPolicy={"Name": "always"}), field_of("restart")),
    Row("network disconnected", disconnect, field_of("networks.back")),
    Row("foreign network", connect_foreign, field_of("networks.bridge")),
    Row("network missing", lose_network, {("network back", "create", "", "drifted"), *field_of("networks.back")}),
    Row("volume missing", lose_volume, {("volume spare", "create", "", "new")}),
    Row(
        "volume missing with its sandbox",
        lose_volume_and_sandbox,
        {("volume data", "create", "", "new"), *whole("create", cause="new")},
    ),
    Row("file edited", inside("echo more >> /srv/app/server.js"), field_of("uploads./srv/app/server.js")),
    Row("file of the same size", inside("printf 'x\\n' > /srv/app/lib/a.js"), field_of("uploads./srv/app/lib/a.js")),
    Row("file deleted", inside("rm /srv/app/lib/b.js"), field_of("uploads./srv/app/lib/b.js")),
    Row("file with another mode", inside("chmod 777 /etc/api.conf"), field_of("uploads./etc/api.conf")),
    Row("file with another owner", inside("chown 0:0 /etc/api.conf"), field_of("uploads./etc/api.conf")),
    Row(
        "file replaced by a link",
        inside("ln -sf /etc/hostname /srv/app/lib/a.js"),
        field_of("uploads./srv/app/lib/a.js"),
    ),
    Row("folder with another mode", inside("chmod 700 /srv/app/lib"), field_of("uploads./srv/app/lib")),
    Row("file added", inside("echo x > /srv/app/lib/evil.js"), field_of("uploads./srv/app/lib/evil.js")),
    Row(
        "folder added",
        inside("mkdir -p /srv/app/extra/deep && echo x > /srv/app/extra/deep/y"),
        field_of("uploads./srv/app/extra"),
    ),
    Row(
        "secret file gone",
        lambda scene: scene.engine.put_secrets(scene.id("keeper"), (), withhold, ("key",)),
        field_of("secrets.key", sandbox="keeper"),
    ),
    Row("image tag moved", move_tag, field_of("image", sandbox="web", action="replace")),
    Row(
        "two containers claim one sandbox",
        lambda scene: scene.clone("worker-1", name=f"copy-{uuid4().hex[:8]}", claims="worker-1"),
        whole("remove", sandbox="worker-1", cause="superseded"),
    ),
    Row("a replica too few", remove("worker-2"), whole("create", sandbox="worker-2", cause="new")),
    Row(
        "a replica too many",
        lambda scene: scene.clone("worker-2", name=scene.container("worker-3"), claims="worker-3"),
        whole("remove", sandbox="worker-3", cause="removed"),
    ),
    Row("amendment lost", lose_amendment, field_of("resources.memory", cause="changed")),
]

QUIET = {
    "what an upload ignores": "mkdir -p /srv/app/tmp && touch /srv/app/x.log /srv/app/tmp/y",
    "what tools make beside sources": "mkdir -p /srv/app/node_modules/x /srv/app/lib/__pycache__ /srv/app/.cache",
    "what lies in a volume": "touch /srv/app/data/rows",
    "what lies beside an uploaded file": "touch /etc/other.conf",
    "a file that was only read": "cat /srv/app/server.js",
}


@pytest.fixture(scope="module")
def scene(wire: Wire, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    name = f"drift-{uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("drift")
    moving = f"nexusctl-test/{name}:1"
    wire.post(f"/images/{base_image}/tag", query={"repo": moving.rpartition(":")[0], "tag": "1"})
    lay_out(folder, {"key.txt": "4711\n", **{f"src/{path}": content for path, content in FILES.items()}})
    (folder / "nexus.yaml").write_text(
        STACK.replace("NAME", name).replace("IMAGE", base_image).replace("MOVING", moving)
    )
    scene = Scene(wire, folder / "nexus.yaml")
    try:
        scene.apply()
        yield scene
    finally:
        scene.destroy()
        wire.delete(f"/images/{moving}", {"force": True})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_change_by_hand_is_named_and_put_right(row: Row, scene: Scene) -> None:
    scene.require_quiet()
    row.mutate(scene)
    scene.put_right(row.expected)
    assert findings(scene.drift()) == set()


@pytest.mark.parametrize("script", QUIET.values(), ids=QUIET)
def test_what_a_sandbox_may_do_is_no_drift(script: str, scene: Scene) -> None:
    scene.inside("api", script)
    assert findings(scene.plan()) == set()


def test_several_changes_are_named_together_and_put_right_together(scene: Scene) -> None:
    scene.inside("api", "rm /srv/app/server.js; chmod 700 /etc/api.conf; touch /srv/app/lib/new")
    scene.post("api", "update", {"PidsLimit": 60})
    disconnect(scene)
    remove("worker-1")(scene)
    expected = {
        *field_of("uploads./srv/app/server.js"),
        *field_of("uploads./etc/api.conf"),
        *field_of("uploads./srv/app/lib/new"),
        *field_of("resources.pids"),
        *field_of("networks.back"),
        *whole("create", sandbox="worker-1", cause="new"),
    }
    before = scene.id("api")
    scene.put_right(expected)
    assert scene.id("api") == before, "all of it can be put right in place"
    assert scene.inside("api", "cat /srv/app/server.js") == FILES["server.js"]


def test_drift_tells_what_was_changed_by_hand_from_what_the_file_changed(scene: Scene) -> None:
    written = scene.file.read_text()
    scene.file.write_text(written.replace("pids: 100", "pids: 90"))
    scene.inside("api", "rm /srv/app/server.js")
    try:
        assert findings(scene.drift()) == field_of("uploads./srv/app/server.js")
        both = field_of("uploads./srv/app/server.js") | field_of("resources.pids", cause="changed")
        assert findings(scene.plan()) == both
    finally:
        scene.file.write_text(written)
        scene.apply()


def test_a_lost_amendment_never_reads_as_no_changes_not_even_without_a_look_inside(scene: Scene) -> None:
    """The file says again what was recorded at birth, but the sandbox has what the amendment said."""
    scene.remove_container(scene.id("api"))
    scene.apply()
    written, container = scene.file.read_text(), scene.id("api")
    change_and_forget(scene, "pids: 100", "pids: 80")
    scene.file.write_text(written)
    assert findings(scene.plan(deep=False)) == whole("update", cause="partial")
    scene.apply(deep=False)
    assert findings(scene.plan()) == set()
    assert scene.id("api") == container
    assert scene.wire.get(f"/containers/{container}/json")["HostConfig"]["PidsLimit"] == 100


def test_a_sandbox_that_does_not_run_is_looked_into_as_well(scene: Scene) -> None:
    scene.inside("api", "echo more >> /srv/app/server.js")
    scene.post("api", "stop", t=5)
    scene.put_right(field_of("uploads./srv/app/server.js"))
    assert scene.inside("api", "cat /srv/app/server.js") == FILES["server.js"]


def test_files_of_a_sandbox_with_a_user_of_its_own_are_seen_and_put_right(scene: Scene) -> None:
    """Root has no power over other users' files in such a sandbox."""
    assert findings(scene.plan()) == set()
    lay_out(scene.file.parent, {"home/key": "secret\n", "home/open/x": "x\n"})
    document = scene.file.read_text() + MINE.replace("IMAGE", scene.stack.sandboxes["api"].image)
    scene.file.write_text(document)
    scene.apply()
    assert findings(scene.plan()) == set()
    run(scene.wire, scene.id("mine"), ("/bin/sh", "-c", "echo more >> /srv/mine/key; rm /srv/mine/open/x"))
    named = {f"uploads./srv/mine/{path}" for path in ("key", "open/x")}
    scene.put_right({("sandbox mine", "update", path, "drifted") for path in named})
