"""Files of a sandbox's own that look like a manager's: its packages are what is installed, whatever those say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from nexusctl.engine.docker.client.client import Wire
from tests import prestarted
from tests.drift.scene import Scene, findings

pytestmark = pytest.mark.engine

STACK = """
name: NAME
sandboxes:
  npm:
    template: node
    packages: [ms@2.1.3, debug@4.4.0]
    uploads:
      - {target: /app/package.json, content: '{"private": true, "dependencies": {"debug": "*"}}'}
  broken:
    template: node
    packages: [ms@2.1.3]
    uploads: [{target: /app/package.json, content: '{not json'}]
  pip:
    template: python
    packages: [six==1.16.0]
    working_dir: /srv
    uploads:
      - {target: /srv/json.py, content: 'raise SystemExit("not the one of Python")'}
      - {target: /srv/other-1.dist-info/METADATA, content: "Name: other"}
"""


@pytest.fixture(scope="module")
def scene(wire: Wire, template_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(wire, tmp_path_factory.mktemp("manifests") / "nexus.yaml")
    scene.file.write_text(STACK.replace("NAME", f"drift-{uuid4().hex[:8]}"))
    scene.apply()
    yield scene
    scene.destroy()


def test_they_raise_no_alarm(scene: Scene) -> None:
    assert findings(scene.plan()) == set()
    assert findings(scene.drift()) == set()


def test_what_is_removed_is_told_as_gone_and_put_right(scene: Scene) -> None:
    scene.inside("npm", "rm -r /app/node_modules/ms")
    assert [field for _, _, field, _ in findings(scene.drift())] == ["packages.npm.ms"]
    assert '- packages.npm.ms: "2.1.3"' in show_drift(scene.file)
    scene.apply()
    assert findings(scene.drift()) == set()


def show_drift(file: Path) -> str:
    command = [sys.executable, "-m", "nexusctl", "drift"]
    return prestarted.run(command, cwd=file.parent, capture_output=True, text=True, timeout=240, check=False).stdout
