"""The environment of a sandbox: the packages of all its managers, installed step by step in builders.

What the distribution has comes first, for the others are built with it. Each step fetches in one builder; where
something is left to be run, that is done in another one, which goes on from what the first has laid down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field
from typing import cast

from nexusctl.engine.base import Report
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.images.builder import Builder, open_builder, remove_part
from nexusctl.engine.docker.images.host_trust import host_trust
from nexusctl.engine.docker.images.install import Builders, ask_installed, cache_volumes, fetch, settle
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.model.values.frozen import dataclass
from nexusctl.packages import MANAGERS

Watch = Callable[[Builder], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A builder in which all is installed, and what was asked for with the versions that came, by manager."""

    builder: Builder
    came: Mapping[str, tuple[Package, ...]] = field(default_factory=dict)


@contextmanager
def open_environment(
    wire: Wire,
    base: str,
    packages: Sequence[PackageSet],
    working_dir: str | None,
    report: Report,
    *,
    before: Watch = lambda _: None,
    fetched: Watch = lambda _: None,
) -> Iterator[Environment]:
    """An environment from the image `base` while inside; None for the image's own working folder.

    `before` sees the first builder before anything is in it, `fetched` each one that has fetched, while the index can
    be asked. Raises `StepError` with a manager's last lines, `EngineError`.
    """
    trust, came = host_trust(), dict[str, tuple[Package, ...]]()
    caches = cache_volumes(packages, wire.get(f"/images/{base}/json"))
    with ExitStack() as parts, ExitStack() as opened:
        image, builder = base, cast("Builder | None", None)
        for sets in filter(None, _stages(packages)):
            if builder:
                image = _keep_part(builder, parts)
            fetches = opened.enter_context(open_builder(wire, image, trust, caches))
            folder = working_dir or fetches.working_dir
            if builder is None:
                before(fetches)
            codes = [(chosen, fetch(fetches, chosen, folder, report, packages)) for chosen in sets]
            fetched(fetches)
            builder, left = fetches, [(chosen, code) for chosen, code in codes if code]
            if left:
                laid = any(MANAGERS[chosen.manager].fetches_into_place for chosen in sets)
                image = _keep_part(fetches, parts) if laid else image
                builder = opened.enter_context(open_builder(wire, image, trust, beside=fetches))
                for chosen, code in left:
                    settle(Builders(fetches=fetches, runs=builder), chosen, folder, report, packages, code)
            came |= {chosen.manager: ask_installed(builder, chosen, folder) for chosen in sets}
        assert builder is not None
        yield Environment(builder=builder, came=came)


def _keep_part(builder: Builder, parts: ExitStack) -> str:
    image = builder.commit_part()
    parts.callback(remove_part, builder.wire.uncut, image)
    return image


def _stages(packages: Sequence[PackageSet]) -> tuple[list[PackageSet], list[PackageSet]]:
    first = [chosen for chosen in packages if MANAGERS[chosen.manager].builds_others]
    return first, [chosen for chosen in packages if not MANAGERS[chosen.manager].builds_others]
