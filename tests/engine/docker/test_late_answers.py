"""A container that the engine works on: it tells nothing of it meanwhile, and who looks goes on all the same."""

from __future__ import annotations

import io
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.glimpses.known_runs import tell_start
from nexusctl.model.stack import Stack
from tests.engine.workshop import Workshop

pytestmark = pytest.mark.engine


@contextmanager
def uploading(wire: Wire, container_id: str) -> Iterator[None]:
    """While inside, the engine waits for the rest of an upload into the container."""
    begun, end = threading.Event(), threading.Event()

    def body() -> Iterator[bytes]:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("late"))
        yield archive.getvalue()[:512]
        begun.set()
        end.wait(60)
        yield archive.getvalue()[512:]

    def send() -> None:
        path = f"/containers/{container_id}/archive"
        with wire.open("PUT", path, {"path": "/tmp"}, body(), content_type="application/x-tar") as answer:
            answer.read()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        assert begun.wait(60)
        yield
    finally:
        end.set()
        thread.join()


def test_a_glimpse_goes_on_without_what_an_engine_tells_late(wire: Wire, shop: Workshop) -> None:
    made = shop.start(shop.sandbox())
    exact = datetime.fromisoformat(wire.get(f"/containers/{made}/json")["State"]["StartedAt"]).timestamp()
    with uploading(wire, made):
        _await_silence(wire, made)
        begun = time.time()
        (found,) = shop.engine.glimpse(Stack(name=shop.stack), 0.02).sandboxes
        took = time.time() - begun
        told = datetime.fromisoformat(found.started_at).timestamp()
        # It is half a second off at most, besides the time that the list was on its way.
        assert abs(told - exact) < 0.6 + took
    (found,) = shop.engine.glimpse(Stack(name=shop.stack)).sandboxes
    assert datetime.fromisoformat(found.started_at).timestamp() == exact


def test_what_began_is_told_in_the_middle_of_its_second() -> None:
    def told(status: str) -> float:
        return datetime.fromisoformat(tell_start(status, 1000.0)).timestamp()

    assert told("Up Less than a second") == 999.5
    assert told("Up 1 second") == 998.5
    assert told("Up 59 seconds (health: starting)") == 940.5
    for status in ("Up About a minute", "Up 5 minutes", "Exited (0) 3 seconds ago", "Up 3 seconds, or so", ""):
        assert tell_start(status, datetime.now(UTC).timestamp()) == ""


def _await_silence(wire: Wire, container_id: str) -> None:
    """Wait until the engine has begun with the upload: then it answers nothing about the container."""
    for _ in range(100):
        asked = threading.Thread(target=lambda: wire.get(f"/containers/{container_id}/json"), daemon=True)
        asked.start()
        asked.join(1)
        if asked.is_alive():
            return
        time.sleep(0.1)
    raise AssertionError("the engine answers while an upload is under way")
