"""A container that the engine does not manage to freeze at once, as happens with cgroup v1 on a busy machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects import containers
from nexusctl.errors import EngineError

pytestmark = pytest.mark.engine


class Busy(Wire):
    """Refuses as an engine does whose freezer had no success, so many times; then it is the engine's own answer."""

    def __init__(self, whole: Wire, refusals: int) -> None:
        super().__init__(whole.endpoint, timeout=whole.timeout)
        self.refusals = refusals

    def post(self, path: str, *arguments: Any, **options: Any) -> Any:
        if path.endswith("/pause") and self.refusals:
            self.refusals -= 1
            raise EngineError("Cannot pause container x: OCI runtime pause failed: unable to freeze: unknown")
        return super().post(path, *arguments, **options)


@pytest.fixture
def container(wire: Wire, base_image: str) -> Iterator[str]:
    made = wire.post("/containers/create", {"Image": base_image, "Cmd": ["sleep", "600"]})["Id"]
    wire.post(f"/containers/{made}/start")
    yield made
    wire.delete(f"/containers/{made}", {"force": True})


def test_it_is_asked_again(wire: Wire, container: str) -> None:
    containers.pause_container(Busy(wire, 2), container)
    assert wire.get(f"/containers/{container}/json")["State"]["Paused"]
    containers.pause_container(wire, container)


def test_an_engine_that_never_manages_to_is_believed(
    wire: Wire, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "_FREEZING_PAUSES", (0.01, 0.01, None))
    with pytest.raises(EngineError, match="unable to freeze"):
        containers.pause_container(Busy(wire, 9), container)
    assert not wire.get(f"/containers/{container}/json")["State"]["Paused"]
