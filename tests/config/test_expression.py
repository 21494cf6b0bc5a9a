"""Which parts of a text are literal, and which refer to something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexusctl.config.document.expression import DEPTH_LIMIT, Expression, MalformedReference, parse


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("$", ("$",)),
        ("$HOME $(x) $$ {a}", ("$HOME $(x) $$ {a}",)),
        ("$${a}", ("${a}",)),
        ("$$${a}", ("$${a}",)),
        ("$$ ${env.A-b}", ("$$ ", Expression(3, "${env.A-b}", "env", ("A",), None, "-", ("b",)))),
        ('${env.J:-{"a":{}}}', (Expression(0, '${env.J:-{"a":{}}}', "env", ("J",), None, ":-", ('{"a":{}}',)),)),
        ("${env.J:-{}x", (Expression(0, "${env.J:-{}", "env", ("J",), None, ":-", ("{",)), "x")),
        ("${env.J:-$${}x", (Expression(0, "${env.J:-$${}", "env", ("J",), None, ":-", ("${",)), "x")),
        ("${env.J+{x}}", (Expression(0, "${env.J+{x}}", "env", ("J",), None, "+", ("{x}",)),)),
        ("a$${b}c$${d", ("a${b}c${d",)),
    ],
)
def test_a_dollar_is_literal_and_two_before_a_brace_are_one(text: str, parts: tuple[str, ...]) -> None:
    assert parse(text) == parts


def test_a_reference_knows_its_words_its_argument_and_its_place() -> None:
    first, dash, second = parse("${sandbox.db.port.5432}-${file:./a b/c.txt}")
    assert first == Expression(0, "${sandbox.db.port.5432}", "sandbox", ("db", "port", "5432"), None, "", ())
    assert dash == "-"
    assert second == Expression(24, "${file:./a b/c.txt}", "file", (), "./a b/c.txt", "", ())


def test_what_stands_in_may_hold_references_escapes_and_braces_of_its_own() -> None:
    text = "x${env.A:-b${env.C:?no $${c}}d}"
    _, outer = parse(text)
    assert isinstance(outer, Expression)
    assert (outer.at, outer.operator, outer.text) == (1, ":-", text[1:])
    literal, inner, behind = outer.operand
    assert (literal, behind) == ("b", "d")
    assert isinstance(inner, Expression)
    assert (inner.at, inner.operator, inner.operand) == (text.index("${env.C"), ":?", ("no ${c}",))


def test_references_inside_of_each_other_have_an_end() -> None:
    deepest = parse("${env.A:-" * (DEPTH_LIMIT + 2) + "}" * (DEPTH_LIMIT + 2))
    for _ in range(DEPTH_LIMIT):
        assert isinstance(deepest[0], Expression)
        deepest = deepest[0].operand
    assert isinstance(deepest[0], MalformedReference)


@given(st.text("${}.:-?ax \n", max_size=40))
def test_any_text_is_taken_apart_and_each_part_knows_where_it_began(text: str) -> None:
    for part in parse(text):
        if isinstance(part, Expression):
            assert text[part.at : part.at + len(part.text)] == part.text
        elif isinstance(part, MalformedReference):
            assert text[part.at : part.at + 2] == "${"


@given(st.text(max_size=40))
def test_any_text_comes_back_once_it_is_escaped(text: str) -> None:
    assert "".join(map(str, parse(text.replace("${", "$${")))) == text
