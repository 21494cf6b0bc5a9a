"""A limit on storage is asked of an engine that can hold it, and of one that refuses it a container without is made."""

from __future__ import annotations

from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects import containers
from nexusctl.engine.docker.objects import storage_limit as storage
from nexusctl.engine.docker.objects.storage_limit import needs_storage, with_storage
from nexusctl.errors import EngineError
from nexusctl.model.plan.plan import Placement
from nexusctl.model.stack import Resources, Sandbox, Stack


def box(name: str = "box", **fields: Any) -> Sandbox:
    command = ("sleep", "60")
    return Sandbox(name=name, group=name, image="x", command=command, resources=Resources(**fields))


def test_the_limit_goes_out_in_bytes_beside_the_others() -> None:
    body = {"Image": "x", "HostConfig": {"Memory": 5}}
    assert with_storage(body, box(storage=7)) == {
        "Image": "x",
        "HostConfig": {"Memory": 5, "StorageOpt": {"size": "7"}},
    }
    assert with_storage(body, box()) == body


def test_the_engine_is_asked_only_where_somebody_wants_a_limit() -> None:
    def stack(sandbox: Sandbox) -> Stack:
        return Stack(name="s", sandboxes={"box": sandbox})

    assert not needs_storage(stack(box(memory=5)), ())
    assert not needs_storage(stack(box(storage=5, defaulted={"storage": "template"})), ())
    assert needs_storage(stack(box(storage=5, defaulted={"storage": "settings"})), ())
    assert needs_storage(stack(box(storage=5)), ())


@pytest.mark.engine
@pytest.mark.parametrize("believed", [True, False])
def test_one_that_cannot_hold_it_makes_the_container_all_the_same(
    wire: Wire, base_image: str, stack_name: str, monkeypatch: pytest.MonkeyPatch, believed: bool
) -> None:
    if storage.limits_storage(wire):
        pytest.skip("this engine can limit storage, or may")
    # As far as one can tell from elsewhere, an engine on xfs can; whether it really does it says when it is asked.
    monkeypatch.setattr(storage, "limits_storage", lambda _: believed)
    name = f"{stack_name}_box"
    made = containers.create_container(
        wire, stack_name, box(storage=5 << 20), Placement(image=base_image, name=name, birth_name="")
    )
    try:
        assert "StorageOpt" not in {k for k, v in wire.get(f"/containers/{made}/json")["HostConfig"].items() if v}
    finally:
        wire.delete(f"/containers/{made}", {"force": True})


@pytest.mark.engine
def test_another_refusal_is_told_as_it_is(wire: Wire, stack_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "limits_storage", lambda _: True)
    with pytest.raises(EngineError, match="No such image"):
        containers.create_container(
            wire, stack_name, box(storage=5 << 20), Placement(image="absent:1", name=f"{stack_name}_b", birth_name="")
        )
