"""Each source gives the value as it was kept, asks once, and says what to do where it cannot."""

from __future__ import annotations

import builtins
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pyrage
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from nexusctl.errors import InputError
from nexusctl.model.secret import SecretRef, SecretUse, SourceKind
from nexusctl.secrets.reading import read_secrets
from nexusctl.secrets.safe import Safe, write_safe
from tests.secrets.vault_server import TOKEN, Vault, serve_vault

ODD = "$x\n'\"`ünï\0 " + "z" * 65536


def read(**fields: Any) -> bytes:
    """The value of one secret, untrimmed."""
    ref = SecretRef(**{"name": "pin", "key": "pin", "trim": False} | fields)
    readings = read_secrets("shop", {"pin": ref})
    return readings.reveal(SecretUse(secret="pin", digest=readings.digests["pin"])).reveal()


def refusal(**fields: Any) -> tuple[str, str]:
    """Summary and hint of the refusal to read one secret."""
    with pytest.raises(InputError) as caught:
        read(**fields)
    problem = caught.value.diagnostics[0]
    return problem.summary.removeprefix("secret pin cannot be read: "), problem.hint or ""


# -- age ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = pyrage.x25519.Identity.generate()
    monkeypatch.setenv("NEXUS_AGE_IDENTITY", f"# mine\n{made}\n")
    return made


def test_age_reads_a_value_of_a_safe_and_a_file_of_its_own(identity: Any, tmp_path: Path) -> None:
    sealed = pyrage.encrypt(ODD.encode(), [identity.to_public()])
    (tmp_path / "safe.json").write_bytes(write_safe(Safe(values={"pin": sealed})))
    (tmp_path / "whole.age").write_bytes(sealed)
    (tmp_path / "armored.age").write_bytes(pyrage.encrypt(ODD.encode(), [identity.to_public()], armored=True))
    for name in ("safe.json", "whole.age", "armored.age"):
        assert read(source="age", where=str(tmp_path / name)) == ODD.encode()


def test_age_takes_the_identity_from_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pyrage.x25519.Identity.generate()
    (tmp_path / "identity.txt").write_text(f"# public key: {made.to_public()}\n{made}\n")
    monkeypatch.delenv("NEXUS_AGE_IDENTITY", raising=False)
    monkeypatch.setenv("NEXUS_AGE_IDENTITY_FILE", str(tmp_path / "identity.txt"))
    (tmp_path / "x.age").write_bytes(pyrage.encrypt(b"4711", [made.to_public()]))
    assert read(source="age", where=str(tmp_path / "x.age")) == b"4711"


def test_age_reads_with_the_key_that_one_uses_for_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "id")], check=True)
    key = pyrage.ssh.Recipient.from_str((tmp_path / "id.pub").read_text().strip())
    (tmp_path / "x.age").write_bytes(pyrage.encrypt(b"4711", [key]))
    monkeypatch.delenv("NEXUS_AGE_IDENTITY", raising=False)
    monkeypatch.setenv("NEXUS_AGE_IDENTITY_FILE", str(tmp_path / "id"))
    assert read(source="age", where=str(tmp_path / "x.age")) == b"4711"


