"""One network of somebody else's that the file has two names for."""

from __future__ import annotations

from nexusctl.model.stack import Network, Sandbox, Stack
from tests.plan.worlds import apply, new_engine, plan_for

SHARED = Network(name="shared", external="company")


def stack(back: Network, *joined: str) -> Stack:
    networks = {"default": Network(name="default"), "back": back, "shared": SHARED}
    sandboxes = {
        "a": Sandbox(name="a", group="a", image="debian:12", networks=joined),
        "b": Sandbox(name="b", group="b", image="debian:12", networks=("default",)),
    }
    return Stack(name="world", sandboxes=sandboxes, networks=networks)


def causes(before: Stack, after: Stack) -> dict[str, str]:
    engine = new_engine()
    apply(engine, before)
    (change,) = plan_for(engine, after).changes
    return {difference.field: difference.cause for difference in change.differences}


def test_one_that_is_left_under_a_name_that_means_another_by_now_was_not_left_by_hand() -> None:
    before = stack(Network(name="back", external="company"), "back")
    found = causes(before, stack(Network(name="back"), "default"))
    assert found["networks.shared"] == "changed"
    assert set(found.values()) == {"changed"}
