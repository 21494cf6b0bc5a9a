"""What every test on the real engine needs: the way to it, an image, and names that nobody else has.

Tests run beside each other, in several processes on one engine. So each uses names of its own, and looks only at what
bears them. Those of one file run one after the other, and share what is expensive.
"""

from __future__ import annotations

import os
import signal
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.client.endpoint import connect
from tests.images import require_base_image, require_busybox_image
from tests.miscounted import pytest_runtest_protocol
from tests.templates.recipes import COMMON, make_image

__all__ = ["pytest_runtest_protocol"]

# What the settings of whoever runs the tests give a sandbox is nothing that a test can know.
# A reaper ends what other tests run on the same engine: those that are about it have an engine of their own.
os.environ["NEXUS_SETTINGS"] = str(Path(__file__).parent / "settings.yaml")

# A shell lets what it starts in the background ignore these, and so would every program that is to be ended by one.
for _number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)

# How many examples a property gets: in passing, by `make test`, by `make properties`. How long one takes says nothing
# on a machine that does other things meanwhile. What a test run finds, the next finds again.
_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", _COMMON, max_examples=30)
settings.register_profile("default", _COMMON, max_examples=250, derandomize=True)
settings.register_profile("oracles", _COMMON, max_examples=20_000)
settings.register_profile("nightly", _COMMON, max_examples=100_000)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def wire() -> Wire:
    """The way to the engine that the tests run on; without one they fail and say what to do."""
    return connect()


@pytest.fixture(scope="session")
def base_image(wire: Wire) -> str:
    return require_base_image(wire)


@pytest.fixture(scope="session")
def busybox_image(wire: Wire) -> str:
    return require_busybox_image(wire)


@pytest.fixture(scope="session")
def template_images(wire: Wire) -> None:
    """The common templates have their images, so that programs which need them at once do not all make them."""
    for name in COMMON:
        make_image(wire, name)


@pytest.fixture(autouse=True)
def no_engine_unmarked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that is not marked finds no engine: neither does it on a machine without one."""
    if not request.node.get_closest_marker("engine"):
        monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/engine.sock")


@pytest.fixture
def stack_name() -> str:
    return f"test-{uuid.uuid4().hex[:10]}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, properties and those that need the engine; others fill what is left."""
    long = {item.path for item in items if item.get_closest_marker("engine") or "properties" in item.path.name}
    items.sort(
        key=lambda item: (
            "properties" not in item.path.name,
            item.path not in long,
            # Engines, templates and images of one's own take minutes a file.
            item.path.parent.name not in ("daemon", "stacks", "templates", "mcp"),
        )
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests recorded as a `figure`; what they print is lost in a worker process."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    figures = [str(value) for report in reports for name, value in report.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(figures))
