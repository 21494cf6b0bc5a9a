"""Removing what no stack needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nexusctl.engine.base import Engine
from nexusctl.errors import Conflict, EngineError
from nexusctl.model.observed.disposable import Disposable


def list_disposables(engine: Engine) -> tuple[Disposable, ...]:
    """What could go: images of environments, caches and networks. Raises `EngineError`."""
    return tuple(engine.overview.list_disposables())


def remove_disposables(engine: Engine, chosen: Iterable[Disposable]) -> Iterator[tuple[Disposable, str]]:
    """Remove each that still is not needed, and say why one stays; empty where it is gone. Raises `EngineError`."""
    for one in chosen:
        # Somebody may have begun to need it since it was listed.
        if one.name not in {found.name for found in engine.overview.list_disposables()}:
            yield one, "it is needed again"
            continue
        try:
            if one.kind == "image":
                engine.remove_image(one.name)
            elif one.kind == "cache":
                engine.remove_volume(one.name)
            else:
                engine.remove_network(one.name)
        except Conflict as error:
            yield one, str(error.summary)
        except EngineError:
            raise
        else:
            yield one, ""
