"""What records keep for themselves of variables that env files gave, read from the containers that have them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nexusctl.engine.docker.bodies.inspect import WORKERS
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.threads import open_crew
from nexusctl.errors import NotFound
from nexusctl.model.env_file_text import is_withheld, put_back
from nexusctl.model.observed.live import LiveSandbox


def read_withheld(wire: Wire, sandboxes: Iterable[LiveSandbox]) -> tuple[LiveSandbox, ...]:
    """`sandboxes` with these values in their records; of a container that is gone nobody has them any more."""
    with open_crew(WORKERS) as pool:
        return tuple(pool.map(lambda sandbox: _read(wire, sandbox), sandboxes))


def _read(wire: Wire, sandbox: LiveSandbox) -> LiveSandbox:
    record = sandbox.record
    if record is None or sandbox.gone or not any(map(is_withheld, record.env.values())):
        return sandbox
    try:
        inspected = wire.get(f"/containers/{sandbox.id}/json")
    except NotFound:
        return sandbox
    pairs = (str(variable).partition("=") for variable in inspected["Config"].get("Env") or ())
    values = {name: value for name, _, value in pairs}
    return replace(sandbox, record=replace(record, env=put_back(record.env, values)))
