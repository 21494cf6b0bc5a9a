"""Somebody edits the stack file by hand while the door does: both edits stand, or the lines in the way are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import yaml

from nexusctl.api.apply import KeepReaper
from nexusctl.errors import Diagnostic, InputError, StepError
from nexusctl.mcp.edits import batches
from nexusctl.mcp.edits.apply_names import Applied
from nexusctl.mcp.edits.draft import StackDraft
from nexusctl.mcp.edits.workspace import Workspace

TEXT = """\
# Ours.
name: shop
sandboxes:
  web:   # the page
    template: base
    env: {A: "1"}
  db: {template: base}
"""

Edit = Callable[[StackDraft], StackDraft]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    Path("nexus.yaml").write_text(TEXT)
    return Workspace(Path("nexus.yaml"), "shop")


def add(name: str) -> Edit:
    return lambda draft: draft.add(name, {"template": "base"})


def by_hand(before: str, after: str) -> None:
    path = Path("nexus.yaml")
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def sandboxes() -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(Path("nexus.yaml").read_text())["sandboxes"]
    return found


def test_what_is_saved_while_an_edit_is_made_stays(workspace: Workspace) -> None:
    saved: list[int] = []

    def edit(draft: StackDraft) -> StackDraft:
        if len(saved) < 3:
            saved.append(len(saved))
            by_hand("# the page", f"# the page, {len(saved)}")
        return add("new")(draft)

    written = workspace.write({1: edit}, ["new"])
    written.clear()
    assert list(sandboxes()) == ["web", "db", "new"]
    assert "# the page, 3, 2, 1" in Path("nexus.yaml").read_text()


def test_a_file_that_changes_all_the_time_is_left_alone(workspace: Workspace) -> None:
    def edit(draft: StackDraft) -> StackDraft:
        by_hand("# Ours", "# Ours, ours")
        return add("new")(draft)

    with pytest.raises(InputError, match="changes all the time"):
        workspace.write({1: edit}, ["new"])
    assert list(sandboxes()) == ["web", "db"]


def test_a_taking_back_keeps_what_somebody_has_edited_elsewhere(workspace: Workspace) -> None:
    written = workspace.write({1: add("new")}, ["new"])
    by_hand('{A: "1"}', '{A: "2"}')
    workspace.take_back(written, {}, ["new"])
    written.clear()
    assert sandboxes() == {"web": {"template": "base", "env": {"A": "2"}}, "db": {"template": "base"}}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('A: "2"', 'A: "3"', "somebody has edited web meanwhile: lines 4 to 6 of `nexus.yaml`"),
        ('  web:   # the page\n    template: base\n    env: {A: "2"}\n', "", "somebody has taken web out"),
    ],
)
def test_a_taking_back_tells_the_lines_that_are_in_its_way(
    workspace: Workspace, before: str, after: str, told: str
) -> None:
    def edit(draft: StackDraft) -> StackDraft:
        return draft.set(("sandboxes", "web", "env", "A"), "2")

    written = workspace.write({1: edit}, ["web"])
    by_hand(before, after)
    text = Path("nexus.yaml").read_text()
    with pytest.raises(InputError) as caught:
        workspace.take_back(written, {}, ["web"])
    written.clear()
    (problem,) = caught.value.diagnostics
    assert problem.summary.startswith(told), problem
    assert problem.location is None or (problem.location.file, problem.location.line) == ("nexus.yaml", 4)
    assert Path("nexus.yaml").read_text() == text


def test_an_edit_on_a_broken_file_tells_its_line_and_leaves_it(workspace: Workspace) -> None:
    by_hand('env: {A: "1"}', "env: {A: [")
    text = Path("nexus.yaml").read_text()
    written = workspace.write({1: add("new")}, ["new"])
    (problem,) = written.refused[1].diagnostics
    assert problem.location is not None
    assert problem.location.file == "nexus.yaml"
    assert problem.location.line in (6, 7), problem
    assert Path("nexus.yaml").read_text() == text


def test_a_call_that_fails_tells_why_and_what_is_in_the_way(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person saves the very sandbox while its apply is under way, and that fails: both are told."""

    def apply(_: Workspace, __: Iterable[str], ___: KeepReaper, *, begun: bool) -> Applied:
        assert not begun
        by_hand('A: "2"', 'A: "3"')
        raise StepError(Diagnostic("the engine has no space left"))

    monkeypatch.setattr(batches, "apply_names", apply)
    running = batches.Batches(workspace)
    try:
        request = batches.Request(
            sandboxes=("web",), edit=lambda draft: draft.set(("sandboxes", "web", "env", "A"), "2"), who="a", title="t"
        )
        with pytest.raises(InputError) as caught:
            running.submit(request).result(60)
    finally:
        running.close()
    assert [problem.summary for problem in caught.value.diagnostics] == [
        "the engine has no space left",
        "not taken back: somebody has edited web meanwhile: lines 4 to 6 of `nexus.yaml`",
    ]
    assert 'A: "3"' in Path("nexus.yaml").read_text()
