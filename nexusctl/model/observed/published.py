"""Where a port of a sandbox is reached."""

from __future__ import annotations

from nexusctl.model.values.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A port of a sandbox, such as `80/tcp`, and where it is reached: by `place` (`127.0.0.1:8080`) and by `url`."""

    sandbox: str
    port: str
    place: str
    url: str
