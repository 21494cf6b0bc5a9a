"""What changes in a live sandbox leaves its container and its main process alone, and touches only what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.errors import PlanError
from nexusctl.model.plan.plan import Plan
from tests.drift.scene import Scene, findings, lay_out

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("drift-in-place")]

STACK = """
name: NAME
sandboxes:
  box:
    image: IMAGE
    command: [bash, -c, 'trap "echo hup >> /run/seen" HUP; trap "exit 0" TERM; while :; do sleep 0.1; done']
    env: {TOKEN: first}
    uploads:
      - {source: ./src, target: /srv/app}
      - {content: "one", target: /etc/one.conf}
    resources: {memory: 64m, cpus: 0.5, pids: 100}
    networks: []
    timeout: 1h
    metadata: {team: red}
"""

FILES = {"src/a.js": "a\n", "src/b.js": "b\n", "src/deep/c.js": "c\n"}


@dataclass
class Live:
    """One sandbox and its stack file."""

    scene: Scene

    def identity(self) -> tuple[str, int, str]:
        """The container, its main process, and when that was started."""
        found = self.scene.wire.get(f"/containers/{self.scene.id('box')}/json")
        return found["Id"], found["State"]["Pid"], found["State"]["StartedAt"]

    def rewrite(self, *changes: tuple[str, str]) -> None:
        text = self.scene.file.read_text()
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        self.scene.file.write_text(text)

    def apply(self) -> Plan:
        """Carry the shallow plan out; nothing is left to do, not even by a look inside."""
        plan = self.scene.plan(deep=False)
        self.scene.apply(deep=False)
        assert findings(self.scene.plan(deep=False)) == set()
        assert findings(self.scene.plan()) == set()
        return plan

    def inodes(self) -> dict[str, str]:
        """A file that is sent is renamed over the old one, and so gets another number."""
        listed = self.scene.inside("box", "find /srv/app /etc/one.conf -type f -printf '%p %i\\n'")
        return dict(line.rsplit(" ", 1) for line in listed.splitlines())  # type: ignore[misc]


@pytest.fixture
def live(wire: Wire, base_image: str, tmp_path: Path) -> Iterator[Live]:
    yield from apply(STACK, wire, base_image, tmp_path)


@pytest.fixture
def joined(wire: Wire, base_image: str, tmp_path: Path) -> Iterator[Live]:
    """The same with networks."""
    text = STACK.replace("sandboxes:", "networks: {back: {}, front: {}}\nsandboxes:")
    yield from apply(text.replace("networks: []", "networks: [default, back]"), wire, base_image, tmp_path)


def apply(text: str, wire: Wire, image: str, folder: Path) -> Iterator[Live]:
    lay_out(folder, FILES)
    text = text.replace("NAME", f"test-{uuid4().hex[:8]}").replace("IMAGE", image)
    (folder / "nexus.yaml").write_text(text)
    live = Live(Scene(wire, folder / "nexus.yaml"))
    try:
        live.scene.apply(deep=False)
        yield live
    finally:
        live.scene.destroy()


CHANGES = {
    "memory": ("memory: 64m", "memory: 96m"),
    "cpus": ("cpus: 0.5", "cpus: 0.25"),
    "pids": ("pids: 100", "pids: 90"),
    "all limits": ("resources: {memory: 64m, cpus: 0.5, pids: 100}", "resources: {}"),
    "restart policy": ("timeout: 1h", "restart: unless-stopped"),
    "timeout": ("timeout: 1h", "timeout: 2h"),
    "metadata": ("team: red", "team: blue"),
    "lifecycle": ("timeout: 1h", "lifecycle: {ignore: [env.A]}"),
    "an upload": ('content: "one"', 'content: "two"'),
    "the mode of a file": ("target: /etc/one.conf", 'target: /etc/one.conf, mode: "0600"'),
    "an upload less": ('      - {content: "one", target: /etc/one.conf}\n', ""),
}


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_the_container_and_its_main_process_stay(before: str, after: str, live: Live) -> None:
    change_in_place(live, before, after)


def test_they_stay_where_it_joins_another_network(joined: Live) -> None:
    change_in_place(joined, "networks: [default, back]", "networks: [default, front]")


def change_in_place(live: Live, before: str, after: str) -> None:
    identity = live.identity()
    live.rewrite((before, after))
    plan = live.apply()
    assert [change.action for change in plan.changes if change.kind == "sandbox"] == ["update"]
    assert live.identity() == identity


def test_a_name_is_put_right_while_the_main_process_goes_on(live: Live) -> None:
    identity = live.identity()
    live.scene.post("box", "rename", name=f"other-{uuid4().hex[:8]}")
    live.apply()
    assert live.identity() == identity


def test_only_the_files_that_differ_are_sent(live: Live) -> None:
    before = live.inodes()
    lay_out(live.scene.file.parent, {"src/deep/c.js": "changed\n", "src/new.js": "new\n"})
    live.apply()
    after = live.inodes()
    sent = {path for path in after if before.get(path) != after[path]}
    assert sent == {"/srv/app/deep/c.js", "/srv/app/new.js"}
    assert live.scene.inside("box", "cat /srv/app/deep/c.js /srv/app/new.js") == "changed\nnew\n"


def test_a_restart_follows_in_the_same_container_and_its_health_is_waited_for(live: Live) -> None:
    health = "health: {command: [test, -e, /srv/app/a.js], interval: 1s}"
    live.rewrite(("timeout: 1h", health), ("target: /srv/app}", "target: /srv/app, on_change: restart}"))
    live.scene.apply(deep=False)
    container, pid, started = live.identity()
    lay_out(live.scene.file.parent, {"src/a.js": "changed\n"})
    plan = live.apply()
    assert "its container is restarted after the upload" in plan.changes[0].notes
    assert [step.id for step in plan.steps] == ["sandbox:box:update", "sandbox:box:ready"]
    now = live.identity()
    assert now[0] == container
    assert now[1] != pid
    assert now[2] > started
    assert live.scene.inside("box", "cat /srv/app/a.js") == "changed\n"
    live.rewrite(('content: "one"', 'content: "two"'))
    live.apply()
    assert live.identity() == now, "the other upload has no consequence"


def test_a_signal_reaches_the_main_process_and_a_command_finds_the_new_files(live: Live) -> None:
    live.rewrite(
        ("target: /srv/app}", "target: /srv/app, on_change: {signal: HUP}}"),
        ("target: /etc/one.conf", "target: /etc/one.conf, on_change: {exec: cat /etc/one.conf > /run/copy}"),
    )
    assert findings(live.scene.plan()) == set(), "what is to follow is no change of its own"
    identity = live.identity()
    lay_out(live.scene.file.parent, {"src/a.js": "changed\n"})
    live.apply()
    assert live.scene.inside("box", "until [ -e /run/seen ]; do sleep 0.05; done; cat /run/seen") == "hup\n"
    assert live.scene.inside("box", "ls /run/copy 2>/dev/null || true") == ""
    live.rewrite(('content: "one"', 'content: "two"'))
    live.apply()
    assert live.scene.inside("box", "cat /run/copy /run/seen") == "twohup\n"
    assert live.identity() == identity


@pytest.mark.parametrize(
    ("reaction", "words"),
    [
        ("{signal: USR1}", "it got SIGUSR1 for its upload"),
        ("{exec: '(sleep 0.02; kill -USR1 $(cat /run/main)) >/dev/null 2>&1 &'}", "the command of its upload"),
        ("restart", "its start"),
    ],
)
def test_a_service_that_does_not_live_through_what_follows_fails_the_apply(
    reaction: str, words: str, live: Live
) -> None:
    live.rewrite(
        ("target: /srv/app}", f"target: /srv/app, on_change: {reaction}}}"),
        ("bash, -c, '", "bash, -c, 'echo $$ > /run/main; test ! -e /srv/app/end || exit 3; "),
        ("timeout: 1h", "restart: 'no'"),
    )
    live.scene.apply(deep=False)
    lay_out(live.scene.file.parent, {"src/a.js": "changed\n", "src/end": "now\n"})
    assert [failed.problem.summary.partition(" right after ")[2] for failed in live.scene.try_apply()] == [words]


def test_a_limit_that_is_ignored_stays_as_somebody_has_set_it(live: Live) -> None:
    live.rewrite(("timeout: 1h", "lifecycle: {ignore: [resources.memory]}"))
    live.apply()
    live.scene.post("box", "update", {"Memory": 80 << 20, "MemorySwap": 80 << 20, "PidsLimit": 77})
    live.scene.apply()
    seen = live.scene.wire.get(f"/containers/{live.scene.id('box')}/json")["HostConfig"]
    assert (seen["Memory"], seen["PidsLimit"]) == (80 << 20, 100)


def test_what_is_ignored_is_left_and_what_must_not_be_destroyed_stays(live: Live) -> None:
    ignore = "lifecycle: {prevent_destroy: true, ignore: [env.TOKEN, resources, uploads./srv/app/a.js]}"
    live.rewrite(("timeout: 1h", ignore))
    live.apply()
    identity = live.identity()
    live.rewrite(("TOKEN: first", "TOKEN: second"), ("memory: 64m", "memory: 96m"))
    lay_out(live.scene.file.parent, {"src/a.js": "changed\n"})
    live.scene.post("box", "update", {"PidsLimit": 50})
    live.scene.inside("box", "chmod 600 /srv/app/a.js")
    assert findings(live.scene.plan()) == set()
    assert findings(live.scene.drift()) == set()
    live.rewrite(("team: red", "team: blue"))
    live.apply()
    assert live.scene.inside("box", "stat -c %a /srv/app/a.js") == "600\n"
    assert live.identity() == identity
    live.rewrite(("TOKEN: second", "TOKEN: second, OTHER: x"))
    with pytest.raises(PlanError, match=r"env\.OTHER cannot change in a live container"):
        live.scene.plan()
    with pytest.raises(PlanError, match="its stack is destroyed"):
        live.scene.destroy()
    assert live.identity() == identity
    live.rewrite(("prevent_destroy: true", "prevent_destroy: false"), (", OTHER: x", ""))
    live.scene.apply()


def test_limits_that_the_docker_command_has_set_are_named_and_put_right_again_and_again(live: Live) -> None:
    live.rewrite(("resources: {memory: 64m, cpus: 0.5, pids: 100}", "resources: {memory: 64m}"))
    # A container that never had a limit on processor time, unlike one whose limit was lifted.
    live.scene.destroy()
    live.scene.apply(deep=False)
    before = live.identity()
    by_hand = {"NanoCpus": 500_000_000, "Memory": 100 << 20, "MemorySwap": 200 << 20, "PidsLimit": 50}
    expected = {f"resources.{name}" for name in ("cpus", "memory", "pids")} | {"restart"}
    for _ in range(2):
        live.scene.post("box", "update", by_hand | {"RestartPolicy": {"Name": "always"}})
        assert {field for _, _, field, _ in findings(live.scene.plan())} == expected
        live.scene.apply()
        assert findings(live.scene.plan()) == set()
    for resources in ("{memory: 64m, cpus: 0.25}", "{memory: 64m, cpus: 1}", "{memory: 64m}"):
        text = live.scene.file.read_text()
        live.rewrite((text[text.index("resources: ") :].splitlines()[0], f"resources: {resources}"))
        live.apply()
    live.scene.post("box", "restart", t=0)
    assert findings(live.scene.plan()) == set()
    assert live.identity()[0] == before[0]


def test_a_network_that_is_made_anew_under_its_name_is_joined_and_the_former_one_goes(joined: Live) -> None:
    before, name = joined.identity(), joined.scene.network("back")
    for change in (("networks: {back: {}", "networks: {back: {internal: true}"), ("internal: true", "internal: false")):
        joined.rewrite(change)
        joined.apply()
        (network,) = joined.scene.wire.get("/networks", {"filters": {"name": [f"^{name}$"]}})
        assert network["Internal"] is ("true" in change[1])
        assert joined.scene.id("box") in joined.scene.wire.get(f"/networks/{network['Id']}")["Containers"]
    assert joined.identity() == before


def test_a_new_container_and_a_stopped_one_join_a_network_that_is_made_anew_under_its_name(joined: Live) -> None:
    joined.rewrite(("networks: {back: {}", "networks: {back: {internal: true}"), ("TOKEN: first", "TOKEN: second"))
    joined.rewrite(("networks: [default, back]", "networks: [back, default]"))
    joined.apply()
    joined.scene.post("box", "stop", t=0)
    joined.rewrite(("internal: true", "internal: false"))
    joined.apply()
    joined.scene.post("box", "stop", t=0)
    joined.rewrite(("networks: [back, default]", "networks: [back]"), ("internal: false", "internal: true"))
    joined.apply()


def test_a_file_becomes_a_folder_and_a_folder_a_file_or_a_link_and_back_again(live: Live, tmp_path: Path) -> None:
    before, source = live.identity(), tmp_path / "src"
    (source / "a.js").unlink()
    (source / "a.js").mkdir()
    (source / "a.js/in").write_text("in\n")
    rmtree(source / "deep")
    (source / "deep").symlink_to("b.js")
    live.scene.inside("box", "touch /srv/app/deep/of-its-own")
    live.apply()
    assert live.scene.inside("box", "cd /srv/app; cat a.js/in; readlink deep") == "in\nb.js\n"

    rmtree(source / "a.js")
    (source / "deep").unlink()
    lay_out(tmp_path, FILES)
    live.apply()
    (source / "b.js").unlink()
    (source / "b.js").symlink_to("deep")
    live.apply()
    live.scene.post("box", "stop", t=0)
    (source / "b.js").unlink()
    (source / "b.js").mkdir()
    live.apply()
    assert live.scene.inside("box", "cd /srv/app; cat a.js deep/c.js; ls -d b.js/") == "a\nc\nb.js/\n"
    assert live.identity()[0] == before[0]


def test_what_somebody_has_put_in_the_place_of_an_uploaded_file_or_folder_goes(live: Live) -> None:
    live.scene.inside("box", "mkdir /opt/else; cp /srv/app/deep/c.js /opt/else; touch /opt/else/kept")
    live.scene.inside("box", "cd /srv/app; rm -r a.js deep; mkdir a.js; touch a.js/x; ln -s /opt/else deep")
    fields = {f"uploads./srv/app/{name}" for name in ("a.js", "deep")}
    assert fields <= {field for _, _, field, _ in findings(live.scene.plan())}
    live.scene.apply()
    assert findings(live.scene.plan()) == set()
    assert live.scene.inside("box", "cd /srv/app; cat a.js deep/c.js; ls /opt/else") == "a\nc\nc.js\nkept\n"


def test_a_folder_with_a_volume_in_it_never_becomes_a_file(live: Live, tmp_path: Path) -> None:
    live.rewrite(
        ("sandboxes:", "volumes: {data: {}}\nsandboxes:"),
        ("    timeout: 1h", "    volumes: ['data:/srv/app/deep/data']\n    timeout: 1h"),
    )
    live.apply()
    live.scene.inside("box", "echo kept > /srv/app/deep/data/file")
    rmtree(tmp_path / "src/deep")
    (tmp_path / "src/deep").write_text("no folder\n")
    (failed,) = live.scene.try_apply()
    assert "/srv/app/deep cannot become something else" in failed.problem.summary
    assert live.scene.inside("box", "cat /srv/app/deep/data/file") == "kept\n"
