"""The part of the engine that makes images; see `engine/base.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexusctl.engine.cancel import NEVER, Cancel
from nexusctl.engine.docker.client.client import Wire

if TYPE_CHECKING:
    from nexusctl.engine.base import Report
    from nexusctl.model.plan.plan import BootstrapImage, DeriveImage


class ImageMaking:
    wire: Wire

    def pull_image(self, reference: str, report: Report, *, digest: str = "", cancel: Cancel = NEVER) -> None:
        # Most runs make no image, and the builder's modules are the larger part of this room.
        from nexusctl.engine.docker.images.images import pull_image  # noqa: PLC0415 - deferred: start-up time

        pull_image(self.wire, reference, report, digest=digest, cancel=cancel)

    def remove_image(self, reference: str) -> None:
        # See `pull_image`.
        from nexusctl.engine.docker.images.images import remove_image  # noqa: PLC0415 - deferred: start-up time

        remove_image(self.wire, reference)

    def bootstrap_image(self, step: BootstrapImage, report: Report, cancel: Cancel = NEVER) -> None:
        # See `pull_image`.
        from nexusctl.engine.docker.images.images import bootstrap_image  # noqa: PLC0415 - deferred: start-up time

        bootstrap_image(self.wire, step, report, cancel)

    def derive_image(self, step: DeriveImage, report: Report, cancel: Cancel = NEVER) -> None:
        # See `pull_image`.
        from nexusctl.engine.docker.images.images import derive_image  # noqa: PLC0415 - deferred: start-up time

        derive_image(self.wire, step, report, cancel)
