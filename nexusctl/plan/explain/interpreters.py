"""Programs that an interpreter has read from files which change below them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nexusctl.model.plan.plan import Difference
from nexusctl.plan.decide.decide import Decision

_SHELLS = ("sh", "ash", "bash", "dash")

_ENDINGS = {
    "node": (".js", ".mjs", ".cjs", ".ts", ".json"),
    "python": (".py",),
    "ruby": (".rb",),
    **dict.fromkeys(_SHELLS, (".sh",)),
}
"""What an interpreter reads once, when it starts."""

_FRESH = ("watch", "reload", "--debug")
"""What programs are asked for to look at their files themselves."""


def describe_stale(decision: Decision) -> str:
    """That the program of a running sandbox goes on with what it has read of files that change; empty where it may not.

    Nothing else is to follow the upload. Of files that such an interpreter does not read nothing is said.
    """
    holder, command = decision.holder, _bare(decision.sandbox.command or ())
    if holder is None or holder.state not in ("running", "paused") or decision.restore == "restart" or not command:
        return ""
    name = command[0].rpartition("/")[2]
    endings = _ENDINGS.get(name.rstrip("0123456789."), ())
    if not endings or any(word in argument for argument in command[1:] for word in _FRESH):
        return ""
    changed = (d.field.removeprefix("uploads.") for d in decision.differences if _is_other_content(d))
    if not any(path.endswith(endings) or path in command for path in changed):
        return ""
    return f"{name} goes on with what it has read before: `on_change: restart` in the upload starts it anew"


def _bare(command: Sequence[str]) -> Sequence[str]:
    """The words of `command`, without a shell that does nothing but run them."""
    if len(command) == 3 and command[0].rpartition("/")[2] in _SHELLS and command[1] == "-c":
        words = command[2].split()
        return words[1:] if words[:1] == ["exec"] else words
    return command


def _is_other_content(difference: Difference) -> bool:
    """Whether a file that was there is another one now or none; its mode and its owner may stand behind the content."""
    if not difference.field.startswith("uploads.") or difference.before is None:
        return False
    return str(difference.before).split(" ")[0] != str(difference.after).split(" ")[0]
