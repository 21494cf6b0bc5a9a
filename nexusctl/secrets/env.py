"""A variable of the environment that nexusctl itself runs in."""

from __future__ import annotations

import os

from nexusctl.model.secret import SecretRef
from nexusctl.secrets.base import Unreadable


class EnvSource:
    def read(self, ref: SecretRef) -> bytes:
        value = os.environb.get(ref.where.encode())
        if value is None:
            raise Unreadable(f"the variable `{ref.where}` is not set", f"`export {ref.where}=...` before you apply")
        return value
