from __future__ import annotations

import sys

import click

from nexusctl.api import connection
from nexusctl.api.overview.pruning import list_disposables, remove_disposables
from nexusctl.cli import options
from nexusctl.cli.confirm import require_answer
from nexusctl.cli.exit_codes import FAILED
from nexusctl.render.overview.disposables import disposables_document, render_disposables


@click.command()
@options.yes
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@options.as_json
def prune(yes: bool, dry_run: bool, as_json: bool) -> int:
    """Remove what nexusctl has made on this engine and no stack needs: environments, caches, networks.

    It shows them with their sizes and asks. Each is made again when a stack needs it; volumes with data stay.
    """
    engine = connection.connect()
    found = list_disposables(engine)
    if not as_json:
        click.echo(render_disposables(found, color=options.wants_color(sys.stdout)), nl=False, color=True)
    removed = []
    if found and not dry_run:
        require_answer(yes=yes)
        if not (yes or click.confirm("Remove them?", err=True)):
            options.say("Nothing was changed.")
            return FAILED
        for one, why in remove_disposables(engine, found):
            if why:
                options.say(f"{one.kind} {one.name} stays: {why}")
            else:
                removed.append(one)
        options.say(f"Removed {len(removed)} of {len(found)}.")
    if as_json:
        options.write_json(disposables_document(found, removed))
    return 0
