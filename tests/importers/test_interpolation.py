"""A text with variables means after an import what Docker Compose makes of it, which is the oracle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

from nexusctl.api.importing.importing import read_compose, write
from nexusctl.config.load import load
from nexusctl.errors import InputError
from nexusctl.model.load_request import Inputs
from tests.examples import share
from tests.importers.compose_oracle import ENVIRONMENT, environment, needs_compose, services, unset

CASES = [
    "${J1:-{}}", '${J1:-{"a":1}}', '${J1:-{"a":{"b":1}}}', '${A1:-{"a":1}}', '${A1-{"a":1}}', "$$${A1}", "$$$A1",
    "$$$$A1", "$${A1}", "$$$${A1}", "$$$$${A1}", "${A1:-${B1}}", "${J1:-${B1:-{x}}}y", "${J1:-a}b}", "$A1$B1",
    "${A1}}", "{${A1}}", "${J1-}", "${A1+x}", "${J1+x}", "${E1:+x}", "${E1+x}", "${E1-d}", "${E1:-d}", "${E1}", "a$",
    "$1", "${J1:-$$}", "${J1:-$${A1}}", "${J1:-$$A1}", "${J1:-{$A1}}", "${A1:?m}", "${E1?m}", "${J1:-\"}\"}",
    "$${A1:-{}}",
    'x${J1:-{"a":"${B1}"}}y${A1}', "${J1:-{}x", "${J1}", "$J1", "\\${A1}", "a b", "{}", "}{", "$$", "$$$$",
    "${B1:+$${J1:-${J1:-}}", "${B1:+$${J1:-}}", "${B1:+{x}", "${B1:+{ {x} }", "${B1:+{${A1}{$$}", "${B1+{$$${A1}}",
    "${A1:?{x}", "${A1?$${x}", "${J1:+{x}", "$$${A1:+{x}}", "${A1:+$$}{x}", "${J1:-$$$${A1}", "${J1:-$${A1}{${B1}}",
    "${A1:?{}}}}", "${J1:-{${A1}}}", "${J1:-{$A1}}}", "${A1}{}}",
]  # fmt: skip

# What stands for the variable has a `}` of its own.
FORMLESS = ["${J1:-{}}y}", "${J1:-{{x}}z}", "${E1+{}}}", "${A1:+{}}${B1:+{}}", "${B1:+{}}y}"]

PARTS = ["$", "$$", "${A1}", "$A1", "${J1:-", "${E1-", "${B1:+", "}", "{", "}}", "x", '"', " ", ":", "${E1:-d}"]
texts = st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map("".join)


def imported(folder: Path, written: Mapping[str, str | None], env_files: Sequence[Path] = ()) -> dict[str, str]:
    file = {"services": {"a": {"image": "debian", "environment": written}}}
    (folder / "compose.yaml").write_text(json.dumps(file), encoding="utf-8")
    (folder / "nexus.yaml").unlink(missing_ok=True)
    write(read_compose(folder / "compose.yaml", folder, env_files=env_files), folder / "nexus.yaml")
    return {name: str(text) for name, text in load(Inputs(files=(folder / "nexus.yaml",))).sandboxes["a"].env.items()}


@pytest.fixture(autouse=True)
def outer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@needs_compose
def test_no_case_means_something_else(tmp_path: Path) -> None:
    written = {f"V{number}": text for number, text in enumerate(CASES)}
    theirs = services(tmp_path, {"a": {"environment": written}})
    assert not isinstance(theirs, str), theirs
    assert imported(tmp_path, written) == environment(theirs["a"])


@needs_compose
@pytest.mark.parametrize("text", FORMLESS)
def test_what_has_no_form_is_listed(tmp_path: Path, text: str) -> None:
    theirs = services(tmp_path, {"a": {"environment": {"V": text}}})
    assert not isinstance(theirs, str), theirs
    assert "}" in environment(theirs["a"])["V"].removesuffix("}")
    draft = read_compose(tmp_path / "compose.yaml", tmp_path)
    assert any("has no form" in left.reason for left in draft.leftovers)
    # What is written is right now wherever a variable is not set, and valid in any case.
    assert imported(tmp_path, {"V": text})["V"] == ("" if "+" in text else environment(theirs["a"])["V"])


def test_a_secret_that_has_no_form_is_in_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('DB_PASSWORD=hun}ter2x9Qz\nTOKEN="a}{b9f8e7d6c5"\n')
    written = {"X_TOKEN": "${TOKEN:-z}", "DB_PASSWORD": None, "Y": "${DB_PASSWORD:-{}}q}", "Z": "x${TOKEN}"}
    file = {"services": {"a": {"image": "debian", "environment": written, "command": "run ${TOKEN} ${DB_PASSWORD}"}}}
    (tmp_path / "compose.yaml").write_text(json.dumps(file), encoding="utf-8")
    draft = read_compose(tmp_path / "compose.yaml", tmp_path)
    assert {"token", "db-password"} <= draft.document["secrets"].keys()
    for part in ("ter2x9Qz", "b9f8e7d6c5"):
        assert part not in str(draft)


@needs_compose
@share(suppress_health_check=list(HealthCheck))
@given(st.lists(texts, min_size=1, max_size=3))
def test_no_text_means_something_else(tmp_path: Path, found: list[str]) -> None:
    written = {f"V{number}": text for number, text in enumerate(found)}
    theirs = services(tmp_path, {"a": {"environment": written}})
    assume(not isinstance(theirs, str))
    ours, right = imported(tmp_path, written), environment(theirs["a"])
    # What stands there for a variable that is set, and has no form, is left out.
    listed = [left.what for left in read_compose(tmp_path / "compose.yaml", tmp_path).leftovers]
    told = {key for key, text in written.items() if any(n.endswith("+...}") and n[:-4] in text for n in listed)}
    assert {key: ours[key] for key in right if key not in told} == {key: right[key] for key in right if key not in told}


@needs_compose
def test_what_is_in_the_file_beside_it_counts_as_for_compose(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        'A1=file\nE1=file\nLATE=${LATER}\nLATER=1\nTWICE=1\nREF=${TWICE}x\nTWICE=2\nESC="a\\${TWICE}"\n'
        'JSON={"a": {"b": 1}}\nOPEN={\nKEY="one\ntwo"\nNAMED\nQUOTE=\'it\\\'s\'\nYAML: y\nBOTH="\\$x ${TWICE}"\n'
    )
    names = ("A1", "E1", "LATE", "LATER", "TWICE", "REF", "ESC", "JSON", "KEY", "NAMED", "QUOTE", "YAML", "BOTH")
    written: dict[str, str | None] = {f"V_{name}": f"${{{name}}}" for name in names}
    # A name alone has the value of the file too.
    written |= {"LATER": None, "ESC": None}
    theirs = services(tmp_path, {"a": {"environment": written}})
    assert not isinstance(theirs, str), theirs
    assert imported(tmp_path, written) == environment(theirs["a"])


NAMES = ("A1", "E1", "E2", "J1", "J2")
FORMS = [
    "${%s}", "$%s", "${%s-d}", "${%s:-d}", "${%s:-}", "${%s:-file}", "${%s+r}", "${%s:+r}", "${%s:+}", "${%s?m}",
    "x${%s:-${B1}}y", '${%s:-{"a":1}}', "${%s:-${J1:-$$}}", "${%s:+${B1}}",
]  # fmt: skip
# What stands there for a variable, and has that in it.
OWN = [
    "${%s:+a $%s}",
    "${%s:+${%s}}",
    "${%s:+--x=${%s:-d}$$y}",
    "${%s:+$%s,$B1,$%s}",
    "-${%s:+(${%s-d})}-",
    "${%s:+$$$%s}",
]


@needs_compose
@pytest.mark.parametrize(
    "file", ["A1=file\nE1=file\nE2=\nJ1=file\nJ2=\n", 'E1=$B1\nE2=\'$x\'\nJ1={x}\nJ2="a\\"b"\n', ""]
)
def test_what_the_caller_sets_counts_before_the_file_empty_too(tmp_path: Path, file: str) -> None:
    (tmp_path / ".env").write_text(file)
    written = {f"V{at}_{name}": form % name for name in NAMES for at, form in enumerate(FORMS)}
    written |= {f"W{at}_{name}": form.replace("%s", name) for name in NAMES for at, form in enumerate(OWN)}
    # One that has to be there and is not refuses the whole file.
    written = {key: text for key, text in written.items() if not ("?m" in text and name_of(key) + "=" not in file)}
    theirs = services(tmp_path, {"a": {"environment": written}})
    assert not isinstance(theirs, str), theirs
    listed = {left.what for left in read_compose(tmp_path / "compose.yaml", tmp_path).leftovers}
    # An empty text where the caller has one, and another where nobody has, has no form.
    told = {
        key
        for key, text in written.items()
        if (key[0] == "V" or f"{name_of(key)}=$" in file) and ":+" in text and f"${{{name_of(key)}:+...}}" in listed
    }
    assert told <= {
        key for key in written if file.partition("\n")[0] and name_of(key) in ("A1", "E1", "E2", "J1", "J2")
    }
    ours, right = imported(tmp_path, written), environment(theirs["a"])
    assert {key: ours[key] for key in ours if key not in told} == {key: right[key] for key in right if key not in told}


@needs_compose
@pytest.mark.parametrize(
    "value", ["${N1}", "${N1:+x}", "${N1:-}", "${A1:-x}", "${N1:-x}", "x${N1}", "$N1$N2", "${E1-x}"]
)
def test_where_another_of_the_file_may_be_empty_it_is_right_or_told(tmp_path: Path, value: str) -> None:
    (tmp_path / ".env").write_text(f"K={value}\n")
    written = {"V": "${K:-d}", "W": "${K-d}", "X": "$K", "Y": "${K:+<$K>}"}
    theirs = services(tmp_path, {"a": {"environment": written}})
    assert not isinstance(theirs, str), theirs
    listed = {left.what for left in read_compose(tmp_path / "compose.yaml", tmp_path).leftovers}
    told = "${K:-...}" in listed
    assert told == ("${K:+...}" in listed)
    ours, right = imported(tmp_path, written), environment(theirs["a"])
    assert {key: ours[key] for key in "WX"} == {key: right[key] for key in "WX"}
    assert told or ours == right
    assert told == (value not in ("${A1:-x}", "${N1:-x}", "x${N1}"))


def name_of(key: str) -> str:
    return key.partition("_")[2]


@needs_compose
def test_one_that_the_caller_empties_and_that_is_demanded_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("E1=file\nJ1=file\n")
    assert "missing a value: m" in str(services(tmp_path, {"a": {"environment": {"V": "${E1:?m}"}}}))
    with pytest.raises(InputError, match="m"):
        imported(tmp_path, {"V": "${E1:?m}"})
    assert imported(tmp_path, {"V": "${J1:?m}"}) == {"V": "file"}


@needs_compose
def test_a_variable_that_nobody_sets_is_listed_where_compose_warns(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('REF=${N1}\nESC="\\$N2"\nLATE=${LATER}\nLATER=1\n')
    texts = ["${N3}", "x$N4 $N3", "${N5:-}", "${N5-d}", "${N6:+x}", "${N7:-${N8}}", "${E1}", "${A1:-${N9}}", "$${N10}"]
    texts += ["${E1:+$N11}", "${LATER}", "${REF}", "$A1$N12$$N13"]
    service = {"environment": {f"V{at}": text for at, text in enumerate(texts)}, "profiles": ["${N14}"]}
    services(tmp_path, {"a": {**service, "labels": {"${N15}": "${N16}"}}})
    draft = read_compose(tmp_path / "compose.yaml", tmp_path)
    listed = {left.what.strip("${}") for left in draft.leftovers if "not set, and an empty" in left.reason}
    assert listed == unset(tmp_path)
    assert {"N1", "N3", "N16"} <= listed
    assert not any(left.excerpt for left in draft.leftovers if left.location and left.location.file == ".env")


@needs_compose
@pytest.mark.parametrize("way", ["options", "environment"])
def test_files_of_variables_are_read_instead_of_the_one_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    (tmp_path / ".env").write_text("J1=beside\nJ2=beside\n")
    (tmp_path / "one.env").write_text("J1=one\nJ3=one\nA1=one\nE1=one\n")
    (tmp_path / "two.env").write_text("J1=two\nJ4=${J3}x\n")
    files = [tmp_path / "one.env", tmp_path / "two.env"]
    written: dict[str, str | None] = {f"V{name}": f"${{{name}:-d}}" for name in ("J1", "J2", "J3", "J4", "A1", "E1")}
    written |= {"J4": None}
    theirs = services(tmp_path, {"a": {"environment": written}}, [f"--env-file={file}" for file in files])
    assert not isinstance(theirs, str), theirs
    if way == "environment":
        monkeypatch.setenv("COMPOSE_ENV_FILES", ",".join(map(str, files)))
    assert imported(tmp_path, written, files if way == "options" else ()) == environment(theirs["a"])


def test_a_file_of_variables_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no env file"):
        imported(tmp_path, {"A": "1"}, [tmp_path / "none.env"])
