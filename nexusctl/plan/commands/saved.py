"""A saved plan: what it was made from, so that it can be told whether it still holds. Pure.

No value of the stack file stands in it, only digests; what `--var` gave does, unless the variable is sensitive.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nexusctl.model.load_request import NOTHING, Given, Inputs
from nexusctl.model.observed.live import Adopt
from nexusctl.model.record import canonical
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.commands.fingerprint import Fingerprints, Prints
from nexusctl.plan.commands.names import Choice

FORMAT = "nexusctl-plan"
FORMAT_VERSION = 1

Describe = Callable[[str, str, str, str], str]


class Unusable(ValueError):
    """A file that is no saved plan which this nexusctl can carry out; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """`version` is nexusctl's own, `inputs` name files by absolute paths, `salt` is the fingerprints'.

    `engine` tells the engine that it was made for from every other one.
    """

    version: str
    inputs: Inputs
    engine: str
    stack: str
    choice: Choice
    deep: bool
    adopt: Adopt
    salt: str
    prints: Fingerprints


def find_moved(before: Fingerprints, after: Fingerprints) -> tuple[str, ...]:
    """What is not as it was, a phrase each; both were taken with the same salt."""
    moved = [
        *_compare(before.inputs, after.inputs, _describe_input),
        *_compare(before.live, after.live, _describe_live),
    ]
    # The changes follow from the rest; they speak only where something else decided, such as a registry.
    moved = moved or list(_compare(before.changes, after.changes, _describe_change))
    return tuple(dict.fromkeys(moved))


def write_saved(saved: Saved) -> str:
    """`saved` as text for a file."""
    body = {
        "nexusctl": saved.version,
        "files": [str(path) for path in saved.inputs.files],
        "profiles": list(saved.inputs.profiles),
        "ambient_profiles": list(saved.inputs.ambient_profiles),
        "lock": str(saved.inputs.lock) if saved.inputs.lock else None,
        "settings": saved.inputs.settings,
        "instance": saved.inputs.instance,
        "branch": saved.inputs.branch,
        "variables": dict(saved.inputs.given.values),
        "variable_files": [str(path) for path in saved.inputs.given.files],
        "engine": saved.engine,
        "stack": saved.stack,
        "targets": list(saved.choice.targets),
        "excludes": list(saved.choice.excludes),
        "start_stopped": saved.choice.start_stopped,
        "replaces": list(saved.choice.replaces),
        "deep": saved.deep,
        "adopt": None if saved.adopt is None else dict(saved.adopt),
        "salt": saved.salt,
        "inputs": saved.prints.inputs,
        "live": saved.prints.live,
        "changes": saved.prints.changes,
    }
    document = {"format": FORMAT, "format_version": FORMAT_VERSION, "checksum": _checksum(body), "body": body}
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_saved(text: str, *, version: str) -> Saved:
    """The saved plan in `text`. Raises `Unusable` for anything else, and where another nexusctl wrote it."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise Unusable("it is not a saved plan") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Unusable("it is not a saved plan")
    if document.get("format_version") != FORMAT_VERSION:
        raise Unusable(
            f"its format version is {document.get('format_version')!r}, and this nexusctl reads {FORMAT_VERSION}"
        )
    body = document.get("body")
    if not isinstance(body, dict) or document.get("checksum") != _checksum(body):
        raise Unusable("it is damaged: its content does not match its checksum")
    if body.get("nexusctl") != version:
        raise Unusable(f"nexusctl {body.get('nexusctl')} wrote it, and this is nexusctl {version}")
    return _revive(body)


def _revive(body: Mapping[str, Any]) -> Saved:
    try:
        bytes.fromhex(body["salt"])
        return Saved(
            version=body["nexusctl"],
            inputs=Inputs(
                files=tuple(map(Path, body["files"])),
                given=_revive_given(body),
                profiles=tuple(body["profiles"]),
                ambient_profiles=tuple(body["ambient_profiles"]),
                lock=Path(body["lock"]) if body["lock"] else None,
                instance=str(body["instance"]),
                branch=str(body["branch"]),
                settings=None if body["settings"] is None else str(body["settings"]),
            ),
            engine=body["engine"],
            stack=body["stack"],
            choice=Choice(
                targets=tuple(body["targets"]),
                excludes=tuple(body["excludes"]),
                start_stopped=bool(body["start_stopped"]),
                replaces=tuple(body["replaces"]),
            ),
            deep=body["deep"],
            adopt=None if body["adopt"] is None else {str(name): str(key) for name, key in body["adopt"].items()},
            salt=body["salt"],
            prints=Fingerprints(inputs=body["inputs"], live=body["live"], changes=body["changes"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Unusable("it is damaged: parts of it are missing") from None


def _revive_given(body: Mapping[str, Any]) -> Given:
    values, files = {str(name): str(text) for name, text in body["variables"].items()}, body["variable_files"]
    return Given(values=values, files=tuple(map(Path, files))) if values or files else NOTHING


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(body).encode()).hexdigest()


def _compare(before: Prints, after: Prints, describe: Describe) -> Iterator[str]:
    for thing in sorted(before.keys() | after.keys()):
        if thing in before and thing in after:
            yield from _compare_parts(thing, before[thing], after[thing], describe)
        elif thing.startswith("image "):
            continue  # which images are used follows from what is to be made, and is named with that
        elif thing in before:
            yield describe(thing, "", "replaced" if _find_twin(thing, after) else "gone", "")
        elif not _find_twin(thing, before):
            yield describe(thing, "", "new", "")


def _compare_parts(thing: str, old: Mapping[str, str], new: Mapping[str, str], describe: Describe) -> Iterator[str]:
    for part in sorted(old.keys() | new.keys()):
        if old.get(part) != new.get(part):
            how = "gone" if part not in new else "new" if part not in old else "changed"
            yield describe(thing, part, how, f"{old.get(part)}, now {new.get(part)}")


def _find_twin(thing: str, others: Prints) -> bool:
    """Whether there is an object of the same kind and name with another id."""
    words = thing.split(" ")
    return len(words) == 3 and any(o.split(" ")[:2] == words[:2] and o != thing for o in others)


def _describe_input(thing: str, part: str, how: str, values: str) -> str:  # noqa: ARG001 - they are digests
    kind, _, name = thing.partition(" ")
    verb = {"gone": "was removed", "new": "was added", "changed": "was changed"}[how]
    return f"input: {part} of {name} {verb}" if part else f"input: {kind} {name} of the stack file {verb}"


def _describe_live(thing: str, part: str, how: str, values: str) -> str:
    kind, name, *_ = thing.split(" ")
    if kind == "container":
        words = {"replaced": "was replaced", "gone": "is gone", "new": "is new"}
        if not part:
            return f"sandbox {name}: its container {words[how]}"
        shown = f" (it was {values})" if part in ("name", "state", "health", "exit code") else ""
        return f"sandbox {name}: the {part} of its container changed{shown}"
    if kind == "image":
        return f"image {name} is another one, or was made or removed"
    words = {"replaced": "was replaced", "gone": "was removed", "new": "was made", "changed": "was changed"}
    return f"{kind} {name} {words[how]}"


def _describe_change(thing: str, part: str, how: str, values: str) -> str:  # noqa: ARG001 - the thing says enough
    return f"{thing}: what is to be done for it comes out differently"
