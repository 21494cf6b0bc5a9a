"""The templates that a sandbox can start from."""

from __future__ import annotations

from nexusctl.config.load import load_template, template_names
from nexusctl.config.template_found import BESIDE

__all__ = ["BESIDE", "load_template", "template_names"]
