"""Env files mean to a stack what they mean to Docker Compose, which is the oracle; a line it cannot read is refused.

What differs on purpose is told: Compose puts variables into a value (an import lists each), reads a name at the end of
a file without a line end as the value of a variable without a name, and takes variables without a name.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from nexusctl.config.document.problems import Problems
from nexusctl.config.read.dotenv import read_variables
from nexusctl.model.trust import OURS
from tests.examples import share
from tests.importers.compose_oracle import ENVIRONMENT, environment, needs_compose, services

CASES = [
    "A=1\n",
    "COLOR=#ff0000\n",
    "A=b # c\n",
    "A=b#c\n",
    "A=b\t# c\n",
    "A= # c\n",
    "A=#\n",
    "A=a # b # c\n",
    'A="b # c" # d\n',
    'A="b"#c\n',
    "A='b # c' # d\n",
    'KEY="-----BEGIN-----\nabc/def\nab==\n-----END-----"\nB=2\n',
    "KEY='-----BEGIN-----\nabc\n-----END-----'\nB=2\n",
    'A="x\n# y\nz"\n',
    'A="x\n\nz"\n',
    'A="x\r\nz"\r\nB=2\r\n',
    'A="a\\nb"\n',
    'A="\\a\\b\\f\\v"\n',
    'A="\\0123"\n',
    'A="\\012"\n',
    'A="\\0"\n',
    'A="\\07x"\n',
    'A="\\0999"\n',
    'A="\\01234"\n',
    'A="\\0377"\n',
    'A="\\0400"\n',
    'A="\\101"\n',
    'A="a\\cb"\n',
    'A="\\e"\n',
    'A="\\x41"\n',
    'A="\\u0041"\n',
    'A="\\t\\r"\n',
    'A="a\\"b"\n',
    'A="a\\\\b"\n',
    'A="a\\\\nb"\n',
    'A="a\\\\"\n',
    'A="a\\$b"\n',
    'FOO=1\nB="a\\${FOO}"\n',
    'A="a\\\'b"\n',
    'A="a\\`b"\n',
    'A="a\\qb"\n',
    'A="a\\\\\\\\b"\n',
    'A="a\\\nb"\n',
    'A="a\\\\\\"b"\n',
    "A='a\\nb'\n",
    "A='it\\'s'\n",
    "A='a\\\\b'\n",
    "A='a\\'\nB='x'\n",
    "A='$HOME'\n",
    "A=a\\nb\n",
    "A=a\\$b\n",
    'A=a"b"\n',
    "A=it's\n",
    'A="a""b"\n',
    'A="a" b\n',
    'A="a" B=2\n',
    'A="a"b\n',
    "A='a' b\n",
    'A="a"\n\nB=1\n',
    "NAMED\n",
    "NOTSET\n",
    "NAMED  \n",
    "NAMED # c\n",
    "export NAMED\n",
    "NAMED OTHER\n",
    "NAMED\r\nA=1\r\n",
    "discovery.type=single\n",
    "foo-bar=1\n",
    "a[0]=1\n",
    "9X=1\n",
    "9=1\n",
    "\xc9=1\n",
    "a/b=1\n",
    "a+b=1\n",
    "a b=1\n",
    "A =1\n",
    "A= 1\n",
    "  A  =  1  \n",
    "\tA=1\n",
    '"A"=1\n',
    "'A'=1\n",
    "X: y\n",
    "X:y\n",
    'X: "y z" # c\n',
    "X=http://a:1\n",
    "X:a=b\n",
    "export A=1\n",
    "export\tA=1\n",
    "export  A=1\n",
    "exportA=1\n",
    "export=1\n",
    "export\n",
    "export =1\n",
    "A=\n",
    'A=""\n',
    "A=''\n",
    "A==1\n",
    "A=b=c\n",
    "=1\n",
    "=\n",
    "A=1\r\nB=2\r\n",
    'A="1"\r\nB=2\r\n',
    "A=1\rB=2\n",
    "\ufeffA=1\n",
    "A=1\xa0\n",
    "\xa0A=1\n",
    "A=1  \t \n",
    "A=1\x0b\n",
    "A=1\x85B=2\n",
    "A=1\u2028B=2\n",
    "A=x\u3000\n",
    "A=\u3000x\n",
    'A="b\nC=1\n',
    "A='b\n",
    'A={"a": 1}\n',
    "A='{\"a\": 1}'\n",
    'A="{\\"a\\": 1}"\n',
    "A=1\nA=2\n",
    "# c\nA=1\n",
    "  # c\nA=1\n",
    "A=1\n# c",
    "\n\n A=1\n\n",
    "",
    "A=1; B=2\n",
    "A=`date`\n",
    "A=~/x\n",
    "A=*\n",
    "A=a  b\n",
    "A=%s\n",
    "A=!x\n",
    "A=a&b\n",
    "A=$(date)\n",
    "FOO=1\nA=$FOO\n",
    "FOO=1\nA=${FOO}x\n",
    "A=$FOO\nFOO=1\n",
    "A=$NAMED\n",
    'FOO=1\nA="$FOO"\n',
    "A=$$\n",
    "A=a$\n",
    "FOO=1\nA='$FOO'\n",
    "A=${NOPE:-x}\n",
    "A=$1\n",
]

PARTS = [
    "A",
    "B1",
    "NAMED",
    "a.b",
    "x-y",
    "export ",
    "=",
    ":",
    " ",
    "  ",
    "\t",
    "\n",
    "\n",
    "\r\n",
    '"',
    "'",
    "#",
    " #",
    "\\",
]
PARTS += [
    "\\n",
    '\\"',
    "\\'",
    "\\$",
    "\\0123",
    "\\0",
    "\\x",
    "é",
    "1",
    "-",
    ",",
    "{",
    "}",
    "\xa0",
    "=b\n",
    '="',
    '"\n',
    "='",
    "'\n",
]
files = st.lists(st.sampled_from(PARTS), max_size=14).map("".join).map("{}\n".format)


def read(folder: Path, text: str) -> tuple[dict[str, str], bool, Problems]:
    """The variables, whether Compose puts others into one of them, and what is wrong."""
    (folder / "it.env").write_bytes(text.encode())
    found, problems = read_variables(folder / "it.env", "it.env", OURS)
    return {each.key.text: each.value.text for each in found}, any(each.template for each in found), problems


def compare(folder: Path, texts: list[str]) -> tuple[list[str], list[str]]:
    """Those of `texts` that mean something else here in silence, and those that are told to."""
    silent, told, mine = [], [], {}
    for number, text in enumerate(texts):
        found, expands, problems = read(folder, text)
        if problems or expands:
            told.append(text)
            continue
        (folder / f"{number}.env").write_bytes(text.encode())
        mine[number] = found
    theirs = services(folder, {f"s{number}": {"env_file": f"{number}.env"} for number in mine})
    assert not isinstance(theirs, str), theirs
    for number, found in mine.items():
        if environment(theirs[f"s{number}"]) != found:
            silent.append(texts[number])
    return silent, told


@pytest.fixture(autouse=True)
def outer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@needs_compose
def test_no_case_differs_in_silence(tmp_path: Path) -> None:
    silent, told = compare(tmp_path, CASES)
    assert not silent
    refused = [text for text in told if read(tmp_path, text)[2]]
    for text in refused:
        (tmp_path / "it.env").write_bytes(text.encode())
    # Nothing that Compose takes is refused but names of no letter, and signs that no text has.
    taken = []
    for text in refused:
        (tmp_path / "it.env").write_bytes(text.encode())
        if not isinstance(services(tmp_path, {"a": {"env_file": "it.env"}}), str):
            taken.append(text)
    assert taken == ["export =1\n", "=1\n", "=\n", "A=1\x0b\n"]


@needs_compose
@share(suppress_health_check=list(HealthCheck))
@given(st.lists(files, min_size=20, max_size=40))
def test_no_file_differs_in_silence(tmp_path: Path, texts: list[str]) -> None:
    assert not compare(tmp_path, texts)[0]


def test_a_value_over_several_lines_has_its_place_and_the_next_one_its_own(tmp_path: Path) -> None:
    (tmp_path / "it.env").write_text('KEY="a\nb"\nNEXT=1\n')
    key, following = read_variables(tmp_path / "it.env", "it.env", OURS)[0]
    assert (key.key.line, key.value.line, key.value.column) == (1, 1, 5)
    assert (following.key.line, following.value.text) == (3, "1")
