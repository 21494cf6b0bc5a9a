"""A crew gives what was made in the order of what it was given, and goes no further than it has to."""

from __future__ import annotations

import threading
import time

import pytest

from nexusctl.engine.threads import open_crew


def test_what_is_made_comes_in_the_order_of_what_was_given() -> None:
    def late(number: int) -> int:
        time.sleep(0.02 * (5 - number))
        return number * number

    with open_crew(3) as crew:
        assert list(crew.map(late, range(5))) == [0, 1, 4, 9, 16]
        assert list(crew.map(late, [])) == []


def test_no_more_work_at_once_than_was_said() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    with open_crew(3) as crew:
        list(crew.map(work, range(20)))
    assert most == 3


def test_the_first_error_is_raised_and_nothing_more_is_begun() -> None:
    begun, go = [], threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 0:
            raise ValueError("first")
        go.wait(10)
        return number

    with pytest.raises(ValueError, match="first"), open_crew(2) as crew:
        list(crew.map(work, range(50)))
    # What was begun goes on by itself.
    go.set()
    time.sleep(0.1)
    assert len(begun) <= 4


def test_what_nobody_has_waited_for_is_done_at_the_end() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.01)
        done.append(number)

    with open_crew(2) as crew:
        crew.map(work, range(6))
    assert sorted(done) == list(range(6))
