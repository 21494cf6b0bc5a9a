from __future__ import annotations

import pytest

from nexusctl.engine.docker.bodies.list_status import ListedState, parse_status
from nexusctl.model.stack import Health
from tests.engine.workshop import Workshop


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        ("running", "Up 2 minutes", ("running", "none", None)),
        ("running", "Up Less than a second", ("running", "none", None)),
        ("running", "Up About an hour (healthy)", ("running", "healthy", None)),
        ("running", "Up 3 seconds (health: starting)", ("running", "starting", None)),
        ("running", "Up 3 weeks (unhealthy)", ("running", "unhealthy", None)),
        ("paused", "Up 2 minutes (Paused)", ("paused", "none", None)),
        ("exited", "Exited (0) 5 minutes ago", ("exited", "none", 0)),
        ("exited", "Exited (137) Less than a second ago", ("exited", "none", 137)),
        ("created", "Created", ("created", "none", None)),
        ("restarting", "Restarting (1) 5 seconds ago", ("restarting", "none", None)),
        ("removing", "Removal In Progress", ("removing", "none", None)),
        ("dead", "Dead", ("dead", "none", None)),
        ("configured", "Created", ("created", "none", None)),
    ],
)
def test_every_known_shape_is_read(state: str, status: str, expected: tuple[str, str, int | None]) -> None:
    known, health, exit_code = expected
    wanted = ListedState(state=known, health=health, exit_code=exit_code)  # type: ignore[arg-type]
    assert parse_status(state, status) == wanted


@pytest.mark.parametrize(
    ("state", "status"),
    [("running", "Läuft seit 2 Minuten"), ("running", "Up 2 minutes (odd)"), ("exited", "Exited"), ("strange", "Up")],
)
def test_an_unknown_shape_is_not_guessed_at(state: str, status: str) -> None:
    assert parse_status(state, status) is None


@pytest.mark.engine
def test_the_list_says_what_an_inspection_says_in_every_state(shop: Workshop) -> None:
    wire = shop.engine.wire  # type: ignore[attr-defined]
    shop.create(shop.sandbox("created"))
    shop.start(shop.sandbox("running"))
    wire.post(f"/containers/{shop.start(shop.sandbox('paused'))}/pause")
    shop.await_exit(shop.start(shop.sandbox("exited", command=("sh", "-c", "exit 3"))))
    healthy = shop.start(shop.sandbox("healthy", health=Health(command=("true",), interval=0.1)))
    shop.await_condition(healthy, lambda condition: condition.health == "healthy")
    shop.start(shop.sandbox("starting", health=Health(command=("true",), interval=600)))
    looping = shop.start(shop.sandbox("restarting", command=("false",), restart="always"))
    shop.await_condition(looping, lambda condition: condition.state == "restarting")
    found = {live.sandbox: live for live in shop.observe().sandboxes}
    assert set(found) == {"created", "running", "paused", "exited", "healthy", "starting", "restarting"}
    # The looping one runs for a moment now and then.
    assert found.pop("restarting").state in ("restarting", "running")
    for name, live in found.items():
        condition = shop.engine.condition(live.id)
        assert (live.state, live.health, live.exit_code) == (condition.state, condition.health, condition.exit_code), (
            name
        )
