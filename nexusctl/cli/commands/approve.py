from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexusctl.cli import options
from nexusctl.cli.confirm import require_answer
from nexusctl.cli.exit_codes import FAILED
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import quiet

if TYPE_CHECKING:
    from nexusctl.mcp.approvals import ApprovalRequest


@click.command()
@click.argument("code", required=False)
@options.yes
@options.as_json
def approve(code: str | None, yes: bool, as_json: bool) -> int:
    """Let an agent's call be carried out that the policy holds back; the agent makes it again then.

    Without CODE, list the calls that wait.
    """
    # Only this verb needs it.
    from nexusctl.mcp import approvals  # noqa: PLC0415 - deferred: start-up time

    if code is None:
        return _list(approvals.list_waiting(), as_json=as_json)
    asked = approvals.find(code)
    if not as_json:
        where = f" in {quiet(asked.file)}" if asked.file else ""
        words = f"{quiet(asked.who)} asks for {asked.tool}{where}: {quiet(asked.title)}"
        click.echo(f"{words}\n\n{asked.plan}".rstrip() + "\n", err=True)
    require_answer(yes=yes)
    if not yes and not click.confirm("Approve it?", err=True):
        options.say("It is not approved.")
        return FAILED
    approvals.approve(asked)
    if as_json:
        options.write_json({"format_version": FORMAT_VERSION, "code": asked.code, "tool": asked.tool, "approved": True})
    else:
        options.say(f"{asked.code} is approved, for one call within a day.")
    return 0


def _list(waiting: tuple[ApprovalRequest, ...], *, as_json: bool) -> int:
    if as_json:
        names = ("code", "who", "tool", "title", "file")
        options.write_json(
            {
                "format_version": FORMAT_VERSION,
                "waiting": [{name: getattr(one, name) for name in names} for one in waiting],
            }
        )
        return 0
    for one in waiting:
        click.echo(f"{one.code}  {one.tool:<18}  {quiet(one.who)}  {quiet(one.title)}  {quiet(one.file)}".rstrip())
    if not waiting:
        options.say("No call waits for approval.")
    return 0
