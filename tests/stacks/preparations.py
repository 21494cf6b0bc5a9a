"""What each of the stacks that come with nexusctl needs before it can be applied, on any machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.ports import free_port
from tests.secrets.vault_server import TOKEN, Vault
from tests.stacks.stack_copy import FIRST_APPLY, StackCopy

ROOT = Path(__file__).parents[2]

PASS = """#!/bin/sh
[ "$*" = "show mail/robot" ] && echo "m-4711"
"""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """`image` stands for those of registries, `vault` for a company's, `path` is where programs are looked for."""

    image: str
    vault: Vault
    path: str


@dataclass(frozen=True, kw_only=True)
class Ready:
    """`options` go to every command that reads the file, `locked` to those that plan, `environ` is around all."""

    options: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)


def prepare(copy: StackCopy, around: Surroundings) -> Ready:
    """Whatever this copy needs; what it publishes stands at fixed ports that are free on this machine."""
    found = _PREPARATIONS.get(copy.folder.name)
    return found(copy, around) if found else Ready()


def _prepare_regions(copy: StackCopy, _: Surroundings) -> Ready:
    (copy.folder / "fixed.yaml").write_text(json.dumps({"published": [f"{free_port()}:8000"]}))
    return Ready(options=("--var-file", "fixed.yaml"))


def _prepare_ci(copy: StackCopy, _: Surroundings) -> Ready:
    return _fix_ports(copy, {"web": 8000})


def _prepare_microservices(copy: StackCopy, _: Surroundings) -> Ready:
    return _fix_ports(copy, {"backend": 3000, "frontend": 5173})


def _prepare_layers(copy: StackCopy, _: Surroundings) -> Ready:
    return Ready(options=("-f", "nexus.yaml", "-f", "staging.yaml", "--profile", "debug"))


def _prepare_imported(copy: StackCopy, around: Surroundings) -> Ready:
    copy.edit("nexus.yaml", "debian:bookworm-slim", around.image)
    return Ready(environ={"DB_PASSWORD": "only-for-trying"})


def _prepare_locked(copy: StackCopy, _: Surroundings) -> Ready:
    copy.nexusctl("lock", timeout=FIRST_APPLY)
    return Ready(locked=("--locked",))


def _prepare_secrets(copy: StackCopy, _: Surroundings) -> Ready:
    (copy.folder / "db_password.txt").write_text("canary-22\n")
    environ = {"HOME": str(copy.folder), "SHOP_API_KEY": "canary-1"}
    copy.nexusctl("secrets", "keygen", environ=environ)
    copy.nexusctl("secrets", "encrypt", "session_key", given="canary-333", environ=environ)
    return Ready(environ=environ)


def _prepare_sources(copy: StackCopy, around: Surroundings) -> Ready:
    tools = copy.folder / "tools"
    tools.mkdir()
    (tools / "pass").write_text(PASS)
    (tools / "pass").chmod(0o755)
    around.vault.values["", "secret", "apps/shop"] = {"db_password": "d-5432"}
    around.vault.values["", "secret", copy.stack] = {"audit_token": "a-1"}
    desk = copy.folder / "desk.json"
    desk.write_text(json.dumps({"shop/signing": "s-key"}))
    environ = {
        "PATH": f"{tools}:{around.path}",
        "VAULT_ADDR": around.vault.address,
        "VAULT_TOKEN": TOKEN,
        "NEXUS_TEST_DESK": str(desk),
        "PYTHON_KEYRING_BACKEND": "tests.secrets.desk.Desk",
        "PYTHONPATH": str(ROOT),
    }
    return Ready(environ=environ)


_PREPARATIONS = {
    "ci": _prepare_ci,
    "imported": _prepare_imported,
    "layers": _prepare_layers,
    "locked": _prepare_locked,
    "microservices": _prepare_microservices,
    "regions": _prepare_regions,
    "secrets": _prepare_secrets,
    "sources": _prepare_sources,
}


def _fix_ports(copy: StackCopy, inner: Mapping[str, int]) -> Ready:
    boxes = {box: {"ports": [f"{free_port()}:{port}"]} for box, port in inner.items()}
    (copy.folder / "fixed.yaml").write_text(json.dumps({"sandboxes": boxes}))
    return Ready(options=("-f", "nexus.yaml", "-f", "fixed.yaml"))
