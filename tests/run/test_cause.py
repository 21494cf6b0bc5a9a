"""Which lines of a failed program are shown: those that tell why. Data in, data out."""

from __future__ import annotations

from nexusctl.engine.first_error import GAP, choose_lines

NOISE = [f"step {'x' * number} of many" for number in range(60)]


def test_all_of_a_few_lines_are_shown() -> None:
    assert choose_lines(["a", "b", "a"], 3) == ("a", "b", "a")


def test_the_first_error_is_shown_before_the_last_lines() -> None:
    lines = ["starting", "gyp ERR! find Python you need Python", "you may set it", "or not", *NOISE, "not ok"]
    found = choose_lines(lines, 15)
    assert found[:4] == ("gyp ERR! find Python you need Python", "you may set it", "or not", GAP)
    assert (len(found), found[-1]) == (19, "not ok")


def test_what_only_sounds_like_an_error_gives_way_to_one() -> None:
    lines = ["it failed softly", *NOISE[:10], "fatal error: node.h: No such file", *NOISE]
    assert choose_lines(lines, 15)[0] == "fatal error: node.h: No such file"
    assert choose_lines(["it failed softly", *NOISE], 15)[0] == "it failed softly"


def test_lines_of_a_probe_do_not_push_the_cause_out() -> None:
    asked = [f'10.0.0.1 - - [29/Nov 16:{number:02}:01] "GET /health" 500' for number in range(200)]
    found = choose_lines(["listening on 80", "Error: no database at db:5432", *asked], 15)
    assert found == ("listening on 80", "Error: no database at db:5432", asked[0])


def test_without_any_error_the_last_lines_are_all() -> None:
    assert choose_lines(NOISE, 15) == tuple(NOISE[-15:])
