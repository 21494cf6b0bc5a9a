"""Whatever is taken out of a file that is imported, the import shows it: in what it writes, or in what it lists."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from nexusctl.api.importing.importing import read_compose, read_devcontainer
from nexusctl.config.document.node import Source
from nexusctl.errors import InputError
from nexusctl.importers.dockerfile.instructions import read_instructions
from nexusctl.importers.draft.draft import Draft
from nexusctl.importers.draft.yaml_writer import write_text
from tests.importers.test_golden import CASES

Place = tuple[str | int, ...]

# What says no more than its absence does.
SAYS_NOTHING = {
    ("condition", "service_started"), ("driver", "bridge"), ("driver", "default"), ("driver", "local"),
    ("network_mode", "bridge"),
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
        try:
            written, told = tell(read(folder, kind, without(document, path)))
        except InputError:
            # The value tells what the rest of its list means.
            return True, True
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


DOCKERFILES = sorted(path for case in CASES for path in case.rglob("Dockerfile"))


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: "-".join(path.parts[-3:-1]))
def test_no_line_of_a_dockerfile_is_dropped_in_silence(dockerfile: Path, tmp_path: Path) -> None:
    case = next(case for case in CASES if dockerfile.is_relative_to(case))
    folder = shutil.copytree(case, tmp_path / "elsewhere")
    document, place = load(case, "compose"), folder / dockerfile.relative_to(case)
    source = Source(place, "Dockerfile", dockerfile.read_text())
    lines = source.text.splitlines(keepends=True)
    begins = [instruction.place.line for instruction in read_instructions(source)]
    whole = tell_all(read(folder, "compose", document))
    lost = []
    for begin, end in pairwise([*begins, len(lines) + 1]):
        instruction = "".join(lines[begin - 1 : end - 1])
        if instruction.startswith("FROM"):
            continue
        # As many lines stay, so that what is listed stands in the same ones.
        place.write_text("".join(lines[: begin - 1]) + "\n" * (end - begin) + "".join(lines[end - 1 :]))
        if tell_all(read(folder, "compose", document)) == whole:
            lost.append(instruction)
    assert [line for line in lost if not line.startswith(UNBUILT)] == []


UNBUILT = ("RUN npm test", "WORKDIR /src", "RUN go build", "RUN npm run build", "COPY --from=build /code/build")
"""Of stages that are no part of the image; one that something is copied from is listed as a whole."""


def tell_all(draft: Draft) -> tuple[Any, ...]:
    return (*tell(draft), {name: file.data for name, file in draft.files.items()})


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
