"""Reads while the engine takes its time: prompt, and never from before what anybody was answered."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.mcp.edits.workspace import Workspace
from nexusctl.mcp.looks import MOMENT, Looks, Seen
from tests.faults.proxy import Proxy
from tests.mcp.client import Answer, Caller, play

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("template_images")]

TRIES = 20


@pytest.fixture
def proxy(wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The way to the engine of all that is started here."""
    engine = wire.endpoint.url.removeprefix("unix://")
    with Proxy(tmp_path / "engine.sock", engine) as made, monkeypatch.context() as patched:
        # Not longer than that, or the stack would be destroyed by a way that is closed then.
        patched.setenv("DOCKER_HOST", f"unix://{made.path}")
        yield made


def before_lists(do: Callable[[], object]) -> Callable[[str], bool]:
    """Has `do` done before the engine hears that its containers are to be listed."""

    def holds(request: str) -> bool:
        if re.match(r"GET [^ ]*/containers/json", request):
            do()
        return False

    return holds


@pytest.fixture
def gate(proxy: Proxy) -> threading.Event:
    """While it is not set no list of containers is answered."""
    made = threading.Event()
    made.set()
    proxy.holds = before_lists(made.wait)
    return made


def names(answer: Answer) -> list[str]:
    return [one["name"] for one in answer.content["sandboxes"]]


def of(answer: Answer) -> float:
    return datetime.fromisoformat(answer.content["as_of"]).timestamp()


async def within(call: Caller, seconds: float, tool: str, **arguments: str) -> Answer | None:
    """The answer to a call; None where it does not come in time."""
    with anyio.move_on_after(seconds):
        return await call(tool, **arguments)
    return None


def test_a_reader_does_not_wait_for_an_engine_that_takes_its_time(folder: Path, gate: threading.Event) -> None:
    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="a")
        for tool, arguments in (("sandbox_list", {}), ("sandbox_status", {"sandbox_id": "a"})):
            for _ in range(TRIES):
                begun = time.time()
                first = await call(tool, **arguments)
                gate.clear()
                closed = time.time()
                # A busy machine may take longer than what was seen is good for.
                second = await within(call, 5, tool, **arguments)
                gate.set()
                if second:
                    break
            assert second
            assert begun - MOMENT - 0.001 <= of(first) <= of(second) <= closed
            assert second.content.keys() == first.content.keys()
            assert "running" in second.text

    play(folder, scene)


def test_what_was_seen_is_good_for_a_moment_only(folder: Path, gate: threading.Event) -> None:
    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="a")
        await call("sandbox_list")
        gate.clear()
        await anyio.sleep(MOMENT)
        assert await within(call, 1, "sandbox_list") is None
        opened = time.time()
        gate.set()
        assert names(await call("sandbox_list")) == ["a"]
        # Nothing is said of one that it does not know without asking for it.
        gate.clear()
        assert await within(call, 1, "sandbox_status", sandbox_id="b") is None
        gate.set()
        assert of(await call("sandbox_list")) > opened

    play(folder, scene)


def test_what_anybody_was_answered_is_seen_by_whoever_reads_after_it(folder: Path, proxy: Proxy) -> None:
    proxy.holds = before_lists(lambda: time.sleep(0.2))

    async def scene(call: Caller) -> None:
        async def read_on() -> None:
            """Somebody else, whose looks are always under way."""
            while True:
                await call("sandbox_list")

        async with anyio.create_task_group() as group:
            group.start_soon(read_on)
            await call("sandbox_create", template="base", name="a")
            assert names(await call("sandbox_list")) == ["a"]
            for path in ("/data/x", "/data/y"):
                await call("sandbox_upload", sandbox_id="a", file_path=path, content="x")
                assert path in (await call("sandbox_status", sandbox_id="a")).content["uploads"]
            killed = await call("sandbox_execute", sandbox_id="a", code="sleep 1; kill -KILL $$")
            assert killed["status"] == "killed", killed.text
            ended = datetime.fromisoformat(killed.content["ended_at"])
            assert datetime.fromtimestamp(of(await call("sandbox_list")), UTC) >= ended
            for tool, status in (("sandbox_stop", "stopped"), ("sandbox_start", "running")):
                assert (await call(tool, sandbox_id="a"))["status"] == status
                assert (await call("sandbox_status", sandbox_id="a"))["status"] == status
            wrong = await call("sandbox_create", template="base", name="b", startup_script="exit 4")
            assert wrong.is_error
            assert names(await call("sandbox_list")) == ["a"]
            await call("sandbox_delete", sandbox_id="a")
            assert names(await call("sandbox_list")) == []
            group.cancel_scope.cancel()

    play(folder, scene)


def test_what_is_wrong_with_the_file_is_seen_at_once(folder: Path, proxy: Proxy) -> None:
    proxy.holds = before_lists(lambda: time.sleep(0.2))

    async def scene(call: Caller) -> None:
        await call("sandbox_create", template="base", name="a")
        file = folder / "nexus.yaml"
        good = file.read_text()
        for _ in range(3):
            for text, warned in ((good.replace("base", "bas"), True), (good, False)):
                await call("sandbox_list")
                file.write_text(text)
                for tool, arguments in (("sandbox_list", {}), ("sandbox_status", {"sandbox_id": "a"})):
                    assert ("warnings" in (await call(tool, **arguments)).content) == warned

    play(folder, scene)


def test_readers_do_not_wait_for_the_look_behind_somebody_elses_answer(folder: Path, gate: threading.Event) -> None:
    """As long as nobody was told what has changed, what was seen before it is true enough."""
    looks = Looks(Workspace(folder / "nexus.yaml", folder.name))
    for _ in range(TRIES):
        before = looks.take()
        gate.clear()
        changed = time.monotonic()
        telling = threading.Thread(target=looks.tell, args=(changed,))
        telling.start()
        reading: Future[Seen] = Future()
        threading.Thread(target=lambda into=reading: into.set_result(looks.read())).start()
        # A busy machine may take longer than what was seen is good for.
        with suppress(TimeoutError):
            reading.result(5)
        gate.set()
        telling.join()
        assert looks.read().begun >= changed
        if reading.result().begun < changed:
            break
    assert reading.result().begun == before.begun


def test_where_nothing_is_declared_nobody_asks_for_the_names_of_all_stacks(folder: Path, proxy: Proxy) -> None:
    asked: list[str] = []

    def holds(request: str) -> bool:
        asked.append(request)
        return False

    proxy.holds = holds

    async def look(call: Caller) -> None:
        for _ in range(3):
            assert names(await call("sandbox_list")) == []

    play(folder, look)
    assert any(re.match(r"GET [^ ]*/containers/json", one) for one in asked)
    assert not [one for one in asked if re.match(r"GET [^ ]*/networks", one)]
