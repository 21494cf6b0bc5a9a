"""The keyring of this machine or desktop."""

from __future__ import annotations

from nexusctl.model.secret import SecretRef
from nexusctl.secrets.base import Unreadable, missing_extra


class KeyringSource:
    def read(self, ref: SecretRef) -> bytes:
        try:
            # An extra, which only this source needs.
            import keyring  # noqa: PLC0415 - deferred: start-up time
            from keyring.errors import KeyringError  # noqa: PLC0415 - deferred: start-up time
        except ImportError:
            raise missing_extra("keyring", "keyring") from None
        try:
            value = keyring.get_password(ref.where, ref.key)
        except (KeyringError, RuntimeError, OSError) as error:
            # What a backend says may be anything; its name is enough to go on with.
            backend = type(keyring.get_keyring()).__module__
            summary = f"the keyring does not open ({backend}: {type(error).__name__})"
            raise Unreadable(summary, "`python -m keyring diagnose` says what there is and why") from None
        if value is None:
            hint = f"`python -m keyring set {ref.where} {ref.key}` puts it there"
            raise Unreadable(f"the keyring has nothing for `{ref.key}` of the service `{ref.where}`", hint)
        return value.encode()
