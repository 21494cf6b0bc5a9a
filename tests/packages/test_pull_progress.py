"""What the engine tells while it pulls, as a figure for people."""

from __future__ import annotations

import pytest

from nexusctl.engine.docker.images.debootstrap import compose_command, find_tool
from nexusctl.engine.docker.images.pull import percents
from nexusctl.errors import StepError


def downloading(layer: str, current: int, total: int) -> dict[str, object]:
    return {"id": layer, "status": "Downloading", "progressDetail": {"current": current, "total": total}}


def test_the_share_of_all_layers_is_told_once_per_figure_and_never_falls() -> None:
    messages = [
        {"status": "Pulling from library/node", "id": "22"},
        downloading("a", 50, 100),
        downloading("a", 50, 100),
        downloading("b", 0, 100),
        {"id": "a", "status": "Download complete"},
        downloading("b", 100, 100),
        {"id": "b", "status": "Pull complete"},
    ]
    assert list(percents(messages)) == [0, 50, 100]


def test_a_suite_is_made_without_what_images_do_not_need() -> None:
    command = compose_command("mmdebstrap", "bookworm", ["curl"], merge=True)
    assert command[-2:] == ["bookworm", "-"]
    assert "--include=usr-is-merged,tzdata,curl" in command
    assert "--dpkgopt=path-exclude=/usr/share/man/*" in command


def test_a_suite_from_before_the_merged_usr_is_left_as_it_is() -> None:
    assert "--include=tzdata" in compose_command("mmdebstrap", "bullseye", [], merge=True)


def test_a_missing_tool_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StepError) as caught:
        find_tool(print)
    assert "mmdebstrap" in (caught.value.diagnostics[0].hint or "")
