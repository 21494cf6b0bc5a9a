from __future__ import annotations

import click

from nexusctl.cli import options
from nexusctl.cli.confirm import require_answer
from nexusctl.cli.exit_codes import FAILED
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import quiet


@click.command()
@click.argument("code")
@options.yes
@options.as_json
def approve(code: str, yes: bool, as_json: bool) -> int:
    """Let an agent's call be carried out that the policy holds back; the agent makes it again then."""
    # Only this verb needs it.
    from nexusctl.mcp import approvals  # noqa: PLC0415 - deferred: start-up time

    asked = approvals.find(code)
    require_answer(yes=yes)
    if not as_json:
        click.echo(f"{quiet(asked.who)} asks for {asked.tool}: {quiet(asked.title)}\n\n{asked.plan}", err=True)
    if not yes and not click.confirm("Approve it?", err=True):
        options.say("It is not approved.")
        return FAILED
    approvals.approve(asked)
    if as_json:
        options.write_json({"format_version": FORMAT_VERSION, "code": asked.code, "tool": asked.tool, "approved": True})
    else:
        options.say(f"{asked.code} is approved, for one call within a day.")
    return 0
