"""What calls cost the one thread of a server that all agents share: its own time, as others load the machine too."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.mcp.client import ERAS, TOKEN, command, environment, over_http, wait_for_address

ROUNDS, CALLS = 3, 20
"""The cheapest of so many rounds counts: what else a machine does makes some of them dear."""

DEARER = 1.4


def spent(process: subprocess.Popen[bytes]) -> float:
    """Seconds that the first thread of a process has computed, not those that it has waited for a processor."""
    return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]) / 1e9


@pytest.mark.parametrize("era", ERAS)
def test_a_call_with_arguments_costs_what_one_without_does(tmp_path: Path, era: str) -> None:
    """The SDK would list all tools, and check that list, to find the schema of the one that is called."""
    log = tmp_path / "log"
    with log.open("w") as errors:
        words = command(tmp_path, "--http", "127.0.0.1:0")
        process = subprocess.Popen(words, env=environment(), stderr=errors, stdout=subprocess.DEVNULL)

    async def play(address: str) -> tuple[float, float]:
        async with over_http(address, era) as client:

            async def measure(arguments: dict[str, Any]) -> float:
                begun = spent(process)
                for _ in range(CALLS):
                    await client.call_tool("template_list", arguments)
                return spent(process) - begun

            await client.list_tools()
            rounds = [(await measure({}), await measure({"limit": 100})) for _ in range(ROUNDS)]
            return min(bare for bare, _ in rounds), min(full for _, full in rounds)

    try:
        bare, full = anyio.run(play, wait_for_address(process, log))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert full < bare * DEARER


def test_what_is_loaded_is_not_looked_through_for_garbage_while_agents_wait(tmp_path: Path) -> None:
    script = f"""
import gc
from pathlib import Path
from nexusctl.mcp.serve import ServerOptions, serve_http

def say(text):
    print(gc.get_freeze_count(), len(gc.get_objects()))
    raise SystemExit

serve_http(ServerOptions(file=Path("nexus.yaml")), "127.0.0.1", 0, {{{TOKEN!r}: "me"}}, (), say)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    kept, looked_through = map(int, done.stdout.split())
    assert kept > 10 * looked_through
