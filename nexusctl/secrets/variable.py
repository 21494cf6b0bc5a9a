"""A value that came with the stack file's variables."""

from __future__ import annotations

from nexusctl.model.secret import SecretRef


class VariableSource:
    def read(self, ref: SecretRef) -> bytes:
        assert ref.given is not None
        return ref.given.reveal()
