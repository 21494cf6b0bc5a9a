"""Whether the files come from a stranger, as far as the environment tells."""

from __future__ import annotations

from nexusctl.config.trust.fork_pull_request import why_stranger

__all__ = ["why_stranger"]
