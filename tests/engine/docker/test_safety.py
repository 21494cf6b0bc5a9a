"""What a sandbox may not do, seen from inside and from the engine."""

from __future__ import annotations

import socket
import threading

import pytest

from nexusctl.engine.docker.client.client import Wire
from nexusctl.model.stack import Resources
from tests.engine.workshop import Workshop

pytestmark = pytest.mark.engine


def read(shop: Workshop, container_id: str, script: str) -> str:
    outcome = shop.engine.run_script(container_id, script)
    assert outcome.exit_code == 0, outcome
    return outcome.output.strip()


def test_no_process_gains_privileges_and_their_number_is_limited(shop: Workshop, wire: Wire) -> None:
    container_id = shop.start(shop.sandbox())
    assert read(shop, container_id, "grep NoNewPrivs /proc/self/status").split()[1] == "1"
    host = wire.get(f"/containers/{container_id}/json")["HostConfig"]
    assert host["PidsLimit"] == 1024
    assert host["Privileged"] is False
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    assert host["Binds"] is None


def test_orphans_are_reaped_and_a_stop_takes_no_time_out(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    read(shop, container_id, "(sleep 0.05 &) ; sleep 0.3")
    # It ends when the machine gets to it, and is reaped at once then.
    dead = "grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null"
    wait = f"for n in $(seq 300); do {dead} >/dev/null || exit 0; sleep 0.1; done; {dead}"
    assert read(shop, container_id, wait) == ""
    shop.engine.stop_container(container_id)
    # The signal that asks is enough; 137 would be the one that ends.
    assert shop.engine.condition(container_id).exit_code == 143


def test_sandboxes_of_a_network_find_each_other_by_name_and_group(shop: Workshop) -> None:
    networks = (shop.join("one"), shop.join("two"))
    first = shop.start(shop.sandbox("api-1", group="api"), networks=networks)
    second = shop.start(shop.sandbox("web"), networks=(networks[1],))
    assert read(shop, second, "getent hosts api-1 | cut -d' ' -f1") == read(
        shop, second, "getent hosts api | cut -d' ' -f1"
    )
    assert read(shop, first, "hostname -s") == "api-1"


def test_a_sandbox_in_an_internal_network_reaches_others_and_not_the_host(shop: Workshop) -> None:
    network = shop.join("private", internal=True)
    first = shop.start(shop.sandbox("a"), networks=(network,))
    shop.start(shop.sandbox("b"), networks=(network,))
    assert read(shop, first, "getent hosts b")
    own = read(shop, first, "hostname -i").split()[0]
    gateway = own.rpartition(".")[0] + ".1"
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
        attempt = f"timeout 2 bash -c 'exec 3<>/dev/tcp/{gateway}/{port}'"
        assert shop.engine.run_script(first, attempt).exit_code != 0


def test_a_sandbox_in_an_open_network_reaches_the_host(shop: Workshop) -> None:
    """Shows that the test above can fail."""
    first = shop.start(shop.sandbox("a"), networks=(shop.join(),))
    gateway = read(shop, first, "hostname -i").rpartition(".")[0] + ".1"
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
        attempt = f"timeout 20 bash -c 'exec 3<>/dev/tcp/{gateway}/{port}'"
        assert shop.engine.run_script(first, attempt).exit_code == 0


def _greet(server: socket.socket) -> None:
    try:
        server.accept()[0].close()
    except OSError:
        return


@pytest.mark.parametrize("script", ["{eat}", "{eat}; exit $?"])
def test_a_sandbox_that_was_out_of_memory_says_so(shop: Workshop, script: str) -> None:
    """Also where it was not the first process that the kernel killed."""
    eat = "perl -e 'my $x = \"x\" x 100_000_000; print length $x'"
    sandbox = shop.sandbox(
        kind="task", command=("sh", "-c", script.format(eat=eat)), resources=Resources(memory=16 << 20)
    )
    condition = shop.await_exit(shop.start(sandbox))
    assert (condition.exit_code, condition.killed_for_memory) == (137, True)


def test_a_sandbox_that_was_killed_is_not_said_to_be_out_of_memory(shop: Workshop, wire: Wire) -> None:
    container_id = shop.start(shop.sandbox(resources=Resources(memory=16 << 20)))
    wire.post(f"/containers/{container_id}/kill", query={"signal": "KILL"})
    condition = shop.await_exit(container_id)
    assert (condition.exit_code, condition.killed_for_memory) == (137, False)


def test_what_would_run_if_it_got_a_processor_is_told_from_what_waits(shop: Workshop) -> None:
    idle = shop.start(shop.sandbox())
    busy = shop.start(shop.sandbox("b", command=("sh", "-c", "while :; do :; done"), resources=Resources(cpus=0.1)))
    assert not shop.engine.is_computing(idle)
    assert shop.engine.is_computing(busy)
