"""What every tool works with, and one call of a tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from nexusctl.mcp.approvals import ApprovalRequest, ask, code_of, take
from nexusctl.mcp.edits.batches import Batches, BatchResult, Request
from nexusctl.mcp.edits.draft import Edit
from nexusctl.mcp.edits.workspace import Workspace
from nexusctl.mcp.looks import Looks, Seen
from nexusctl.mcp.policy import Policy, matches
from nexusctl.model.plan.plan import Plan
from nexusctl.model.values.frozen import dataclass
from nexusctl.render.plan.plan import plan_document, render_plan

Answer = Mapping[str, Any]
"""The structured content of a tool's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of `tool`: its `arguments`, checked, and `who` asks."""

    tool: str
    arguments: Mapping[str, Any]
    who: str

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The argument `name`, else the default."""
        return self.arguments.get(name, default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One workspace, with what changes it, what looks at it, and what may be asked of it."""

    workspace: Workspace
    batches: Batches
    looks: Looks
    policy: Policy
    at_hand: Seen | None = None
    """What a call reads that must not wait, see `prompt`."""

    def look(self) -> Seen:
        """What there is now. Raises `NexusError`."""
        return self.looks.take()

    def read(self) -> Seen:
        """The same for an answer that says of when it is, see `looks.py`."""
        return self.at_hand or self.looks.read()

    def prompt(self) -> Door | None:
        """The same for a call that only reads, and waits for nobody; None where it would have to wait."""
        seen = self.looks.at_hand()
        return replace(self, at_hand=seen) if seen else None

    def tell(self) -> None:
        """What has changed until now is about to be told to somebody, and so are its failures."""
        self.looks.tell(self.batches.ended)

    def change(
        self, call: Call, sandboxes: tuple[str, ...], edit: Edit, title: str, *, adds: bool = False
    ) -> BatchResult | Answer:
        """Make `edit`, which is about `sandboxes` alone, and apply it; with `plan` only say what would change.

        Where a person has to approve it first, it is the answer to the caller. Raises `NexusError` where it cannot be
        made; then everything is as before.
        """
        names = frozenset(sandboxes)
        if call.get("plan"):
            return {"planned": planned(self.workspace.preview(edit), names)}
        if waiting := self.hold(call, title, lambda: self.workspace.preview(edit), names):
            return waiting
        request = Request(sandboxes=sandboxes, edit=edit, who=call.who, title=title, adds=adds)
        return self.batches.submit(request).result()

    def hold(
        self, call: Call, title: str, preview: Callable[[], Plan] | None = None, names: frozenset[str] = frozenset()
    ) -> Answer | None:
        """The answer to a call that a person has to approve first; None where nobody has to, or somebody has."""
        if not matches(call.tool, self.policy.approval):
            return None
        code = code_of(call.tool, call.arguments, call.who, self.workspace.path)
        if take(code):
            return None
        plan = preview() if preview else None
        shown = render_plan(plan) if plan else ""
        file = str(self.workspace.path.absolute())
        ask(ApprovalRequest(code=code, tool=call.tool, who=call.who, title=title, plan=shown, file=file))
        command = f"nexusctl approve {code}"
        approval = {
            "code": code,
            "command": command,
            "reason": f"Nothing was done yet: a person has to approve {call.tool} here. Ask one to type `{command}`, "
            "then make the same call again, with the same arguments.",
        }
        return {"approval": approval, **({"planned": planned(plan, names)} if plan else {})}


def told(done: BatchResult, answer: Answer) -> Answer:
    """`answer` with what should be known of the change, where there is something."""
    return {**answer, "warnings": [warning.summary for warning in done.warnings]} if done.warnings else answer


Tool = Callable[[Door, Call], Answer]
"""Blocks. Raises `NexusError` for what becomes an error result."""


def planned(plan: Plan, names: frozenset[str]) -> dict[str, Any]:
    """What a plan has for the sandboxes `names`, as JSON, without the values of env vars."""
    document = plan_document(plan)
    changes = [change for change in document["changes"] if change["kind"] != "sandbox" or change["name"] in names]
    for change in changes:
        for difference in change["differences"]:
            if difference["field"].partition(".")[0] == "env":
                difference |= {side: "(not shown)" for side in ("before", "after") if difference[side] is not None}
    return {**document, "changes": changes, "empty": not changes}
