"""What a face sets where its user wants a run to stop."""

from __future__ import annotations

from nexusctl.run.interrupt import Interrupt

__all__ = ["Interrupt"]
