"""What the engine tells of one container while somebody waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Thread

from nexusctl.engine import labels
from nexusctl.engine.docker.client.answer import Answer
from nexusctl.engine.docker.client.client import FOREVER, Wire
from nexusctl.errors import EngineError

TOLD = ["health_status", "die"]


@contextmanager
def listen(wire: Wire, container_id: str, heard: Callable[[], None]) -> Iterator[None]:
    """While inside, call `heard` at each change of health and at the end of the container.

    A listener of its own asks and reads, so that nobody waits for an engine that does not answer. It gives up where
    the engine says nothing for the time-out of a plain call.
    """
    with _heard(wire, {"container": [container_id], "event": TOLD}, heard, timeout=None):
        yield


@contextmanager
def listen_starts(wire: Wire, stack: str, heard: Callable[[], None]) -> Iterator[None]:
    """While inside, call `heard` once somebody listens, and whenever a container of the stack starts."""
    with _heard(wire, {"label": [f"{labels.STACK}={stack}"], "event": ["start"]}, heard, timeout=FOREVER, at_once=True):
        yield


@contextmanager
def _heard(
    wire: Wire,
    wanted: Mapping[str, list[str]],
    heard: Callable[[], None],
    *,
    timeout: float | None,
    at_once: bool = False,
) -> Iterator[None]:
    open_answers: list[Answer] = []
    left = False

    def follow() -> None:
        query = {"filters": {"type": ["container"], **wanted}}
        with suppress(EngineError), wire.open("GET", "/events", query, timeout=timeout) as answer:
            open_answers.append(answer)
            if at_once:
                heard()
            while not left and answer.read_some(4096):
                heard()

    Thread(target=follow, name="events", daemon=True).start()
    try:
        yield
    finally:
        left = True
        for answer in open_answers:
            answer.cut()
