"""What the built-in templates cost: `python -m tests.templates.measure [NAME...]` measures and writes it down.

Each image is made by its recipe on top of the image that it is made from, and its packages on top of that, under a name
of its own where there is one of its name; then a sandbox of it is applied twice, and the second time is what counts.
Nobody else's image is touched.
The figures go to `nexusctl/templates/measured.json`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nexusctl.api.config import template_names
from nexusctl.api.workspace import load_text
from nexusctl.config.load import load_template
from nexusctl.config.templates.measured import FILE, fingerprint
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.endpoint import connect
from nexusctl.engine.docker.images.images import bootstrap_image, derive_image, find_image, remove_image
from nexusctl.model.engine_names import environment_tag, recipe_tag
from nexusctl.model.plan.plan import BootstrapImage, DeriveImage
from nexusctl.model.stack import Sandbox
from tests.templates.recipes import make_image

ENV = {"postgres": {"POSTGRES_PASSWORD": "measured"}, "mariadb": {"MARIADB_ROOT_PASSWORD": "measured"}}
"""What a sandbox of a template does not start without."""


def measure(wire: Wire, name: str) -> dict[str, Any]:
    """The figures of one template; seconds, and millions of bytes."""
    template = load_template(name)
    assert template.recipe is not None
    own = template.recipe.owner is None
    trial = f"nexusctl-measured/{name}"
    recipe, packages = 0.0, 0.0
    try:
        if own:
            base = make_image(wire, template.recipe.base) if template.recipe.base else ""
            made = free_name(wire, recipe_tag(template), f"{trial}:1")
            step = BootstrapImage(id=name, subject=name, template=template, tag=made, base=base)
            recipe = seconds(lambda: bootstrap_image(wire, step, say))
        else:
            made = make_image(wire, name)
        sandbox, whole = sandbox_of(name), made
        if sandbox.packages:
            whole = free_name(wire, environment_tag(made, sandbox.packages, sandbox.working_dir), f"{trial}:2")
            derive = DeriveImage(
                id=name, subject=name, tag=whole, base=made, packages=sandbox.packages, working_dir=sandbox.working_dir
            )
            packages = seconds(lambda: derive_image(wire, derive, say))
        size = wire.get(f"/images/{whole}/json")["Size"]
    finally:
        remove_image(wire, f"{trial}:1")
        remove_image(wire, f"{trial}:2")
    return {
        "of": fingerprint(template),
        "below": template.recipe.base if own else template.recipe.owner,
        "size_mb": round(size / 1e6),
        "recipe_s": round(recipe, 1),
        "packages_s": round(packages, 1),
        "start_s": round(start(name), 1),
        "load": round(os.getloadavg()[0], 1),
    }


def free_name(wire: Wire, tag: str, other: str) -> str:
    """`tag`, so that the image is not made again, or `other` where somebody has one of that name."""
    return tag if find_image(wire, tag) is None else other


def sandbox_of(name: str) -> Sandbox:
    """What a stack file gets that says no more than the template's name."""
    with tempfile.TemporaryDirectory() as folder:
        return load_text(stack_text(name), Path(folder) / "nexus.yaml").sandboxes["it"]


def stack_text(name: str) -> str:
    return f"name: measure-{name}\nsandboxes:\n  it: {json.dumps({'template': name, 'env': ENV.get(name, {})})}\n"


def start(name: str) -> float:
    """Seconds of the second apply."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "nexus.yaml").write_text(stack_text(name))
        try:
            nexusctl(folder, "apply", "--yes")
            nexusctl(folder, "destroy", "--yes", "--volumes")
            return seconds(lambda: nexusctl(folder, "apply", "--yes"))
        finally:
            nexusctl(folder, "destroy", "--yes", "--volumes", "--ignore-missing")


def nexusctl(folder: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "nexusctl", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def seconds(work: Callable[[], object]) -> float:
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


def say(_text: str) -> None:
    """What happens meanwhile is told by nobody: only how long it took."""


def main(names: list[str]) -> None:
    wire = connect()
    for name in names or template_names():
        found = measure(wire, name)
        known = json.loads(FILE.read_text()) if FILE.exists() else {}
        engine = wire.get("/version")
        known["machine"] = {"cores": os.cpu_count(), "engine": engine["Version"], "arch": engine["Arch"]}
        known["templates"] = dict(sorted({**known.get("templates", {}), name: found}.items()))
        FILE.write_text(json.dumps(known, indent=2) + "\n")
        print(name, found, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
