"""How a problem looks on a terminal."""

from __future__ import annotations

from nexusctl.errors import Diagnostic, Location, Note
from nexusctl.render.diagnostic import WIDEST, merge_alike, render_diagnostics


def test_a_problem_shows_its_line_its_notes_a_tools_last_words_and_what_to_do() -> None:
    problem = Diagnostic(
        "the startup script of `api` failed",
        location=Location("nexus.yaml", 12, 5),
        excerpt="    startup: npm run build",
        hint="run it with `nexusctl exec`",
        notes=(Note("the package was named here", Location("nexus.yaml", 3, 1), "packages:"), Note("it ran twice")),
        output=("npm error missing script", "npm error code 1"),
    )
    assert render_diagnostics([problem, Diagnostic("something else", severity="warning")]) == (
        "error: the startup script of `api` failed\n"
        "  --> nexus.yaml:12:5\n"
        "12 |     startup: npm run build\n"
        "   |     ^\n"
        "note: the package was named here\n"
        " --> nexus.yaml:3:1\n"
        "3 | packages:\n"
        "  | ^\n"
        "note: it ran twice\n"
        "    npm error missing script\n"
        "    npm error code 1\n"
        "help: run it with `nexusctl exec`\n"
        "\n"
        "warning: something else\n"
    )


def test_nothing_that_a_file_or_a_tool_says_reaches_the_terminal_as_a_command() -> None:
    wicked = "a\x1b[2Jb\x07c\u202ed\x9be"
    problem = Diagnostic(wicked, Location(wicked, 1, 1), wicked, wicked, (Note(wicked, None, None),), (wicked,))
    text = render_diagnostics([problem])
    assert text.replace("\n", "").isprintable()
    assert text.count("\\x1b[2J") == 6


def test_a_very_long_line_is_cut_around_the_caret() -> None:
    line = "x" * 5000 + "HERE" + "y" * 5000
    text = render_diagnostics([Diagnostic("wrong", Location("f", 1, 5001), line)])
    shown, caret = text.splitlines()[2:4]
    assert len(shown) < WIDEST + 12
    assert shown[caret.index("^") :].startswith("HERE")
    assert shown.startswith("1 | ...x")
    assert shown.endswith("y...")


def test_the_caret_stands_below_its_character_after_tabs_and_wide_ones() -> None:
    text = render_diagnostics([Diagnostic("wrong", Location("f", 1, 6), "\ta: 漢X")])
    line, caret = text.splitlines()[2:4]
    assert line == "1 |     a: 漢X"
    assert caret == "  |          ^"


def test_colour_is_only_there_where_it_is_asked_for() -> None:
    problem = Diagnostic("wrong", Location("f", 1, 1), "x", "do this")
    assert "\x1b[" in render_diagnostics([problem], color=True)
    assert "\x1b" not in render_diagnostics([problem])


def test_no_problems_are_no_text() -> None:
    assert render_diagnostics([]) == ""


def test_what_several_sandboxes_have_in_common_is_said_once() -> None:
    gone = [Diagnostic(f"{name}: no answer", hint="start it", sandbox=name) for name in ("api", "web")]
    own = Diagnostic("db: exited", sandbox="db")
    plain = Diagnostic("the lock is taken")
    assert merge_alike([gone[0], own, gone[1], plain]) == [
        Diagnostic("api, web: no answer", hint="start it"),
        own,
        plain,
    ]


def test_of_many_sandboxes_a_few_are_named() -> None:
    many = [Diagnostic(f"a{number}: no", sandbox=f"a{number}") for number in range(20)]
    assert [one.summary for one in merge_alike(many)] == ["a0, a1, a2, a3, a4, a5, a6, a7 and 12 more: no"]


def test_an_engine_that_is_gone_is_one_problem_however_each_call_met_it() -> None:
    ways = ("nothing listens there", "it closed the connection without an answer", "nothing listens there")
    met = [Diagnostic(f"a{n}: the engine at x does not answer: {way}", sandbox=f"a{n}") for n, way in enumerate(ways)]
    assert [one.summary for one in merge_alike(met)] == [
        "a0, a1, a2: the engine at x does not answer: nothing listens there"
    ]
