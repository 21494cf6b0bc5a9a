"""Fetching images from a real registry: the one that Debian has, on loopback."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.images.images import pull_image
from nexusctl.errors import StepError
from tests.packages.conftest import remove_image
from tests.ports import free_port

pytestmark = pytest.mark.engine

NO_CREDENTIALS = {"X-Registry-Auth": base64.b64encode(b"{}").decode()}


def push(wire: Wire, image: str, reference: str) -> None:
    repository, _, tag = reference.rpartition(":")
    wire.post(f"/images/{image}/tag", query={"repo": repository, "tag": tag})
    for message in wire.lines("POST", f"/images/{repository}/push", {"tag": tag}, NO_CREDENTIALS):
        assert "error" not in message, message
    remove_image(wire, reference)


def test_an_image_that_a_registry_has_is_fetched_with_its_share_told(
    wire: Wire, registry: str, base_image: str
) -> None:
    reference = f"{registry}/team/base:1"
    push(wire, base_image, reference)
    told: list[str] = []
    pull_image(wire, reference, told.append)
    try:
        assert wire.get(f"/images/{reference}/json")["Id"] == wire.get(f"/images/{base_image}/json")["Id"]
        assert told[0] == "pulling 0 %"
        assert all(phrase.startswith("pulling ") and phrase.endswith(" %") for phrase in told)
    finally:
        remove_image(wire, reference)


def test_a_locked_image_is_fetched_by_its_digest_though_the_tag_has_moved(
    wire: Wire, registry: str, base_image: str
) -> None:
    reference = f"{registry}/team/moving:1"
    push(wire, base_image, reference)
    digest = wire.get(f"/distribution/{reference}/json")["Descriptor"]["digest"]
    other = _make_other(wire, base_image)
    push(wire, other, reference)
    pull_image(wire, reference, print, digest=digest)
    try:
        assert wire.get(f"/images/{reference}/json")["Id"] == wire.get(f"/images/{base_image}/json")["Id"]
    finally:
        remove_image(wire, reference)
        remove_image(wire, other)


def _make_other(wire: Wire, base: str) -> str:
    """An image with another id."""
    made = wire.post("/containers/create", {"Image": base, "Cmd": ["true"]})["Id"]
    wire.post("/commit", {"Labels": {"other": "yes"}}, {"container": made, "repo": "nexusctl-test/moved", "tag": "1"})
    wire.delete(f"/containers/{made}")
    return "nexusctl-test/moved:1"


def test_only_the_named_tag_is_fetched(wire: Wire, registry: str, base_image: str) -> None:
    for tag in ("latest", "other"):
        push(wire, base_image, f"{registry}/team/tags:{tag}")
    pull_image(wire, f"{registry}/team/tags", print)
    try:
        listed = {tag for image in wire.get("/images/json") for tag in image["RepoTags"] or ()}
        assert f"{registry}/team/tags:latest" in listed
        assert f"{registry}/team/tags:other" not in listed
    finally:
        remove_image(wire, f"{registry}/team/tags:latest")


@pytest.mark.parametrize("name", ["team/base:no-such", "no-such:1"])
def test_a_missing_image_is_said_to_be_missing(wire: Wire, registry: str, base_image: str, name: str) -> None:
    push(wire, base_image, f"{registry}/team/base:1")
    with pytest.raises(StepError) as caught:
        pull_image(wire, f"{registry}/{name}", print)
    problem = caught.value.diagnostics[0]
    assert problem.summary == f"the registry {registry} has no image {registry}/{name}"
    assert problem.hint == "check its name and tag"


def test_a_registry_that_does_not_answer_is_said_to(wire: Wire) -> None:
    reference = f"127.0.0.1:{free_port()}/team/base:1"
    with pytest.raises(StepError) as caught:
        pull_image(wire, reference, print)
    problem = caught.value.diagnostics[0]
    assert problem.summary.startswith(f"the image {reference} could not be fetched from 127.0.0.1:")
    assert any("refused" in line for line in problem.output)


def test_the_credentials_that_docker_keeps_are_sent(
    wire: Wire, registry: str, base_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = f"{registry}/team/private:1"
    push(wire, base_image, reference)
    token = base64.b64encode(b"dev:secret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry: {"auth": token}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    sent: list[object] = []
    monkeypatch.setattr(Wire, "lines", record_headers(Wire.lines, sent))
    pull_image(wire, reference, print)
    remove_image(wire, reference)
    assert [json.loads(base64.urlsafe_b64decode(str(header)))["username"] for header in sent] == ["dev"]


def record_headers(lines: object, sent: list[object]) -> object:
    def recording(
        self: Wire, method: str, path: str, query: object = None, headers: dict[str, str] | None = None
    ) -> object:
        sent.append((headers or {}).get("X-Registry-Auth"))
        return lines(self, method, path, query, headers)  # type: ignore[operator]

    return recording


def test_credentials_that_cannot_be_read_are_reported(
    wire: Wire, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {registry: "no-such-helper"}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(StepError) as caught:
        pull_image(wire, f"{registry}/team/private:1", print)
    assert f"docker's credentials for {registry} cannot be read" in caught.value.diagnostics[0].summary
