"""Each secret is read once, all failures come at once, and none of them says anything of a value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexusctl.errors import InputError, Location, StepError
from nexusctl.model.secret import Secret, SecretFile, SecretRef, SecretText, SecretUse
from nexusctl.model.stack import Sandbox
from nexusctl.secrets.fit import require_fit
from nexusctl.secrets.reading import Readings, read_secrets
from nexusctl.secrets.sources import sources_for


class Counting:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, ref: SecretRef) -> bytes:
        self.asked.append(ref.name)
        return ref.where.encode()


def ref(name: str, where: str, **fields: object) -> SecretRef:
    return SecretRef(**{"name": name, "source": "env", "where": where} | fields)  # type: ignore[arg-type]


def value(readings: Readings, name: str) -> bytes:
    return readings.reveal(SecretUse(secret=name, digest=readings.digests[name])).reveal()


def test_every_secret_is_asked_for_once_and_a_source_is_opened_once() -> None:
    opened: list[Counting] = []

    def open_source() -> Counting:
        opened.append(Counting())
        return opened[-1]

    readings = read_secrets("shop", {name: ref(name, f"{n}") for n, name in enumerate("abc", 1)}, {"env": open_source})
    assert [source.asked for source in opened] == [["a", "b", "c"]]
    assert [value(readings, name) for name in "abc"] == [b"1", b"2", b"3"]


def test_all_failures_come_at_once_each_at_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXUS_TEST_ABSENT", raising=False)
    monkeypatch.setenv("NEXUS_TEST_EMPTY", "")
    place = Location("nexus.yaml", 3, 7)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * (1024 * 1024 + 1))
    refs = [
        ref("absent", "NEXUS_TEST_ABSENT", place=place, excerpt="  absent: {env: NEXUS_TEST_ABSENT}"),
        ref("empty", "NEXUS_TEST_EMPTY"),
        ref("gone", str(tmp_path / "gone"), source="file"),
        ref("folder", str(tmp_path), source="file"),
        ref("pipe", str(tmp_path / "pipe"), source="file"),
        ref("large", str(tmp_path / "large"), source="file"),
    ]
    with pytest.raises(InputError) as caught:
        read_secrets("shop", {one.name: one for one in refs})
    problems = caught.value.diagnostics
    assert [problem.summary.split(":")[0] for problem in problems] == [f"secret {r.name} cannot be read" for r in refs]
    assert problems[0].location == place
    assert problems[0].excerpt == "  absent: {env: NEXUS_TEST_ABSENT}"
    assert all(problem.hint for problem in problems)


def test_a_program_that_prints_a_secret_sees_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    refs = {"shown": ref("shown", "", source="command", command=("env",)), "other": ref("other", "NEXUS_TEST_OTHER")}
    for name in ("NEXUS_TEST_OTHER", "NEXUS_VAR_pin", "NEXUS_AGE_IDENTITY"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("NEXUS_VAR_port", "80")
    readings = read_secrets("shop", {"shown": refs["shown"]}, sources_for(refs.values(), {"pin"}))
    assert b"canary" not in value(readings, "shown")
    assert b"NEXUS_VAR_port=80" in value(readings, "shown")


def test_one_line_end_is_left_out_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content, trimmed in ((b"a\n", b"a"), (b"a\r\n", b"a"), (b"a\n\n", b"a\n"), (b"a", b"a"), (b" a \n", b" a ")):
        path.write_bytes(content)
        for trim, expected in ((True, trimmed), (False, content)):
            readings = read_secrets("shop", {"a": ref("a", str(path), source="file", trim=trim)})
            assert value(readings, "a") == expected


def test_a_former_value_is_never_mistaken_for_the_present_one() -> None:
    readings = Readings("shop", {"pin": Secret(b"1234")})
    for use in (SecretUse(secret="pin", digest="scrypt:00"), SecretUse(secret="pin"), SecretUse(secret="other")):
        with pytest.raises(StepError, match="known only by its digest"):
            readings.reveal(use)


def test_what_no_variable_can_hold_is_refused_and_a_file_proposed() -> None:
    values = {"nul": b"a\0b", "bytes": b"\xff\xfe", "long": b"x" * 131_072, "fine": "ünï\n$x".encode()}
    readings = Readings("shop", {name: Secret(data) for name, data in values.items()})
    env = {
        name.upper(): SecretText(parts=("-", SecretUse(secret=name, digest=readings.digests[name]))) for name in values
    }
    files = tuple(SecretFile(secret=name, name=name, digest=readings.digests[name]) for name in values)
    require_fit([Sandbox(name="a", group="a", image="x", secrets=files)], readings.reveal)
    with pytest.raises(InputError) as caught:
        require_fit([Sandbox(name="a", group="a", image="x", env=env)], readings.reveal)
    assert [problem.summary for problem in caught.value.diagnostics] == [
        "a: the variable NUL cannot hold secret nul: there is a NUL in it",
        "a: the variable BYTES cannot hold secret bytes: it is not UTF-8",
        "a: the variable LONG cannot hold secret long: it is longer than the 131,071 bytes that Linux takes",
    ]
    assert next(problem.hint for problem in caught.value.diagnostics) == (
        "deliver it as a file: `secrets: [nul]` in place of the variable"
    )
