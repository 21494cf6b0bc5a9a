"""What happened to a sandbox, as a line and as JSON."""

from __future__ import annotations

from typing import Any

from nexusctl.model.observed.sandbox_event import SandboxEvent
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.text_style import quiet, utc_exact

CAUSES = {"lifetime": "its lifetime was over", "idle": "it was idle for too long", "memory": "it had no memory left"}
"""Why something has ended by itself, in words."""


def render_event(event: SandboxEvent) -> str:
    """What a label says moves no cursor, and begins no line."""
    text = quiet(f"{utc_exact(event.time)} {event.sandbox} {_say(event)}")
    return text.replace("\n", "\\x0a").replace("\t", "\\x09")


def event_document(stack: str, event: SandboxEvent) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "stack": stack,
        "sandbox": event.sandbox,
        "container": event.container_id,
        "time": utc_exact(event.time),
        "event": event.kind,
        "exit_code": event.exit_code,
        "health": event.health or None,
        "killed": event.killed,
        "by": event.by or None,
        "cause": event.cause or None,
    }


def _say(event: SandboxEvent) -> str:
    if event.kind == "created":
        return f"created by {event.by}" if event.by else "created"
    if event.kind == "health":
        return event.health or "health changed"
    if event.kind == "oom":
        return "out of memory"
    what = event.kind if event.exit_code is None else f"died with exit code {event.exit_code}"
    if event.kind == "stopped" and event.killed:
        what = "stopped by a kill, as it had not ended in its time"
    if event.cause == "purpose":
        return f"{what}, on purpose, by {event.by}" if event.by else f"{what}, on purpose"
    return f"{what}: {CAUSES[event.cause]}" if event.cause else what
