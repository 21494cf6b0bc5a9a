"""What every test on the real engine needs: the way to it, an image, and names that nobody else has.

Tests run beside each other, in several processes on one engine. So each uses names of its own, and looks only at what
bears them. Tests that share something expensive, or that the engine has only one of, are an `xdist_group`.
"""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from nexusctl.config.load import template_names
from nexusctl.engine.docker.endpoint import connect
from nexusctl.engine.docker.wire import Wire
from nexusctl.errors import NotFound
from tests.alone import alone
from tests.templates.recipes import make_image

BASE_IMAGE = "nexusctl-test/base:1"

# How long an example takes says nothing on a machine that does other things meanwhile.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


@pytest.fixture(scope="session")
def wire() -> Wire:
    """The way to the engine that the tests run on; without one they fail and say what to do."""
    return connect()


@pytest.fixture(scope="session")
def base_image(wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Debian with bash, tar and perl, made once from the distribution's packages and kept on the engine."""
    with alone("base-image"):
        try:
            wire.get(f"/images/{BASE_IMAGE}/json")
        except NotFound:
            import_base_image(wire, tmp_path_factory.mktemp("base") / "base.tar")
    return BASE_IMAGE


@pytest.fixture(scope="session")
def template_images(wire: Wire) -> None:
    """The built-in templates have their images, so that programs which need them at once do not all make them."""
    for name in template_names():
        make_image(wire, name)


@pytest.fixture
def stack_name() -> str:
    return f"test-{uuid.uuid4().hex[:10]}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests recorded as a `figure`; what they print is lost in a worker process."""
    reports = terminalreporter.getreports("passed")
    figures = [str(value) for report in reports for name, value in report.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(figures))


def import_base_image(wire: Wire, tar: Path) -> None:
    if not shutil.which("mmdebstrap"):
        pytest.fail("the tests' base image is made by mmdebstrap: `apt-get install mmdebstrap`")
    subprocess.run(["mmdebstrap", "--variant=minbase", "bookworm", str(tar)], check=True)
    repository, _, tag = BASE_IMAGE.rpartition(":")
    query = {"fromSrc": "-", "repo": repository, "tag": tag}
    with wire.open("POST", "/images/create", query, _read(tar), content_type="application/x-tar") as answer:
        answer.read()
    tar.unlink()


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while data := stream.read(1 << 20):
            yield data
