"""The images of the templates that the attacks run in."""

from __future__ import annotations

from tests.packages.conftest import node_image, python_image

__all__ = ["node_image", "python_image"]
