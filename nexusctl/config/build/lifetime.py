"""How long a sandbox lives, and what follows."""

from __future__ import annotations

from typing import Any

from nexusctl.config.build.units import seconds
from nexusctl.config.document.node import Mapping, Scalar
from nexusctl.config.document.problems import Problems


def build_lifetime(node: Mapping, problems: Problems) -> dict[str, Any]:
    """The fields of a sandbox that say it; what is wrong is reported."""
    expires = node.get("on_expire")
    if isinstance(expires, Scalar) and expires.text == "destroy" and _is_protected(node):
        hint = "write `on_expire: stop`, or remove `prevent_destroy`"
        problems.add(expires, "`on_expire: destroy` is against `lifecycle.prevent_destroy`", hint)
    return {
        "timeout": build_timeout(node, "timeout", "leave it out for a sandbox without an end", problems),
        "idle_timeout": build_timeout(node, "idle_timeout", "leave it out for a sandbox that may be idle", problems),
        "keep_until": _keep_until(node, problems),
        "on_expire": node.text("on_expire") or "stop",
    }


def build_timeout(node: Mapping, key: str, hint: str, problems: Problems) -> int | None:
    """In whole seconds, and never fewer than the file says."""
    value = node.get(key)
    if not isinstance(value, Scalar):
        return None
    duration = seconds(value)
    if duration <= 0:
        problems.add(value, f"`{key}` has to be longer than 0", hint)
    # Few files have one.
    import math  # noqa: PLC0415 - deferred: start-up time

    return math.ceil(duration)


def _is_protected(node: Mapping) -> bool:
    protects = node.section("lifecycle").get("prevent_destroy")
    return isinstance(protects, Scalar) and protects.value is True


def _keep_until(node: Mapping, problems: Problems) -> int | None:
    """In seconds since 1970. A day is kept to its end, and a time without a zone is in UTC."""
    value = node.get("keep_until")
    if not isinstance(value, Scalar):
        return None
    # Few sandboxes have one.
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - deferred: start-up time

    try:
        found = datetime.fromisoformat(value.text)
    except ValueError:
        problems.add(value, f"there is no such time as `{value.text}`", "write for example `2030-01-31T18:00Z`")
        return None
    whole = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int((whole + timedelta(days=1) if len(value.text) == len("2030-01-31") else whole).timestamp())
