from __future__ import annotations

import click

from nexusctl.api import connection
from nexusctl.api.everyday import executions as api


@click.command(name="signal")
@click.argument("execution_id", metavar="ID")
@click.argument("name", metavar="SIGNAL")
def signal_(execution_id: str, name: str) -> None:
    """Send SIGNAL, such as TERM or INT, to all that the execution ID runs."""
    api.signal(connection.connect(), execution_id, name)
