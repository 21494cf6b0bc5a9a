from __future__ import annotations

import time

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run
from nexusctl.errors import Conflict, NotFound
from tests.engine.workshop import Workshop
from tests.load import allow

pytestmark = pytest.mark.engine

PROCESSES = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null; echo; done"


def test_both_streams_are_kept_in_the_order_in_which_they_come(shop: Workshop, wire: Wire) -> None:
    """The engine copies the two apart, so each piece is written when the one before it has come."""
    container_id = shop.start(shop.sandbox())
    script = """say() { until [ -e /tmp/$1 ]; do sleep 0.01; done; echo $2; }
        say 0 out1; say 1 err1 >&2; say 2 out2; say 3 err2 >&2; exit 9"""
    came: list[bytes] = []

    def go_on(data: bytes = b"") -> None:
        run(wire, container_id, ("touch", f"/tmp/{len(came)}"))
        came.append(data)

    go_on()
    outcome = run(wire, container_id, ("sh", "-c", script), on_output=go_on, timeout=60)
    assert (outcome.exit_code, outcome.output) == (9, "out1\nerr1\nout2\nerr2\n")
    assert came[1:] == [b"out1\n", b"err1\n", b"out2\n", b"err2\n"]


def test_env_user_and_folder_are_those_asked_for(shop: Workshop, wire: Wire) -> None:
    container_id = shop.start(shop.sandbox(env={"KEPT": "yes"}))
    outcome = run(
        wire,
        container_id,
        ("sh", "-c", 'echo "$KEPT $A $(id -u):$(id -g) $(pwd)"'),
        env={"A": "with space"},
        user="1000:5",
        working_dir="/srv",
    )
    assert outcome.output == "yes with space 1000:5 /srv\n"


def test_without_a_word_it_is_the_sandboxs_user_and_folder(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(user="daemon", working_dir="/srv"))
    assert shop.engine.run_script(container_id, "id -un; pwd").output == "daemon\n/srv\n"


def test_a_script_ends_at_its_first_failing_line(shop: Workshop) -> None:
    outcome = shop.engine.run_script(shop.start(shop.sandbox()), "echo one\nfalse\necho two")
    assert (outcome.exit_code, outcome.output) == (1, "one\n")


def test_output_is_given_as_it_comes(shop: Workshop, wire: Wire) -> None:
    container_id = shop.start(shop.sandbox())
    pieces: list[bytes] = []

    def let_go_on(data: bytes) -> None:
        pieces.append(data)
        if data == b"first\n":
            run(wire, container_id, ("touch", "/tmp/go"))

    script = "echo first; until [ -e /tmp/go ]; do sleep 0.02; done; echo second"
    run(wire, container_id, ("sh", "-c", script), on_output=let_go_on, timeout=60)
    assert pieces == [b"first\n", b"second\n"]


def test_ten_megabytes_come_through_whole(shop: Workshop, wire: Wire) -> None:
    outcome = run(wire, shop.start(shop.sandbox()), ("sh", "-c", "yes 123456789 | head -c 10000000"))
    assert outcome.output == "123456789\n" * 1_000_000


@pytest.mark.parametrize("user", [None, "1000"])
def test_a_command_whose_time_is_over_is_ended_with_all_that_it_started(
    shop: Workshop, wire: Wire, user: str | None
) -> None:
    container_id = shop.start(shop.sandbox())
    script = "echo begun; sleep 777 & setsid sleep 778 & sleep 779"
    outcome = run(wire, container_id, ("sh", "-c", script), timeout=allow(10), user=user)
    assert (outcome.exit_code, outcome.output) == (124, "begun\n")
    left = run(wire, container_id, ("sh", "-c", PROCESSES)).output
    assert "sleep 1000" in left
    assert "sleep 77" not in left


def test_a_program_that_the_image_lacks_is_an_exit_code_and_no_error(shop: Workshop, wire: Wire) -> None:
    outcome = run(wire, shop.start(shop.sandbox()), ("no-such-program",))
    assert outcome.exit_code in (126, 127)
    assert "no-such-program" in outcome.output


@pytest.mark.parametrize("size", [100_000, 4 << 20])
def test_a_command_that_ends_before_it_has_read_its_input_says_why(shop: Workshop, wire: Wire, size: int) -> None:
    container = shop.start(shop.sandbox())
    begin = time.monotonic()
    outcome = run(wire, container, ("/bin/sh", "-c", "head -c 3; exit 78"), timeout=60, stdin=b"abc" * (size // 3))
    assert (outcome.exit_code, outcome.output) == (78, "abc")
    assert time.monotonic() - begin < allow(20)


def test_a_child_in_the_background_does_not_hold_the_command(shop: Workshop, wire: Wire) -> None:
    outcome = run(wire, shop.start(shop.sandbox()), ("sh", "-c", "sleep 776 & echo done"), timeout=60)
    assert (outcome.exit_code, outcome.output) == (0, "done\n")


def test_absent_and_stopped_containers_are_told_apart(shop: Workshop, wire: Wire) -> None:
    with pytest.raises(NotFound):
        run(wire, "f" * 64, ("true",))
    with pytest.raises(Conflict):
        run(wire, shop.create(shop.sandbox()), ("true",))
