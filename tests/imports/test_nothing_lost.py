"""Whatever is taken out of a file that is imported, the import shows it: in what it writes, or in what it lists."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from nexusctl.api.importing import read_compose, read_devcontainer
from nexusctl.importers.draft.draft import Draft
from nexusctl.importers.draft.yaml_writer import write_text
from tests.imports.test_golden import CASES

Place = tuple[str | int, ...]

# What says no more than its absence does.
SAYS_NOTHING = {
    ("condition", "service_started"), ("driver", "bridge"), ("driver", "local"), ("network_mode", "bridge"),
    ("mode", "host"), ("privileged", False), ("protocol", "tcp"), ("required", True), ("restart", "no"), ("init", True),
    ("type", "volume"),
    ("default", None), ("create_host_path", True), ("volume", "{}"),
    ("name", "beside_default"), ("name", "beside_data"),
    ("workspaceFolder", "/workspaces/${localWorkspaceFolderBasename}"),
    ("overrideCommand", True), ("interval", "30s"), ("timeout", "30s"),
}  # fmt: skip
# Of a list that stands below one of these, each entry has to be accounted for by itself.
LISTS = {"appPort", "command", "configs", "depends_on", "entrypoint", "env_file", "environment", "forwardPorts",
         "mounts", "networks", "ports", "profiles", "secrets", "test", "volumes"}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_nothing_is_dropped_in_silence(case: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(case, tmp_path / "elsewhere")
    kind = case.parent.name
    document = load(case, kind)
    whole = read(folder, kind, document)
    listed = [leftover.what for leftover in whole.leftovers]

    def changes(path: Place) -> tuple[bool, bool]:
        """Whether what is written is another without the value at `path`, and whether what is listed is."""
        written, told = tell(read(folder, kind, without(document, path)))
        return written != tell(whole)[0], told != tell(whole)[1]

    lost = [
        path
        for path, value in leaves(document)
        if (path[-1], value) not in SAYS_NOTHING
        and not is_listed(path, listed)
        and changes(path) == (False, False)
        # An entry of a list that is listed as a whole.
        and not any(
            isinstance(path[end], int) and changes(path[: end + 1]) == (False, True) for end in range(len(path))
        )
    ]
    assert lost == []


def load(case: Path, kind: str) -> Any:
    if kind == "compose":
        return YAML(typ="safe", pure=True).load(case / "compose.yaml")
    text = (case / "devcontainer.json").read_text()
    bare = re.sub(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda found: found[1] or "", text, flags=re.DOTALL)
    return json.loads(re.sub(r",(\s*[}\]])", r"\1", bare))


def read(folder: Path, kind: str, document: Any) -> Draft:
    file = folder / ("compose.yaml" if kind == "compose" else "devcontainer.json")
    # JSON is YAML, and says a text in one way only.
    file.write_text(json.dumps(document, indent=1, default=str))
    return (read_compose if kind == "compose" else read_devcontainer)(file, folder)


def tell(draft: Draft) -> tuple[str, list[tuple[str, str]]]:
    """What an import writes and what it lists, but for the lines."""
    return write_text(draft.document), sorted((leftover.what, leftover.reason) for leftover in draft.leftovers)


def leaves(value: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        below = (*path, key)
        if isinstance(item, dict | list) and item:
            yield from leaves(item, below)
        else:
            yield below, item if not isinstance(item, dict | list) else str(item)


def without(document: Any, path: Place) -> Any:
    changed = copy.deepcopy(document)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    return changed


def is_listed(path: Place, listed: list[str]) -> bool:
    """Whether the key that `path` lies below has no place as a whole."""
    names = ["[]" if isinstance(key, int) else f".{key}" for key in path]
    ends = [end for end in range(len(path)) if path[end] not in LISTS or not isinstance((*path, "")[end + 1], int)]
    return not {"".join(names[: end + 1]).lstrip(".") for end in ends}.isdisjoint(listed)


@pytest.mark.parametrize(
    "path",
    [
        "services.web_app.ports", "services.web_app.environment", "services.web_app.volumes", "services.web_app.deploy",
        "services.web_app.deploy.resources", "services.web_app.networks", "services.web_app.depends_on",
        "services.web_app.privileged", "services.web_app.secrets", "services.db.healthcheck", "services.db.environment",
        "services.db.environment.POSTGRES_USER", "services.db.image", "networks.back", "networks.back.internal",
        "services.web_app.depends_on.db.condition", "volumes.shared.external",
        "volumes.shared", "configs.motd", "secrets.token",
    ],
)  # fmt: skip
@pytest.mark.parametrize("instead", [{"a": {"b": "c"}}, [["a"]], "no-such-thing", 7], ids=str)
def test_a_value_of_another_kind_is_not_dropped_in_silence(path: str, instead: Any, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "everything")
    folder, document, place = (
        shutil.copytree(case, tmp_path / "elsewhere"),
        load(case, "compose"),
        tuple(path.split(".")),
    )
    holder = gone = without(document, place)
    for key in place[:-1]:
        holder = holder[key]
    none = tell(read(folder, "compose", gone))
    holder[place[-1]] = instead
    assert tell(read(folder, "compose", gone)) != none
