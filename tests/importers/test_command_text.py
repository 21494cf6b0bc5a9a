"""A command written as one text has the words that Docker Compose makes of it, which is the oracle."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from nexusctl.api.importing.importing import read_compose, write
from nexusctl.config.load import load
from nexusctl.errors import InputError
from nexusctl.importers.draft.draft import Draft
from nexusctl.model.load_request import Inputs
from tests import prestarted
from tests.examples import share
from tests.importers.compose_oracle import ENVIRONMENT, needs_compose, services

CASES = [
    "npm run dev", "${J1:-npm run dev}", "server ${J1}", "server ${B1}", 'server "${B1}"', "server ${E1} x",
    'server "${J1}"', "server --port ${A1}", "server --port=${A1:-80}", "a && b", "a || b", "a; b", "a | b", "a > f",
    "a 2> f", "a &", '"a && b"', "a '&&' b", "a \\&\\& b", "a#b", "a # b", 'sh -c "echo $$HOME"', "sh -c \"echo 'x'\"",
    'a "b\\"c"', "a b\\ c", "a ''", 'a "" b', "  a  b  ", "a\nb", "a\tb", "`date`", "a $(date -u)", "a\\nb", '"a\\nb"',
    "'a\\nb'", "a <f", "echo 2>&1 x", "a $$(date) b", "a=b c", 'a "$$x"', "x'y'z", 'x"y"z', "a \\\\ b", "a {b,c}",
    '"$A1"', "$J1 x", 'a ${J1:-"b c"}', "a ${J1:-b  c} d", '"a\\\\b"', "$$A1", "a ${A1}${B1}", "a x$$${A1}", "`a b` c",
]  # fmt: skip
REFUSED = ["a (b)", 'a "b', "a b)", "a\\", "a 'b"]

PARTS = [
    "a",
    " ",
    "  ",
    "'",
    '"',
    "\\",
    "${A1}",
    "${B1}",
    "${J1}",
    "${E1}",
    "${J1:-x y}",
    "$$",
    "&",
    ";",
    ">",
    "1",
    "`",
    "#",
]
texts = st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map(lambda parts: "w " + "".join(parts))


def read(folder: Path, said: dict[str, object]) -> Draft:
    (folder / "compose.yaml").write_text(json.dumps({"services": {"a": {"image": "debian", **said}}}), encoding="utf-8")
    (folder / "nexus.yaml").unlink(missing_ok=True)
    return read_compose(folder / "compose.yaml", folder)


def words(folder: Path, said: dict[str, object]) -> list[str]:
    write(read(folder, said), folder / "nexus.yaml")
    command = load(Inputs(files=(folder / "nexus.yaml",))).sandboxes["a"].command
    return [str(word) for word in command or ()]


@pytest.fixture(autouse=True)
def outer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@needs_compose
@pytest.mark.parametrize("key", ["command", "entrypoint"])
def test_every_case_has_the_words_of_compose(tmp_path: Path, key: str) -> None:
    theirs = services(tmp_path, {f"s{number}": {key: text} for number, text in enumerate(CASES)})
    assert not isinstance(theirs, str), theirs
    wanted = {text: [word.replace("$$", "$") for word in theirs[f"s{n}"][key]] for n, text in enumerate(CASES)}
    assert {text: words(tmp_path, {key: text}) for text in CASES} == wanted


@needs_compose
@share(suppress_health_check=list(HealthCheck))
@given(texts)
def test_every_text_has_the_words_of_compose_or_is_told(tmp_path: Path, text: str) -> None:
    theirs = services(tmp_path, {"a": {"command": text}})
    if isinstance(theirs, str):
        assert any(found.what.endswith("command") for found in read(tmp_path, {"command": text}).leftovers)
    else:
        assert words(tmp_path, {"command": text}) == [word.replace("$$", "$") for word in theirs["a"]["command"]]


@needs_compose
@pytest.mark.parametrize("text", REFUSED)
def test_what_compose_cannot_split_is_told(tmp_path: Path, text: str) -> None:
    assert isinstance(services(tmp_path, {"a": {"command": text}}), str)
    assert read(tmp_path, {"command": text}).leftovers


@needs_compose
def test_a_check_without_a_kind_is_refused_as_compose_does(tmp_path: Path) -> None:
    said = {"healthcheck": {"test": ["curl", "-f", "localhost"]}}
    assert isinstance(services(tmp_path, {"a": said}), str)
    with pytest.raises(InputError) as caught:
        read(tmp_path, said)
    problem = caught.value.diagnostics[0]
    assert problem.summary == "the list of a `test` has to begin with CMD, CMD-SHELL or NONE"
    assert problem.location is not None


def test_an_invalid_draft_is_not_printed_as_if_it_were_one(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text('services: {a: {image: debian, user: ""}, b: {image: "a b"}}')
    words = ["import", "compose", str(tmp_path / "compose.yaml"), "--stdout", "-f", str(tmp_path / "nexus.yaml")]
    done = prestarted.run([sys.executable, "-m", "nexusctl", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error:" in done.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "compose.yaml"]


@pytest.mark.parametrize("text", ["${J1:-npm run dev}", "server ${J1}", "a && b", "a | ${A1}"])
def test_what_does_not_vary_any_more_or_is_left_out_is_told(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, {"command": text}).leftovers
