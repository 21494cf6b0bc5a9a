"""A lock that was left behind: whose it was is said before and after it goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.lock import hold
from nexusctl.errors import NotFound
from nexusctl.model.engine_names import lock_name
from nexusctl.model.observed.lock_holder import LockHolder
from tests.e2e.case import Case

pytestmark = pytest.mark.engine


@pytest.fixture
def locked(tmp_path: Path, wire: Wire, stack_name: str) -> Iterator[Case]:
    """A stack that somebody on another machine has locked."""
    (tmp_path / "nexus.yaml").write_text(f"name: {stack_name}\n")
    holder = LockHolder(
        stack=stack_name,
        owner="0123456789abcdef",
        user="dev",
        host="elsewhere",
        pid=42,
        command="nexusctl apply",
        since=1_700_000_000.0,
    )
    with hold(wire, stack_name, holder, timeout=0, report=print):
        yield Case(folder=tmp_path, stack=stack_name, wire=wire)


def is_locked(case: Case) -> bool:
    try:
        case.wire.get(f"/volumes/{lock_name(case.stack)}")
    except NotFound:
        return False
    return True


WORDS = ("dev@elsewhere", "pid 42", "nexusctl apply", "since 2023-11-1")


def test_without_an_answer_it_says_whose_it_is_and_leaves_it(locked: Case) -> None:
    done = locked.nexusctl(["unlock"])
    assert done.returncode == 1
    for words in (*WORDS, "pass --yes"):
        assert words in done.stderr
    assert is_locked(locked)


def test_with_yes_it_goes_and_the_stack_can_be_changed(locked: Case) -> None:
    assert locked.nexusctl(["apply", "--yes", "--lock-timeout", "0s"]).returncode == 1
    done = locked.nexusctl(["unlock", locked.stack, "--yes"])
    assert done.returncode == 0
    for words in WORDS:
        assert words in done.stdout
    assert not is_locked(locked)
    assert locked.nexusctl(["apply", "--yes", "--lock-timeout", "0s"]).returncode == 0


def test_json_tells_the_holder_and_null_where_there_is_none(locked: Case) -> None:
    first, second = (json.loads(locked.nexusctl(["unlock", "--yes", "--json"]).stdout) for _ in range(2))
    assert (first["removed"]["user"], first["removed"]["pid"]) == ("dev", 42)
    assert second == {"format_version": "1.0", "stack": locked.stack, "removed": None}
    assert "is not locked" in locked.nexusctl(["unlock"]).stdout
