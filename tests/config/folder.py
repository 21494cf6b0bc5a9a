"""What a folder of a golden test loads: its `nexus.yaml`, or what its `inputs.json` says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nexusctl.model.load_request import Given, Inputs


def read_inputs(folder: Path = Path()) -> Inputs:
    """The inputs of `folder`; its `inputs.json` may have `files`, `profiles`, and `values` and `value_files`."""
    told = _read(folder)
    values = tuple(map(Path, told.get("value_files", ())))
    return Inputs(
        files=tuple(folder / name for name in told.get("files", ["nexus.yaml"])),
        given=Given(values=told.get("values", {}), files=values),
        profiles=tuple(told.get("profiles", ())),
    )


def read_environment(folder: Path = Path()) -> dict[str, str]:
    """The variables of the environment that `folder` is loaded with."""
    environment: dict[str, str] = _read(folder).get("environment", {})
    return environment


def _read(folder: Path) -> Any:
    path = folder / "inputs.json"
    return json.loads(path.read_text()) if path.exists() else {}
