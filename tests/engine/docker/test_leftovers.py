"""What a killed upload has left beside its targets goes with the next one."""

from __future__ import annotations

import subprocess

import pytest

from nexusctl.model.uploads_and_packages import Upload
from tests.engine.workshop import Workshop, text

pytestmark = pytest.mark.engine

LEFT = ("/etc/.nexusctl-0123456789ab-0/a.conf", "/etc/.a.conf.nexusctl-0123456789ab")
OTHERS = ("/etc/.nexusctl-mine", "/etc/.nexusctl-0123456789ab", "/etc/a.conf.nexusctl-0123456789ab")


def names(shop: Workshop, container_id: str) -> list[str]:
    found = shop.engine.run_script(container_id, "find /etc -name '*nexusctl-*'").output.split()
    return sorted(found)


SMALL = (text("/etc/a.conf", "new"),)
SEVERAL = (text("/etc/a.conf", "new"), text("/etc/b.conf", "new"))


@pytest.mark.parametrize("uploads", [SMALL, SEVERAL], ids=["one", "several"])
def test_it_goes_and_nothing_of_others_does(shop: Workshop, uploads: tuple[Upload, ...]) -> None:
    container_id = shop.start(shop.sandbox())
    for path in (*LEFT, *OTHERS):
        shop.engine.run_script(container_id, f"mkdir -p $(dirname {path}) && echo old > {path}")
    shop.engine.upload(container_id, uploads)
    assert names(shop, container_id) == sorted(OTHERS)
    found = subprocess.run(
        ["docker", "exec", container_id, "cat", "/etc/a.conf"], capture_output=True, text=True, check=True
    )
    assert found.stdout == "new"
