"""The stack `sources`: a program, a vault and a keyring give what each sandbox needs, and only for those chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.engine.docker.exec.exec import run
from tests.secrets.vault_server import TOKEN, Vault, serve_vault
from tests.stacks.preparations import PASS, ROOT
from tests.stacks.stack_copy import FIRST_APPLY, StackCopy

pytestmark = [pytest.mark.engine, pytest.mark.parametrize("stack_copy", ["sources"], indirect=True)]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password manager that has one password."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "pass").write_text(PASS)
    (folder / "pass").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    with serve_vault() as server:
        monkeypatch.setenv("VAULT_ADDR", server.address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield server


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyring that has one key."""
    (tmp_path / "desk.json").write_text(json.dumps({"shop/signing": "s-key"}))
    monkeypatch.setenv("NEXUS_TEST_DESK", str(tmp_path / "desk.json"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.secrets.desk.Desk")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_a_sandbox_needs_only_the_source_of_its_own_secret(stack_copy: StackCopy, program: None) -> None:
    stack_copy.nexusctl("apply", "--yes", "--target", "mailer", timeout=FIRST_APPLY)
    assert list(stack_copy.containers()) == ["mailer"]
    assert read(stack_copy, "mailer", "cat /run/secrets/mail_password") == "m-4711"


def test_all_of_them_give_what_they_keep(stack_copy: StackCopy, program: None, vault: Vault, desk: None) -> None:
    vault.values["", "secret", "apps/shop"] = {"db_password": "d-5432"}
    vault.values["", "secret", stack_copy.stack] = {"audit_token": "a-1"}
    stack_copy.nexusctl("apply", "--yes", timeout=FIRST_APPLY)
    assert read(stack_copy, "mailer", "cat /run/secrets/mail_password") == "m-4711"
    assert read(stack_copy, "backend", "cat /run/secrets/db.txt; printenv AUDIT_URL") == (
        "d-5432https://shop:a-1@audit.example.com\n"
    )
    assert read(stack_copy, "signer", "cat /run/secrets/signing_key") == "s-key"
    vault.values["", "secret", "apps/shop"] = {"db_password": "d-5433"}
    before = stack_copy.containers()
    said = stack_copy.nexusctl("apply", "--yes")
    assert "secrets.db.txt" in said
    assert "d-543" not in said
    assert stack_copy.containers() == before
    assert read(stack_copy, "backend", "cat /run/secrets/db.txt") == "d-5433"


def read(stack_copy: StackCopy, sandbox: str, script: str) -> str:
    return run(stack_copy.wire, stack_copy.containers()[sandbox], ("/bin/sh", "-c", script)).output
