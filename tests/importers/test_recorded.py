"""What a record can say, the file that is made anew of it says too. Pure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nexusctl.api.importing.importing import write
from nexusctl.config.load import load, load_template
from nexusctl.importers.live.stack import read_recorded
from nexusctl.model.stack import Lifecycle, Mount, Network, Sandbox, Stack, Volume
from nexusctl.plan.compare.fields import TABLE, compare
from nexusctl.plan.compare.secrets import assume_unchanged
from nexusctl.plan.decide.decide import leave_unprobed
from tests.plan.variants import BASE, EITHER, SERVICE, STRUCTURE, TASK

# The digests of these are made up, and there is no content that has them.
_WITH_CONTENT = ("uploads", "packages")

SAID = [
    (kind, field, value)
    for kind, variants in (("service", {**EITHER, **SERVICE}), ("task", {**EITHER, **TASK}))
    for field, values in variants.items()
    if field not in _WITH_CONTENT
    for value in values
    # No file can ask for a command of no words.
    if (field, value) != ("command", ())
]
SAID.append(("service", "image_health", False))


def test_every_field_is_tried() -> None:
    tried = {field for _, field, _ in SAID} | {*_WITH_CONTENT, *STRUCTURE}
    assert {rule.field for rule in TABLE} <= tried


@pytest.mark.parametrize(("kind", "field", "value"), SAID)
def test_a_sandbox_is_made_anew_with_all_that_its_record_says(
    tmp_path: Path, kind: Any, field: str, value: Any
) -> None:
    said = {"image": BASE, field: as_read(value, tmp_path), **(used_by(value) if field == "shares" else {})}
    assert again(tmp_path, Sandbox(name="a", group="a", kind=kind, **said)) == ()


@pytest.mark.parametrize("kind", ["service", "task"])
@pytest.mark.parametrize("template", ["node", "postgres", "react"])
def test_a_template_of_ones_own_may_be_called_like_a_built_in_one(tmp_path: Path, template: str, kind: Any) -> None:
    sandbox = Sandbox(name="a", group="a", image=BASE, template=template, kind=kind, metadata={"team": "x"})
    assert again(tmp_path, sandbox) == ()


def used_by(shares: tuple[str, ...]) -> dict[str, Any]:
    """A sandbox shares what it is in and what it mounts."""
    objects = [share.split(":") for share in shares]
    mounts = tuple(Mount(kind="volume", source=name, target="/x") for kind, name in objects if kind == "volume")
    return {"networks": tuple(name for kind, name in objects if kind == "network") or ("default",), "mounts": mounts}


def as_read(value: Any, folder: Path) -> Any:
    """`value` as a file is read: what is ignored in order, and folders of this host that there are."""
    if isinstance(value, Lifecycle):
        return replace(value, ignore=tuple(sorted(value.ignore)))
    if isinstance(value, tuple):
        return tuple(
            replace(one, source=str(folder)) if isinstance(one, Mount) and one.kind == "bind" else one for one in value
        )
    return value


def again(folder: Path, sandbox: Sandbox) -> Any:
    """Where the sandbox of the file that is made anew differs from `sandbox`."""
    networks = {name: Network(name=name) for name in sandbox.networks if sandbox.shares}
    volumes = {m.source: Volume(name=m.source) for m in sandbox.mounts if sandbox.shares}
    stack = Stack(name="shop", sandboxes={sandbox.name: sandbox}, networks=networks, volumes=volumes)
    templates = {sandbox.template: load_template(sandbox.template)} if sandbox.template else {}
    write(read_recorded(stack, templates, {}), folder / "nexus.yaml")
    (found,) = load(folder / "nexus.yaml").sandboxes.values()
    return compare(sandbox, leave_unprobed(assume_unchanged(found, sandbox), sandbox, "none"), frozenset())
