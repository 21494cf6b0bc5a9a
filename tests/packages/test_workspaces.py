"""A lock of npm that takes folders beside it: workspaces and `file:` dependencies, with npm and the real index."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.e2e.test_replace import Bench

pytestmark = pytest.mark.engine

FROM = "{npm: {from: package-lock.json}}"
UPLOADED = """
    uploads: [{source: ., target: /app, ignore: [node_modules, nexus.yaml, other]}]"""


@pytest.fixture
def bench(node_image: str, tmp_path: Path, stack_name: str, wire: Wire) -> Iterator[Bench]:
    made = Bench(tmp_path, stack_name, "", wire)
    yield made
    made.run("destroy", "--yes", "--volumes", "--stack", stack_name)


def lay(folder: Path, files: dict[str, Any]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))


def lay_monorepo(folder: Path) -> None:
    """Two workspaces of which one needs the other, a folder that is no workspace, an archive, scripts of both kinds."""
    made = "const fs = require('fs'); fs.writeFileSync('made.js', 'module.exports = 7')"
    lay(
        folder,
        {
            "package.json": {
                "name": "mono",
                "private": True,
                "workspaces": ["packages/*"],
                "dependencies": {"beside": "file:./vendor/beside", "packed": "file:vendor/packed-1.0.0.tgz"},
            },
            "packages/a/package.json": {"name": "@m/a", "version": "1.0.0", "dependencies": {"ms": "2.0.0"}},
            "packages/a/index.js": "module.exports = () => require('ms')('1s')",
            "packages/b/package.json": {
                "name": "b",
                "version": "1.0.0",
                "dependencies": {"@m/a": "*", "ms": "2.1.3"},
                "scripts": {"postinstall": "node make.js"},
            },
            "packages/b/make.js": made,
            "packages/b/index.js": "module.exports = () => require('@m/a')() + require('./made.js')",
            "packages/b/.env": "SECRET=x",
            "vendor/beside/package.json": {"name": "beside", "version": "1.2.3", "main": "lib/x.js"},
            "vendor/beside/lib/x.js": "module.exports = 30",
            "other/package.json": {"name": "packed", "version": "1.0.0"},
            "other/index.js": "module.exports = 500",
        },
    )
    npm("pack", "--silent", "--pack-destination", "../vendor", cwd=folder / "other")
    npm("install", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    shutil.rmtree(folder / "node_modules")
    for below in folder.glob("packages/*/node_modules"):
        shutil.rmtree(below)


def npm(*words: str, cwd: Path) -> None:
    subprocess.run(["npm", *words], cwd=cwd, check=True, capture_output=True, timeout=300)


def write(bench: Bench, more: str = "") -> None:
    text = f"name: {bench.stack}\nsandboxes:\n  box:\n    template: node\n    packages: {FROM}{more}\n"
    (bench.folder / "nexus.yaml").write_text(text)


def ask(bench: Bench, code: str) -> str:
    found = run_inside(bench.wire, bench.container("box")["Id"], ("node", "-p", code))
    return found.output.strip()


SUM = "require('b')() + require('beside') + require('packed')"


def test_the_folders_go_along_and_all_can_be_loaded(bench: Bench) -> None:
    lay_monorepo(bench.folder)
    write(bench)
    bench.apply()
    assert ask(bench, SUM) == str(1000 + 7 + 30 + 500)
    assert ask(bench, "fs.existsSync('packages/b/.env')") == "false"
    assert bench.is_empty()
    assert bench.run("plan", "--deep").returncode == 0
    assert bench.run("drift").returncode == 0
    born = bench.container("box")["Id"]
    # A folder that changes is brought anew, in place, with what its scripts make.
    lay(bench.folder, {"vendor/beside/lib/x.js": "module.exports = 31", "packages/a/more.js": ""})
    bench.apply()
    assert ask(bench, SUM) == str(1000 + 7 + 31 + 500)
    assert bench.container("box")["Id"] == born
    assert bench.is_empty()
    # Who takes one away is seen.
    assert run_inside(bench.wire, born, ("rm", "/app/node_modules/b")).exit_code == 0
    done = bench.run("plan", "--deep")
    assert "packages.npm.b" in done.stdout


def test_what_is_uploaded_as_well_is_no_part_of_the_image(bench: Bench) -> None:
    lay_monorepo(bench.folder)
    write(bench, UPLOADED)
    bench.apply()
    assert ask(bench, SUM) == str(1000 + 7 + 30 + 500)
    assert bench.is_empty()
    lay(bench.folder, {"packages/a/index.js": "module.exports = () => 2"})
    done = bench.run("plan")
    assert "uploads./app/packages/a/index.js" in done.stdout
    assert "packages.npm" not in done.stdout
    bench.apply()
    assert ask(bench, SUM) == str(2 + 7 + 30 + 500)
    assert bench.is_empty()


def test_what_a_lock_promises_and_is_not_there_after_the_install_is_a_failure(bench: Bench) -> None:
    lay_monorepo(bench.folder)
    lay(bench.folder, {"packages/b/make.js": "require('fs').unlinkSync('../../node_modules/beside')"})
    write(bench)
    done = bench.run("apply", "--yes")
    assert done.returncode == 1
    assert "npm could not install beside" in done.stderr
