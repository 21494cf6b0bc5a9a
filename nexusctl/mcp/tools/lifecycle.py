"""`sandbox_stop`, `sandbox_start` and `sandbox_delete`."""

from __future__ import annotations

from nexusctl.api import planning
from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.door import Answer, Call, Door, told
from nexusctl.mcp.edits.batches import BatchResult
from nexusctl.mcp.edits.draft import StackDraft
from nexusctl.mcp.looks import Seen, id_of
from nexusctl.mcp.tools.describe import state_of


def stop(door: Door, call: Call) -> Answer:
    """Say in the file that a sandbox is stopped, and stop it."""
    return _put(door, call, "stopped")


def start(door: Door, call: Call) -> Answer:
    """Say in the file that it runs, and start it."""
    return _put(door, call, "running")


def delete(door: Door, call: Call) -> Answer:
    """Take a sandbox out of the file, and remove it."""
    name = editable(door.look(), call["sandbox_id"])

    def edit(draft: StackDraft) -> StackDraft:
        draft.sandbox(name)
        return draft.remove(("sandboxes", name)).drop(name)

    done = door.change(call, (name,), edit, f"Delete {name}")
    if not isinstance(done, BatchResult):
        return done
    # What an image has made of its own is not told at a glance.
    live = planning.observe(door.looks.engine(), door.workspace.glance().stack)
    left = [f"volume {volume.volume}" for volume in live.volumes if volume.sandbox == name]
    return told(done, {"sandbox_id": id_of(name), "status": "deleted", "left": left})


def editable(seen: Seen, sandbox_id: str) -> str:
    """The name of a sandbox that has an entry of its own in a file. Raises `InputError` for any other."""
    name = seen.status(sandbox_id).name
    declared = seen.stack.sandboxes.get(name)
    if declared and declared.group != name:
        hint = f"a person changes all of {declared.group} in the stack file"
        raise InputError(
            Diagnostic(f"{id_of(name)} is one of several that are declared as {declared.group}", hint=hint)
        )
    if declared is None:
        hint = "`nexusctl plan` shows what becomes of it"
        raise InputError(Diagnostic(f"{id_of(name)} is in the stack file no more", hint=hint))
    return name


def _put(door: Door, call: Call, state: str) -> Answer:
    name = editable(door.look(), call["sandbox_id"])

    def edit(draft: StackDraft) -> StackDraft:
        entry = draft.sandbox(name)
        if entry.get("state", "running") == state:
            return draft
        if state == "running":
            return draft.remove(("sandboxes", name, "state"))
        return draft.set(("sandboxes", name, "state"), state)

    done = door.change(call, (name,), edit, f"{'Stop' if state == 'stopped' else 'Start'} {name}")
    if not isinstance(done, BatchResult):
        return done
    seen = door.look()
    status = seen.status(name)
    return told(
        done,
        {
            "sandbox_id": id_of(name),
            "status": state_of(seen, status),
            "endpoint": status.endpoint or None,
            "exit_code": status.exit_code,
        },
    )
