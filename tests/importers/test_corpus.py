"""All files of others in one count: refused, told, and what differs in silence from what Compose makes of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.api.importing.importing import read_compose, read_devcontainer, write
from nexusctl.config.load import load
from nexusctl.importers.draft.draft import Draft
from nexusctl.importers.draft.names import fit_name
from nexusctl.model.load_request import Inputs
from nexusctl.model.stack import Sandbox
from tests.importers.compose_oracle import ENVIRONMENT, environment, needs_compose
from tests.importers.test_golden import CASES


def test_every_file_is_taken_and_what_it_writes_is_valid(
    tmp_path: Path, record_property: Callable[[str, object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    told = {str(case): len(take(shutil.copytree(case, tmp_path / f"{n}-{case.name}"), case)[0].leftovers) for n, case in
            enumerate(CASES)}  # fmt: skip
    record_property("figure", f"imports: {len(told)} files, refused 0, told {sum(told.values())}")


@needs_compose
def test_no_service_of_them_differs_in_silence(
    tmp_path: Path, record_property: Callable[[str, object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    count: Counter[str] = Counter()
    silent: list[str] = []
    for case in (case for case in CASES if case.parent.name == "compose"):
        folder = shutil.copytree(case, tmp_path / case.name)
        theirs = ask_compose(folder)
        draft, sandboxes = take(folder, case)
        listed = [left.what for left in draft.leftovers]
        for name, service in theirs.items():
            found = next((sandbox for sandbox in sandboxes if sandbox.group == fit_name(name)), None)
            assert found, f"{case.name}: {name}"
            for what, alike in compare(service, found):
                # Several services may share a mapping, and its place is told once.
                last = what.rpartition(".")[2]
                known = any(last in line and (name in line or last.isupper()) for line in listed)
                count["alike" if alike else "told" if known else "silent"] += 1
                silent += [] if alike or known else [f"{case.name}: {name}.{what}"]
    record_property("figure", f"imports, by Compose: {', '.join(f'{what} {n}' for what, n in sorted(count.items()))}")
    assert silent == []
    assert count["alike"] > 60


def take(folder: Path, case: Path) -> tuple[Draft, list[Sandbox]]:
    if case.parent.name == "compose" or (case / "compose.yaml").exists():
        draft = read_compose(folder / "compose.yaml", folder, profiles=["*"])
    else:
        draft = read_devcontainer(folder / "devcontainer.json", folder)
    write(draft, folder / "nexus.yaml")
    return draft, list(load(Inputs(files=(folder / "nexus.yaml",))).sandboxes.values())


def ask_compose(folder: Path) -> dict[str, Any]:
    """Its services as Compose has them, none where it refuses the file."""
    bare = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "DOCKER_CONFIG")}
    command = ["docker", "compose", "--profile", "*", "-f", folder / "compose.yaml", "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env={**bare, **ENVIRONMENT}, check=False)
    found: dict[str, Any] = json.loads(done.stdout)["services"] if done.returncode == 0 else {}
    return found


def compare(service: dict[str, Any], sandbox: Sandbox) -> Iterator[tuple[str, bool]]:
    """What of the two has to be alike, and whether it is."""
    for name, value in environment(service).items():
        yield f"environment.{name}", str(sandbox.env.get(name)) == value
    words = [word.replace("$$", "$") for word in [*(service.get("entrypoint") or []), *(service.get("command") or [])]]
    if words:
        yield "command", list(sandbox.command or ()) == words
    ports = {(port["target"], str(port.get("published") or "")) for port in service.get("ports", ())}
    yield "ports", ports == {(port.container, str(port.host or "")) for port in sandbox.ports}
    if "working_dir" in service:
        yield "working_dir", sandbox.working_dir == service["working_dir"]
