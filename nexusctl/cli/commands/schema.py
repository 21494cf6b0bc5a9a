from __future__ import annotations

import json

import click

from nexusctl.api.config import editor_schema

_KINDS = ["stack", "overlay", "template", "settings", "plan", "event", "status", "door"]


@click.command()
@click.argument("kind", type=click.Choice(_KINDS), default="stack")
def schema(kind: str) -> None:
    """Print the JSON schema of a stack file, or of another KIND of document.

    An editor with a YAML language server completes and checks a file that begins with the line
    `# yaml-language-server: $schema=nexus.schema.json`, where that file holds what this command prints.
    `overlay` is for files that are laid over another one with `-f` or `include`: nothing is required in them. `door`
    is for the policy of `nexusctl mcp`.
    """
    click.echo(json.dumps(editor_schema(f"{kind}.schema.json"), indent=2, ensure_ascii=False))