def test_age_says_what_is_missing(identity: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where, other = tmp_path / "safe.json", pyrage.x25519.Identity.generate()
    sealed = pyrage.encrypt(b"4711", [other.to_public()])
    where.write_bytes(write_safe(Safe(values={"pin2": sealed})))
    assert refusal(source="age", where=str(where)) == (
        "`safe.json` has no `pin`", f"it has: `pin2`; `nexusctl secrets encrypt pin --file {where}` adds it"
    )  # fmt: skip
    assert refusal(source="age", where=str(where), key="pin2")[0] == "`pin2` is not encrypted for you"
    where.write_bytes(write_safe(Safe(values={"pin": sealed[:40]})))
    assert refusal(source="age", where=str(where))[0] == "`pin` is damaged"
    for damaged in (b"", b"{", b"[]", b'{"format": "other"}', write_safe(Safe()).replace(b": 1", b": 2")):
        where.write_bytes(damaged)
        assert refusal(source="age", where=str(where))[0].startswith(f"`{where}` ")
    where.write_bytes(write_safe(Safe(values={"pin": sealed})))
    monkeypatch.setenv("NEXUS_AGE_IDENTITY", "AGE-SECRET-KEY-1NONSENSE")
    assert refusal(source="age", where=str(where))[0] == "the variable NEXUS_AGE_IDENTITY is no identity of age"
    monkeypatch.delenv("NEXUS_AGE_IDENTITY")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NEXUS_AGE_IDENTITY_FILE", raising=False)
    summary, hint = refusal(source="age", where=str(where))
    assert "there is no identity of yours" in summary
    assert "nexusctl secrets keygen" in hint


@pytest.mark.parametrize(("left", "said"), [(None, "there is no file"), ("", "holds no identity"), ("x", "is no id")])
def test_age_says_which_variable_names_the_file_that_is_wrong(
    left: str | None, said: str, identity: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.age").write_bytes(pyrage.encrypt(b"4711", [identity.to_public()]))
    monkeypatch.delenv("NEXUS_AGE_IDENTITY")
    monkeypatch.setenv("NEXUS_AGE_IDENTITY_FILE", str(tmp_path / "mine.txt"))
    if left is not None:
        (tmp_path / "mine.txt").write_text(left)
    summary, hint = refusal(source="age", where=str(tmp_path / "x.age"))
    assert said in summary
    assert f"`{tmp_path / 'mine.txt'}`, which NEXUS_AGE_IDENTITY_FILE names" in summary
    assert "nexusctl secrets keygen" in hint


# -- vault -------------------------------------------------------------------------------------------------------


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    with serve_vault() as server:
        for name in ("VAULT_NAMESPACE", "BAO_NAMESPACE", "BAO_ADDR", "BAO_TOKEN", "HTTP_PROXY", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("VAULT_ADDR", server.address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield server


def test_vault_reads_a_key_of_the_second_version_of_the_kv_engine(vault: Vault) -> None:
    vault.values["", "secret", "apps/shop"] = {"pin": ODD, "other": "x"}
    assert read(source="vault", where="apps/shop") == ODD.encode()


def test_vault_asks_for_a_path_once_whatever_is_wanted_of_it(vault: Vault) -> None:
    vault.values["", "secret", "apps/shop"] = {"a": "1", "b": "2"}
    refs = {name: SecretRef(name=name, source="vault", where="apps/shop", key=name) for name in "ab"}
    read_secrets("shop", refs)
    assert vault.asked == ["/v1/secret/data/apps/shop"]


def test_vault_goes_where_the_stack_file_says(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.values["team", "kv", "apps/shop"] = {"pin": "4711"}
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    options = {"address": vault.address + "/", "mount": "kv", "namespace": "team"}
    assert read(source="vault", where="apps/shop", options=options) == b"4711"


@pytest.mark.parametrize("prefix", ["VAULT", "BAO"])
def test_vault_takes_the_variables_of_both_programs(vault: Vault, monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    vault.values["team", "secret", "x"] = {"pin": "4711"}
    for name in ("VAULT_ADDR", "VAULT_TOKEN"):
        monkeypatch.delenv(name)
    for name, value in (("ADDR", vault.address), ("TOKEN", TOKEN), ("NAMESPACE", "team")):
        monkeypatch.setenv(f"{prefix}_{name}", value)
    assert read(source="vault", where="x") == b"4711"


def test_vault_takes_the_token_that_a_login_left(vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.values["", "secret", "x"] = {"pin": "4711"}
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert refusal(source="vault", where="x")[0] == "there is no token for the vault"
    (tmp_path / ".vault-token").write_text(TOKEN + "\n")
    assert read(source="vault", where="x") == b"4711"


def test_vault_says_what_is_wrong_and_never_what_it_holds(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.values["", "secret", "shop"] = {"pin2": "canary", "number": 4711}
    vault.values["", "secret", "deleted"] = None
    said = [
        refusal(source="vault", where="shop"),
        refusal(source="vault", where="shop", key="number"),
        refusal(source="vault", where="nowhere"),
        refusal(source="vault", where="deleted"),
    ]
    vault.sealed = True
    said.append(refusal(source="vault", where="shop"))
    vault.sealed = False
    monkeypatch.setenv("VAULT_TOKEN", "s.other")
    said.append(refusal(source="vault", where="shop"))
    assert [summary for summary, _ in said] == [
        "`secret/shop` in the vault has no key `pin`",
        "`number` at `secret/shop` in the vault is no text",
        "the vault has nothing at `secret/nowhere`",
        "the vault has nothing at `secret/deleted`",
        f"the vault at {vault.address} is sealed",
        "the vault does not let this token read `secret/shop`",
    ]
    assert said[0][1] == "it has: `number`, `pin2`"
    assert "canary" not in str(said)
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    assert refusal(source="vault", where="shop")[0].startswith("the vault at http://127.0.0.1:1 does not answer")
    monkeypatch.delenv("VAULT_ADDR")
    assert refusal(source="vault", where="shop")[0] == "nothing says where the vault is"


@pytest.mark.parametrize("address", ["vault.example.com", "vault:8200", "http://", "ftp://vault.example.com"])
def test_vault_says_what_is_no_address(vault: Vault, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", address)
    assert refusal(source="vault", where="shop") == (
        f"`{address.rstrip('/')}` is no address of a vault", "write it such as `https://vault.example.com:8200`"
    )  # fmt: skip


@pytest.mark.parametrize("address", ["http://me:canary@127.0.0.1:1", "ftp://me:cana/ry@vault", "http://me:canary@"])
def test_vault_says_no_password_of_an_address(vault: Vault, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", address)
    said = "".join(refusal(source="vault", where="shop"))
    assert "cana" not in said
    assert "me:" not in said
    vault.sealed = True
    monkeypatch.setenv("VAULT_ADDR", vault.address.replace("//", "//me:canary@"))
    assert refusal(source="vault", where="shop")[0] == f"the vault at {vault.address} is sealed"


def test_vault_says_what_is_no_token_and_not_what_it_is(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "s.canary\nX-Other: y")
    summary, hint = refusal(source="vault", where="shop")
    assert summary == "what is given as the token for the vault cannot be one"
    assert hint == "`vault login` or `bao login` makes one, or set VAULT_TOKEN"


# -- command -----------------------------------------------------------------------------------------------------


def test_command_takes_what_is_printed_and_no_shell_looks_at_it(tmp_path: Path) -> None:
    (tmp_path / "value").write_text(ODD)
    assert read(source="command", command=("cat", str(tmp_path / "value"))) == ODD.encode()
    assert read(source="command", command=("printf", "%s", "$HOME; `id`")) == b"$HOME; `id`"


def test_command_that_fails_is_told_without_its_words(capfd: pytest.CaptureFixture[str]) -> None:
    script = "echo canary; echo canary >&2; exit 3"
    assert refusal(source="command", command=("sh", "-c", script))[0] == "`sh` ended with exit code 3"
    assert refusal(source="command", command=("sh", "-c", "kill -9 $$"))[0] == "`sh` was ended by signal 9"
    assert refusal(source="command", command=("/nowhere/op",))[0] == "there is no program `/nowhere/op`"
    assert refusal(source="command", command=("/etc/passwd",))[0] == "`/etc/passwd` cannot be run: permission denied"
    assert refusal(source="command", command=("yes",))[0] == "`yes` printed more than 1 MiB"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("script", ["sleep 1000", "sleep 1000 & echo x", "exec >&-; sleep 1000"])
def test_command_that_does_not_end_is_ended_with_all_it_started(script: str, tmp_path: Path) -> None:
    mark = f"nexusctl-test-{os.getpid()}-{time.monotonic_ns()}"
    command = ("sh", "-c", script, mark)
    assert refusal(source="command", command=command, timeout=0.2)[0] == "`sh` has not ended after 0.2 s"
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark.encode() in read_quietly(path)]


def read_quietly(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


# -- file --------------------------------------------------------------------------------------------------------


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refusal(source="file", where=str(tmp_path)) == (f"`{tmp_path}` is a folder", "name the file itself")


# -- keyring -----------------------------------------------------------------------------------------------------


class Desk(KeyringBackend):
    """A keyring such as any desktop brings, with what a test has put in."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("canary")
        return self.values.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.values[service, username] = password


@pytest.fixture
def desk() -> Iterator[Desk]:
    former, made = keyring.get_keyring(), Desk()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(former)


def test_keyring_gives_what_a_service_has_for_a_user(desk: Desk) -> None:
    keyring.set_password("shop", "deploy", ODD)
    assert read(source="keyring", where="shop", key="deploy") == ODD.encode()


def test_keyring_says_what_is_missing_or_closed(desk: Desk) -> None:
    assert refusal(source="keyring", where="shop", key="deploy") == (
        "the keyring has nothing for `deploy` of the service `shop`",
        "`python -m keyring set shop deploy` puts it there",
    )
    desk.locked = True
    assert refusal(source="keyring", where="shop")[0] == (
        "the keyring does not open (tests.secrets.test_sources: KeyringLocked)"
    )


# -- what is not installed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "library"), [("age", "pyrage"), ("vault", "hvac"), ("keyring", "keyring")])
def test_a_library_that_is_missing_is_named_with_the_command_that_brings_it(
    source: SourceKind, library: str, identity: Any, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == library:
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    (tmp_path / "x.age").write_bytes(pyrage.encrypt(b"x", [identity.to_public()]))
    monkeypatch.setattr(builtins, "__import__", without)
    said = refusal(source=source, where=str(tmp_path / "x.age"))
    assert said == (
        f"the source `{source}` needs {library}, which is not installed", f"`pip install 'nexusctl[{source}]'`"
    )  # fmt: skip
