"""HashiCorp Vault and OpenBao: the KV engine, version 2."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nexusctl.model.secret import SecretRef
from nexusctl.secrets.base import Unreadable, missing_extra

TOKEN_FILE = ".vault-token"
"""In the home folder: where `vault login` and `bao login` leave the token."""


class VaultSource:
    """Asks for each path once, however many keys of it are wanted."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], Mapping[str, Any]] = {}

    def read(self, ref: SecretRef) -> bytes:
        address, token, namespace = _address(ref), _token(), _namespace(ref)
        mount = ref.options.get("mount", "secret")
        place = (address, namespace, mount, ref.where)
        if place not in self._found:
            self._found[place] = _fetch(address, token, namespace, mount, ref)
        found = self._found[place]
        if ref.key not in found:
            hint = f"it has: {', '.join(f'`{key}`' for key in sorted(found))}" if found else "it is empty"
            raise Unreadable(f"`{mount}/{ref.where}` in the vault has no key `{ref.key}`", hint)
        value = found[ref.key]
        if not isinstance(value, str):
            raise Unreadable(f"`{ref.key}` at `{mount}/{ref.where}` in the vault is no text", "keep it there as a text")
        return value.encode()


def _fetch(address: str, token: str, namespace: str, mount: str, ref: SecretRef) -> Mapping[str, Any]:
    try:
        # An extra, which only this source needs.
        import hvac  # noqa: PLC0415 - deferred: start-up time
        from hvac import exceptions as refusals  # noqa: PLC0415 - deferred: start-up time
        from requests.exceptions import (  # noqa: PLC0415 - deferred: start-up time
            InvalidSchema,
            InvalidURL,
            MissingSchema,
            RequestException,
        )
    except ImportError:
        raise missing_extra("vault", "hvac") from None
    shown = _without_password(address)
    trust: Any = os.environ.get("VAULT_CACERT") or os.environ.get("BAO_CACERT") or True
    client: Any = hvac.Client(url=address, token=token, namespace=namespace or None, timeout=ref.timeout, verify=trust)
    try:
        answer = client.secrets.kv.v2.read_secret_version(
            path=ref.where, mount_point=mount, raise_on_deleted_version=True
        )
        found = answer["data"]["data"]
    except refusals.InvalidPath:
        hint = "check `vault`, `mount` and `namespace`; only the KV engine of version 2 is read"
        raise Unreadable(f"the vault has nothing at `{mount}/{ref.where}`", hint) from None
    except (refusals.Forbidden, refusals.Unauthorized):
        hint = "log in with `vault login` or `bao login`, or set VAULT_TOKEN to a token whose policy allows it"
        raise Unreadable(f"the vault does not let this token read `{mount}/{ref.where}`", hint) from None
    except refusals.VaultDown:
        raise Unreadable(f"the vault at {shown} is sealed", "have it unsealed") from None
    except refusals.VaultError as error:
        summary = f"the vault at {shown} refuses: {type(error).__name__}"
        raise Unreadable(summary, "`vault status` says more") from None
    except (InvalidSchema, InvalidURL, MissingSchema):
        hint = "write it such as `https://vault.example.com:8200`"
        raise Unreadable(f"`{shown}` is no address of a vault", hint) from None
    except RequestException as error:
        hint = "check the address, and that it is reached from here"
        raise Unreadable(f"the vault at {shown} does not answer: {type(error).__name__}", hint) from None
    except (ValueError, KeyError, TypeError):
        raise Unreadable(f"what answers at {shown} is no vault", "check the address") from None
    return found if isinstance(found, dict) else {}


def _address(ref: SecretRef) -> str:
    address = ref.options.get("address") or os.environ.get("VAULT_ADDR") or os.environ.get("BAO_ADDR")
    if not address:
        raise Unreadable("nothing says where the vault is", "set VAULT_ADDR or BAO_ADDR, or write `address`")
    return address.rstrip("/")


def _without_password(address: str) -> str:
    """`address` without what may stand before its host to log in with."""
    before, at, host = address.rpartition("@")
    return f"{before.partition('//')[0]}//{host}" if at else address


def _namespace(ref: SecretRef) -> str:
    return ref.options.get("namespace") or os.environ.get("VAULT_NAMESPACE") or os.environ.get("BAO_NAMESPACE") or ""


def _token() -> str:
    token = os.environ.get("VAULT_TOKEN") or os.environ.get("BAO_TOKEN") or ""
    if not token:
        try:
            token = (Path.home() / TOKEN_FILE).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            token = ""
    hint = "`vault login` or `bao login` makes one, or set VAULT_TOKEN"
    if not token:
        raise Unreadable("there is no token for the vault", hint)
    if not (token.isascii() and token.isprintable()):
        raise Unreadable("what is given as the token for the vault cannot be one", hint)
    return token
