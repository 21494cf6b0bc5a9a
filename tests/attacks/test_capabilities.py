"""A sandbox has none of the powers by which one could pass for its neighbour, unless its file says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import run as run_inside
from tests.attacks.test_binds import nexusctl

pytestmark = pytest.mark.engine

_BITS = {
    "CHOWN": 0, "KILL": 5, "NET_BIND_SERVICE": 10, "NET_RAW": 13, "SYS_CHROOT": 18, "SYS_NICE": 23, "MKNOD": 27,
    "AUDIT_WRITE": 29, "SETFCAP": 31,
}  # fmt: skip
"""capabilities(7), include/uapi/linux/capability.h."""


def powers(wire: Wire, container: str) -> set[str]:
    """What the kernel says that a program in the container may have."""
    said = run_inside(wire, container, ["sh", "-c", "grep CapBnd /proc/self/status"]).output
    bound = int(said.split()[1], 16)
    return {name for name, bit in _BITS.items() if bound >> bit & 1}


def test_it_has_those_that_are_left_and_those_that_its_file_names(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    box = {"image": base_image, "command": ["sleep", "infinity"]}
    sandboxes = {
        "usual": box,
        "low": {**box, "ports": [80]},
        "more": {**box, "cap_add": ["NET_RAW", "CAP_SYS_NICE"], "cap_drop": ["KILL"]},
        "none": {**box, "cap_drop": ["ALL"], "cap_add": ["MKNOD"]},
    }
    (tmp_path / "nexus.yaml").write_text(json.dumps({"name": stack_name, "sandboxes": sandboxes}))
    try:
        done = nexusctl(tmp_path, "apply", "--yes")
        assert done.returncode == 0, done.stderr
        assert powers(wire, f"{stack_name}_usual") == {"CHOWN", "KILL"}
        assert powers(wire, f"{stack_name}_low") == {"CHOWN", "KILL", "NET_BIND_SERVICE"}
        assert powers(wire, f"{stack_name}_more") == {"CHOWN", "NET_RAW", "SYS_NICE"}
        assert powers(wire, f"{stack_name}_none") == {"MKNOD"}
        assert nexusctl(tmp_path, "plan", "--detailed-exitcode").returncode == 0
        assert nexusctl(tmp_path, "drift").returncode == 0
        # The engine lets everybody have a low port.
        listen = "IO::Socket::INET->new(LocalPort => 81, Listen => 1) or die; print q(listens)"
        said = run_inside(wire, f"{stack_name}_usual", ["perl", "-MIO::Socket::INET", "-e", listen]).output
        assert "listens" in said
        spoof = "socket(S, 17, 3, 0x0608) or die qq($!\\n); print q(spoofed)"
        assert "Operation not permitted" in run_inside(wire, f"{stack_name}_usual", ["perl", "-e", spoof]).output
        assert "spoofed" in run_inside(wire, f"{stack_name}_more", ["perl", "-e", spoof]).output
    finally:
        nexusctl(tmp_path, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")


def test_what_an_older_version_has_made_stays_as_it_is_and_the_plan_says_so(
    tmp_path: Path, stack_name: str, base_image: str, wire: Wire
) -> None:
    box = {"image": base_image, "command": ["sleep", "infinity"]}
    (tmp_path / "nexus.yaml").write_text(json.dumps({"name": stack_name, "sandboxes": {"box": box}}))
    name = f"{stack_name}_box"
    try:
        assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
        made = wire.get(f"/containers/{name}/json")
        # As the version before made it: with neither the label nor the powers taken away.
        config, host = made["Config"], made["HostConfig"]
        marks = {key: value for key, value in config["Labels"].items() if not key.endswith((".capabilities", ".birth"))}
        wire.delete(f"/containers/{name}", {"force": True})
        networks = {"EndpointsConfig": {key: {} for key in made["NetworkSettings"]["Networks"]}}
        body = {**config, "Labels": marks, "HostConfig": {**host, "CapDrop": []}, "NetworkingConfig": networks}
        wire.post("/containers/create", body, {"name": name})
        wire.post(f"/containers/{name}/start")
        planned = nexusctl(tmp_path, "plan", "--detailed-exitcode")
        assert planned.returncode == 0, planned.stdout
        assert "1 sandbox of an older version keeps all default capabilities until replaced: box." in planned.stdout
        assert json.loads(nexusctl(tmp_path, "plan", "--json").stdout)["unreduced"] == ["box"]
        (tmp_path / "nexus.yaml").write_text(
            json.dumps({"name": stack_name, "sandboxes": {"box": {**box, "env": {"A": "1"}}}})
        )
        assert nexusctl(tmp_path, "apply", "--yes").returncode == 0
        assert "older version" not in nexusctl(tmp_path, "plan").stdout
        assert "NET_RAW" not in powers(wire, name)
    finally:
        nexusctl(tmp_path, "destroy", "--yes", "--stack", stack_name, "--ignore-missing")
