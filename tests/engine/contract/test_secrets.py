"""Secrets as files: written before the start, changed and removed while the sandbox runs, missed by a look inside."""

from __future__ import annotations

from dataclasses import replace

from nexusctl.model.observed.live import Interior, LiveSandbox
from nexusctl.model.secret import Secret, SecretFile, SecretText, SecretUse
from tests.engine.workshop import Workshop, text

PIN = SecretFile(secret="pin", name="pin.txt", digest="scrypt:01")
KEY = SecretFile(secret="key", name="key", digest="scrypt:02")


def reveal(use: SecretUse | SecretFile) -> Secret:
    return Secret({"pin": b"4711", "key": "ü\n$key\0".encode()}[use.secret])


def look_inside(shop: Workshop, container_id: str) -> Interior:
    live = shop.engine.look_inside(replace(shop.observe(), sandboxes=(shop.look(container_id),)))
    interior = live.sandboxes[0].interior
    assert interior is not None
    return interior


def test_the_record_of_a_sandbox_with_secrets_comes_back_without_their_values(shop: Workshop) -> None:
    url = SecretText(parts=("a:", SecretUse(secret="pin", digest="scrypt:01")))
    sandbox = shop.sandbox(secrets=(PIN, KEY), env={"URL": url})
    live: LiveSandbox = shop.look(shop.create(sandbox, reveal=reveal))
    assert live.record == sandbox
    assert "4711" not in repr(live)


def test_what_is_lost_of_the_secrets_is_seen_inside_and_put_back(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(secrets=(PIN, KEY), uploads=(text("/srv/x", "x"),)), reveal=reveal)
    assert look_inside(shop, container_id).lost_secrets == frozenset()
    shop.engine.put_secrets(container_id, (), reveal, ("key",))
    assert look_inside(shop, container_id).lost_secrets == {"key"}
    shop.engine.put_secrets(container_id, (KEY,), reveal)
    assert look_inside(shop, container_id).lost_secrets == frozenset()


def test_removing_a_secret_that_is_not_there_is_fine(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(secrets=(PIN,)), reveal=reveal)
    shop.engine.put_secrets(container_id, (), reveal, ("never-there",))
    assert look_inside(shop, container_id).lost_secrets == frozenset()
