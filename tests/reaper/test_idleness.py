"""For how long nothing has happened in a container, by what is found of it at each look."""

from __future__ import annotations

from nexusctl.reaper.idleness import Trace, as_lists, count_idle, follow, from_lists


def idle(*looks: tuple[float, bool, float]) -> float:
    """After looks at an uptime each, with whether it was busy and what it had used of processors by then."""
    traces: dict[str, Trace] = {}
    for uptime, busy, cpu in looks:
        traces = from_lists(as_lists(follow(traces, uptime, {"a": (busy, cpu)})))
    return count_idle(traces, looks[-1][0])["a"]


def test_it_counts_from_the_first_look_and_from_the_last_deed() -> None:
    assert idle((100, False, 7.0)) == 0
    assert idle((100, False, 7.0), (105, False, 7.0), (110, False, 7.1)) == 10
    assert idle((100, False, 7.0), (105, True, 7.0), (110, False, 7.0)) == 5
    assert idle((100, False, 7.0), (105, False, 7.0), (110, False, 7.3)) == 0


def test_one_that_was_started_again_has_been_active() -> None:
    assert idle((100, False, 7.0), (160, False, 0.1), (165, False, 0.1)) == 5


def test_a_time_in_which_nobody_looked_counts_for_nothing() -> None:
    assert idle((100, False, 7.0), (130, False, 7.0), (1130, False, 7.0), (1135, False, 7.0)) == 35


def test_what_is_not_looked_at_any_more_is_not_idle() -> None:
    assert count_idle({"a": Trace(looked=100, cpu=1, active=50)}, 400) == {}
