"""A stranger's pull request: its files in a checkout, beside a home folder with what a runner keeps for itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests import prestarted

MARK = "canary"
"""What every line of a kept file has in it that nobody may see."""

KEPT: Mapping[str, str] = {
    ".ssh/id_rsa": (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEcanary1\n/canary2AAAABG5vbmUAAAAEbm9uZQ\n"
        "canary3AAAAMwAAAAtzc2gtZWQyNTUx+canary\nAAAECcanary4AAAAC3NzaC1lZDI1NTE5==\n"
        "-----END OPENSSH PRIVATE KEY-----\n"
    ),
    "shadow": "root:$6$canary$abc:19000:0:99999:7:::\ncanary:*:19000:0:99999:7:::\n",
    ".netrc": "machine example.org\nlogin me\npassword canary-netrc\n",
    ".npmrc": "//registry.example.org/:_authToken=canary-npm\n*canary\nalways-auth=true\n",
    ".aws/credentials": "[canary]\naws_access_key_id = CANARYID\naws_secret_access_key = canary-aws\n[canary2\n",
    ".kube/config": "apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user: {token: canary-kube\n",
    ".docker/config.json": '{"auths": {"example.org": {"auth": "canary-docker"}}, "canary": &canary 1}',
    ".config/gh/hosts.yml": "example.org:\n    oauth_token: canary-gh\n    user: me\ncanary-token: !canary x\n",
    ".config/gcloud/key.json": '{"type": "service_account", "project_id": "canary", "private_key": "canary-google"}',
    ".pgpass": "db.example.org:5432:*:me:canary-pg\n",
    "history": 'export TOKEN="canary-open\nexport 2canary=x\ncurl -H canary\nls -la\n',
}


def keep(home: Path) -> list[Path]:
    """Put everything of `KEPT` below `home`."""
    paths = []
    for name, text in KEPT.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        paths.append(path)
    return paths


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """nexusctl as a runner starts it, in `folder`, with `environment` over what is there."""
    return prestarted.run(
        [sys.executable, "-m", "nexusctl", *arguments],
        cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr
