"""Values that are encrypted with age and lie in the repository."""

from __future__ import annotations

from pathlib import Path

from nexusctl.model.secret import SAFE, SecretRef
from nexusctl.secrets.age_key import Identities, decrypt, read_identities
from nexusctl.secrets.base import Unreadable
from nexusctl.secrets.file import read_file
from nexusctl.secrets.safe import Safe, is_whole, read_safe


class AgeSource:
    """Reads the identity and each encrypted file once."""

    def __init__(self) -> None:
        self._identities: Identities | None = None
        self._files: dict[str, bytes] = {}
        self._safes: dict[str, Safe] = {}

    def read(self, ref: SecretRef) -> bytes:
        data = self._read_file(ref.where)
        # Whoever may not decrypt learns first whether there is anything.
        sealed = data if is_whole(data) else self._find(ref, data)
        if self._identities is None:
            self._identities = read_identities()
        return decrypt(sealed, self._identities, f"`{ref.key}`")

    def _read_file(self, where: str) -> bytes:
        if where not in self._files:
            self._files[where] = read_file(Path(where))
        return self._files[where]

    def _find(self, ref: SecretRef, data: bytes) -> bytes:
        if ref.where not in self._safes:
            self._safes[ref.where] = read_safe(data, ref.where)
        safe = self._safes[ref.where]
        if ref.key not in safe.values:
            known = ", ".join(f"`{name}`" for name in sorted(safe.values)) or "none yet"
            usual = Path(ref.where) == Path(SAFE).absolute()
            flag = "" if usual else f" --file {ref.where}"
            hint = f"it has: {known}; `nexusctl secrets encrypt {ref.key}{flag}` adds it"
            raise Unreadable(f"`{Path(ref.where).name}` has no `{ref.key}`", hint)
        return safe.values[ref.key]
