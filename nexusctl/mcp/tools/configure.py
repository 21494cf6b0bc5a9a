"""`sandbox_configure`."""

from __future__ import annotations

from typing import Any

from nexusctl.errors import Diagnostic, InputError
from nexusctl.mcp.door import Answer, Call, Door, told
from nexusctl.mcp.edits.batches import BatchResult
from nexusctl.mcp.edits.draft import StackDraft
from nexusctl.mcp.looks import id_of
from nexusctl.mcp.text_values import literal, texts
from nexusctl.mcp.tools.create import count_packages
from nexusctl.mcp.tools.describe import state_of
from nexusctl.mcp.tools.execute import begin, describe_execution, listen, running
from nexusctl.mcp.tools.lifecycle import editable

COMMAND_TIMEOUT = 1_800
"""Seconds that one of the commands may take, as a startup script does."""

COMMAND_WAIT = 240.0
"""Seconds that an answer waits for all of them; clients give up after five minutes without a word."""


def configure(door: Door, call: Call) -> Answer:
    """Set env vars, install packages, then run commands, in their order."""
    name = editable(door.look(), call["sandbox_id"])
    env = texts(call.get("env_vars", {}), "env_vars")
    door.policy.require_secrets(env.values())
    packages = [literal(package) for package in call.get("install_packages", ())]
    commands = call.get("run_commands", ())
    if not (env or packages or commands):
        hint = "give `env_vars`, `install_packages` or `run_commands`"
        raise InputError(Diagnostic(f"nothing is to be changed of {id_of(name)}", hint=hint))

    def edit(draft: StackDraft) -> StackDraft:
        for variable, value in env.items():
            draft = draft.set(("sandboxes", name, "env", variable), value)
        return add_packages(draft, name, packages)

    done = door.change(call, (name,), edit, f"Configure {name}")
    if not isinstance(done, BatchResult):
        return done
    change = done.changes.get(name)
    ran, problem = _run(door, call, name, commands)
    seen = door.look()
    answer = {
        "sandbox_id": id_of(name),
        "status": state_of(seen, seen.status(name)),
        "changed": sorted({difference.field for difference in change.differences}) if change else [],
        "replaced": bool(change and change.action == "replace"),
        "env_vars_set": len(env),
        "packages_installed": count_packages(seen, name, call.get("install_packages", ())),
        "commands": ran,
    }
    return told(done, {**answer, "errors": [problem]} if problem else answer)


def add_packages(draft: StackDraft, name: str, packages: list[str]) -> StackDraft:
    """`draft` with more packages for the manager of the sandbox's template; one that is there gets the new version."""
    entry = draft.sandbox(name)
    known = entry.get("packages")
    if not packages:
        return draft
    if known is not None and not isinstance(known, list):
        hint = "a person names its managers, and changes them there"
        raise InputError(Diagnostic(f"the packages of {id_of(name)} are no plain list", hint=hint))
    wanted = {_bare(package): package for package in packages}
    for number, item in enumerate(known or ()):
        bare = _bare(item) if isinstance(item, str) else item.get("name", "")
        if bare in wanted:
            package = wanted.pop(bare)
            if item != package:
                draft = draft.set(("sandboxes", name, "packages", number), package)
    for package in wanted.values():
        draft = draft.append(("sandboxes", name, "packages"), package)
    return draft


def _bare(package: str) -> str:
    """The name in `express@^4`, `@scope/name@5`, `requests==2.0`, `curl=7`."""
    head, rest = package[:1], package[1:]
    for sign in "@=<>~![; ":
        rest = rest.partition(sign)[0]
    return head + rest


def _run(door: Door, call: Call, name: str, commands: Any) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Run `commands` one after the other: their executions, and what is wrong with the one that was the last."""
    engine = door.looks.engine()
    ran: list[dict[str, Any]] = []
    for number, command in enumerate(commands):
        seen = door.look()
        live = running(seen, name)
        begun = begin(
            engine, live, command, "shell", timeout=COMMAND_TIMEOUT, env={}, working_dir=None, who=call.who,
            stack=seen.stack.name,
        )  # fmt: skip
        heard = listen(engine, begun.id, COMMAND_WAIT / len(commands))
        found = describe_execution(heard, output=True)
        ran.append({"command": command, **found})
        left = len(commands) - number - 1
        if found["status"] == "running":
            hint = "read on with `execution_stream_status`, and call it again for the others"
            return ran, {"summary": f"`{command[:60]}` still runs; {left} after it were not run", "hint": hint}
        if found["exit_code"] != 0:
            hint = f"its output says why; {left} after it were not run"
            return ran, {"summary": f"`{command[:60]}` ended with exit code {found['exit_code']}", "hint": hint}
    return ran, None
