"""A keyring for programs that tests start: it has what the file in NEXUS_TEST_DESK says, by service and user."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordSetError


class Desk(KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        found = json.loads(Path(os.environ["NEXUS_TEST_DESK"]).read_text())
        value: str | None = found.get(f"{service}/{username}")
        return value

    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError("this desk is only read")
