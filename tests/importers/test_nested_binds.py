"""Binds inside of what a sandbox can write to: a file that is only read is uploaded, others are listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.importers.compose.file import read_compose
from nexusctl.importers.draft.yaml_writer import write_text


def test_a_config_file_beside_a_mounted_project_is_uploaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf/deep").mkdir(parents=True)
    (tmp_path / "conf/nginx.conf").write_text("events {}\n")
    (tmp_path / "compose.yaml").write_text("""
name: shop
services:
  app: {image: app, volumes: [".:/app"]}
  web: {image: nginx, volumes: ["./conf/nginx.conf:/etc/nginx/nginx.conf:ro", "./conf/deep:/deep:ro"]}
""")
    draft = read_compose(tmp_path / "compose.yaml", tmp_path)
    reason = "it lies inside of ., where app could put a link to anything in its place"
    assert [(left.what, left.reason.split(";")[0]) for left in draft.leftovers] == [
        ("web: ./conf/nginx.conf at /etc/nginx/nginx.conf", reason),
        ("web: ./conf/deep at /deep", reason),
    ]
    (tmp_path / "nexus.yaml").write_text(write_text(draft.document))
    web = load(tmp_path / "nexus.yaml").sandboxes["web"]
    assert web.mounts == ()
    assert [(upload.target, upload.source) for upload in web.uploads] == [
        ("/etc/nginx/nginx.conf", str(tmp_path / "conf/nginx.conf"))
    ]
    meant = (tmp_path / "nexus.yaml").read_text() + (
        "    volumes: [{bind: ./conf/deep, target: /deep, read_only: true, host_access: true}]\n"
    )
    (tmp_path / "meant.yaml").write_text(meant)
    assert len(load(tmp_path / "meant.yaml").sandboxes["web"].mounts) == 1
