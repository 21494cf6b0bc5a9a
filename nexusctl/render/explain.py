"""Why the plan says what it says of a sandbox, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from nexusctl.errors import Location
from nexusctl.model.plan.actions import ACTIONS
from nexusctl.plan.commands.story import FieldStory, SandboxStory
from nexusctl.render.format import FORMAT_VERSION
from nexusctl.render.plan.plan import change_document, difference_document
from nexusctl.render.text_style import paint, quiet, size, utc

WIDEST = 100


def render_stories(stories: Iterable[SandboxStory], *, color: bool = False) -> str:
    """Lines that end with a line end; the fields that differ come first, the others take a line each."""
    return "".join(f"{line}\n" for story in stories for line in _lines(story, color))


def stories_document(stories: Iterable[SandboxStory]) -> dict[str, Any]:
    return {"format_version": FORMAT_VERSION, "sandboxes": [_document(story) for story in stories]}


def _lines(story: SandboxStory, color: bool) -> Iterator[str]:
    yield f"{paint(story.name, 'bold', color=color)} ({story.state}){_at(story.place)}"
    if story.busy:
        yield f"  its stack is being changed by {quiet(story.busy)}, so this is how it is in between"
    yield from (f"  {line}" for line in _verdicts(story))
    for field in story.fields:
        if field.difference is None and field.desired == field.recorded:
            value = "not set" if field.desired is None else _shown(field.desired, field.field)
            yield f"  {field.field}: {value}{_at(field.place)}"
            continue
        yield f"  {paint(field.field, 'yellow', color=color)}"
        yield f"    desired   {_shown(field.desired, field.field)}{_at(field.place)}"
        yield f"    recorded  {_shown(field.recorded, field.field)}"
        yield f"    live      {_shown(field.live, field.field)}"
        yield from (f"    so        {word}" for word in _consequences(field))


def _verdicts(story: SandboxStory) -> Iterator[str]:
    for change in story.changes:
        words = ACTIONS[change.action]
        told = words.will or f"will be {words.done}"
        yield quiet(f"{told}: {change.reason}" if change.reason else told)
        yield from (f"({quiet(note)})" for note in change.notes)
    if held := story.held:
        yield f"{held.state} on purpose by {quiet(held.user)} at {utc(held.since)}"
    if story.left_out:
        yield f"not in this plan: {quiet(story.left_out)}"
    if not (story.changes or story.held or story.left_out):
        yield "is as it should be"


def _consequences(field: FieldStory) -> Iterator[str]:
    if field.difference is None:
        return
    effects = {
        "record": "only its record is changed",
        "in_place": "it is changed in the container that is there",
        "replace": "it forces a new container, for it is fixed when one is made",
    }
    cause = "somebody has changed it by hand; " if field.difference.cause == "drifted" else ""
    yield f"{cause}{effects[field.difference.effect]}"


def _at(place: Location | None) -> str:
    return f"  # {place}" if place else ""


def _shown(value: Any, field: str = "") -> str:
    if value is None:
        return "-"
    if field in ("resources.memory", "resources.storage"):
        return size(value)
    text = quiet(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."


def _document(story: SandboxStory) -> dict[str, Any]:
    held = story.held
    return {
        "name": story.name,
        "state": story.state,
        "place": _place(story.place),
        "busy": story.busy or None,
        "changes": [change_document(change) for change in story.changes],
        "held": {"state": held.state, "user": held.user, "since": utc(held.since)} if held else None,
        "left_out": story.left_out or None,
        "fields": [
            {
                "field": f.field,
                "desired": f.desired,
                "recorded": f.recorded,
                "live": f.live,
                "place": _place(f.place),
                "difference": difference_document(f.difference) if f.difference else None,
            }
            for f in story.fields
        ],
    }


def _place(place: Location | None) -> dict[str, Any] | None:
    return {"file": place.file, "line": place.line, "column": place.column} if place else None
