"""Commands that live in their sandbox, on each engine."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from nexusctl.engine.base import Engine
from nexusctl.engine.executions import FOLDER
from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import Conflict, NotFound
from nexusctl.model.observed.execution import CONTAINER_DIGITS, Execution, Order
from nexusctl.model.plan.plan import LeftBehind
from tests.engine.workshop import Workshop


@pytest.fixture
def box(shop: Workshop) -> str:
    """The id of a sandbox that runs."""
    return shop.start(shop.sandbox())


def test_what_was_started_is_found_with_all_that_was_said_of_it(shop: Workshop, box: str) -> None:
    order = start(shop, box, "sh", "-c", "echo hello; exit 3", who="somebody", env={"PASSWORD": "s3cret"})
    ended = await_state(shop.engine, order.id)
    assert (ended.id, ended.container_id, ended.stack, ended.sandbox) == (order.id, box, shop.stack, "a")
    assert (ended.command, ended.who) == (("sh", "-c", "echo hello; exit 3"), "somebody")
    assert (ended.state, ended.exit_code, ended.signal, ended.bytes) == ("exited", 3, "", len("hello\n"))
    assert ended.ended is not None
    assert ended.started <= ended.ended
    assert read(shop.engine, order.id) == b"hello\n"
    assert shop.engine.executions.list(box) == (ended,)
    assert "s3cret" not in repr(ended)


def test_what_is_written_down_may_be_other_words_than_those_that_run(shop: Workshop, box: str) -> None:
    order = start(shop, box, "sh", "-c", "echo hello; exit 0", shown=("sh", "-c", "[redacted]"))
    assert await_state(shop.engine, order.id).command == ("sh", "-c", "[redacted]")
    assert read(shop.engine, order.id) == b"hello\n"


def test_they_are_listed_in_their_order(shop: Workshop, box: str) -> None:
    orders = [start(shop, box, "sh", "-c", f"echo hello; exit {number}", started=1e9 + number) for number in range(3)]
    for order in orders:
        await_state(shop.engine, order.id)
    assert [(found.id, found.exit_code) for found in shop.engine.executions.list(box)] == [
        (order.id, number) for number, order in enumerate(orders)
    ]


def test_a_part_of_a_log_is_what_was_asked_for(shop: Workshop, box: str) -> None:
    order = start(shop, box, "sh", "-c", "echo hello; exit 0")
    await_state(shop.engine, order.id)
    assert read(shop.engine, order.id, 1, 3) == b"ell"
    assert read(shop.engine, order.id, 5) == b"\n"
    assert read(shop.engine, order.id, 6) == b""
    assert read(shop.engine, order.id, 1000) == b""


def test_one_that_runs_is_running_until_it_is_signalled(shop: Workshop, box: str) -> None:
    order = start(shop, box, "sleep", "1000")
    assert shop.engine.executions.show(order.id).state == "running"
    with pytest.raises(Conflict):
        shop.engine.executions.remove(order.id)
    shop.engine.executions.signal(order.id, "TERM")
    ended = await_state(shop.engine, order.id)
    assert (ended.state, ended.exit_code, ended.signal) == ("killed", 143, "TERM")
    with pytest.raises(Conflict):
        shop.engine.executions.signal(order.id, "TERM")


def test_input_reaches_one_that_reads_it_and_its_end_too(shop: Workshop, box: str) -> None:
    order = start(shop, box, "cat", fed=True)
    assert shop.engine.executions.show(order.id).fed
    shop.engine.executions.feed(order.id, b"one\n")
    shop.engine.executions.feed(order.id, b"two\n")
    assert shop.engine.executions.show(order.id).state == "running"
    shop.engine.executions.feed(order.id, b"", end=True)
    assert await_state(shop.engine, order.id).exit_code == 0
    assert read(shop.engine, order.id) == b"one\ntwo\n"
    with pytest.raises(Conflict):
        shop.engine.executions.feed(order.id, b"three\n")


def test_the_end_of_what_is_attached_ends_its_input(shop: Workshop, box: str) -> None:
    order = start(shop, box, "cat", fed=True)
    with shop.engine.executions.attached(order.id, io.BytesIO(b"hello")):
        assert await_state(shop.engine, order.id).exit_code == 0
    assert read(shop.engine, order.id) == b"hello"


def test_one_at_a_terminal_takes_a_size_until_it_has_ended(shop: Workshop, box: str) -> None:
    order = start(shop, box, "cat", fed=True, tty=True)
    assert shop.engine.executions.show(order.id).tty
    shop.engine.executions.resize(order.id, 31, 77)
    shop.engine.executions.signal(order.id, "KILL")
    await_state(shop.engine, order.id)
    with pytest.raises(Conflict):
        shop.engine.executions.resize(order.id, 31, 77)


def test_one_without_input_takes_none(shop: Workshop, box: str) -> None:
    order = start(shop, box, "sleep", "1000")
    with pytest.raises(Conflict, match="reads no input"):
        shop.engine.executions.feed(order.id, b"x")
    with pytest.raises(Conflict, match="reads no input"), shop.engine.executions.attached(order.id, io.BytesIO()):
        pass


def test_one_that_was_removed_is_gone(shop: Workshop, box: str) -> None:
    order = start(shop, box, "sh", "-c", "echo hello; exit 0")
    await_state(shop.engine, order.id)
    shop.engine.executions.remove(order.id)
    calls: list[Callable[[], Any]] = [
        lambda: shop.engine.executions.show(order.id),
        lambda: read(shop.engine, order.id),
        lambda: shop.engine.executions.signal(order.id, "TERM"),
        lambda: shop.engine.executions.remove(order.id),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    assert shop.engine.executions.list(box) == ()


def test_a_stopped_sandbox_still_tells_of_all(shop: Workshop, box: str) -> None:
    whole = start(shop, box, "sh", "-c", "echo hello; exit 3", started=1e9)
    await_state(shop.engine, whole.id)
    cut = start(shop, box, "sleep", "1000")
    shop.engine.stop_container(box, grace=0)
    found = {execution.id: execution for execution in shop.engine.executions.list(box)}
    assert (found[whole.id].state, found[whole.id].exit_code) == ("exited", 3)
    assert (found[cut.id].state, found[cut.id].exit_code) == ("killed", None)
    assert found[cut.id].ended is not None
    assert read(shop.engine, whole.id) == b"hello\n"
    assert read(shop.engine, whole.id, 2, 2) == b"ll"
    with pytest.raises(Conflict):
        shop.engine.executions.remove(whole.id)
    shop.engine.start_container(box)
    assert shop.engine.executions.show(cut.id).state == "killed"
    shop.engine.executions.remove(cut.id)
    assert [execution.id for execution in shop.engine.executions.list(box)] == [whole.id]


def test_none_is_started_in_a_sandbox_that_does_not_run(shop: Workshop, box: str) -> None:
    shop.engine.stop_container(box, grace=0)
    with pytest.raises(Conflict):
        start(shop, box, "true")


@pytest.mark.parametrize("name", ["exec_x", "", "exec_" + "0" * 28, "../../etc/passwd", "exec_" + "g" * 28])
def test_an_id_of_none_finds_none(name: str, shop: Workshop, box: str) -> None:
    with pytest.raises(NotFound):
        shop.engine.executions.show(name)
    with pytest.raises(NotFound):
        read(shop.engine, name)


def test_an_id_that_none_in_its_sandbox_has_finds_none(shop: Workshop, box: str) -> None:
    with pytest.raises(NotFound):
        shop.engine.executions.show(new_id(box))
    with pytest.raises(NotFound):
        read(shop.engine, new_id(box))


def test_they_change_nothing_that_is_planned(shop: Workshop, box: str) -> None:
    before = shop.observe(deep=True).sandboxes
    await_state(shop.engine, start(shop, box, "sh", "-c", "echo hello; exit 0").id)
    after = shop.observe(deep=True).sandboxes
    assert [(live.id, live.record, live.state) for live in after] == [(x.id, x.record, x.state) for x in before]


def test_those_that_run_are_counted_where_somebody_asks(shop: Workshop, box: str) -> None:
    other = shop.start(shop.sandbox("b"))
    await_state(shop.engine, start(shop, other, "sh", "-c", "echo hello; exit 0").id)
    for _ in range(2):
        start(shop, box, "sleep", "1000")
    assert shop.engine.executions.count_running([box, other, "f" * 64]) == {box: 2}
    assert shop.engine.executions.count_running([]) == {}


def test_they_are_no_change_of_what_is_in_a_sandbox(shop: Workshop, box: str) -> None:
    await_state(shop.engine, start(shop, box, "sh", "-c", "echo hello; exit 0").id)
    assert not [path for path in shop.engine.list_changes(box) if path.startswith(FOLDER)]


def test_they_go_with_their_sandbox_and_are_not_carried_over_to_the_next_one(shop: Workshop, box: str) -> None:
    made = start(shop, box, "sh", "-c", "echo hello; exit 0")
    await_state(shop.engine, made.id)
    shop.engine.stop_container(box, grace=0)
    new = shop.create(shop.sandbox("b"))
    shop.engine.carry_over(box, new, LeftBehind())
    shop.engine.remove_container(box)
    shop.engine.start_container(new)
    assert shop.engine.executions.list(new) == ()
    with pytest.raises(NotFound):
        shop.engine.executions.show(made.id)
    if not isinstance(shop.engine, MemoryEngine):
        assert shop.engine.run_script(new, "test -e /var/lib/nexusctl").exit_code == 1


def new_id(container_id: str, started: float = 1e9) -> str:
    return f"exec_{container_id[:CONTAINER_DIGITS]}{int(started):08x}{os.urandom(4).hex()}"


def start(shop: Workshop, container_id: str, *argv: str, shown: tuple[str, ...] = (), **fields: Any) -> Order:
    """Start it, and see that its sandbox has no word on where it is kept."""
    started = fields.pop("started", time.time())
    fields = {"who": "tester", **fields}
    order = Order(id=new_id(container_id, started), argv=argv, command=shown or argv, started=started, **fields)
    assert shop.engine.executions.start(container_id, order) == ""
    return order


def await_state(engine: Engine, execution_id: str) -> Execution:
    """The execution once it has ended."""
    for _ in range(1200):
        if (found := engine.executions.show(execution_id)).state != "running":
            return found
        time.sleep(0.05)
    raise AssertionError(f"it never ended: {found}")


def read(engine: Engine, execution_id: str, offset: int = 0, most: int = 10_000_000) -> bytes:
    return b"".join(piece.data for piece in engine.executions.read(execution_id, offset, most=most))
