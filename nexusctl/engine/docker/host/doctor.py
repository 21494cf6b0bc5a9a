"""`doctor`: gather the facts, then judge them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nexusctl.engine.docker.host.checks import GIB, Check, diagnose
from nexusctl.engine.docker.host.facts import gather
from nexusctl.model.engine_names import REAPER
from nexusctl.model.lifetime import has_lifetime
from nexusctl.model.observed.disposable import Disposable
from nexusctl.model.observed.live import LiveState
from nexusctl.model.trust import Trust

UNUSED = 10 * GIB
"""Bytes of what no stack needs, from which on it is worth a warning: the environments of some projects."""


def examine(environ: Mapping[str, str]) -> tuple[Check, ...]:
    """Look at the engine and this machine as `environ` points to them, and say what was found."""
    return diagnose(gather(environ))


def check_reaper(states: Iterable[LiveState]) -> Check:
    """Who ends the lifetimes that there are on the engine, by a survey of it."""
    found = [(live.stack, sandbox) for live in states for sandbox in live.sandboxes]
    number = sum(bool(sandbox.record and has_lifetime(sandbox.record)) for _, sandbox in found)
    lives = f"{number} sandbox{' has' if number == 1 else 'es have'} a lifetime"
    reaper = next((sandbox for stack, sandbox in found if stack == REAPER), None)
    if reaper is None and not number:
        return Check(name="reaper", status="ok", finding="none, as nothing has a lifetime")
    if reaper is None:
        advice = "an apply of one starts it; where the settings say `lifetimes: off`, let `nexusctl reap` run"
        return Check(name="reaper", status="warning", finding=f"none runs, and {lives}", advice=advice)
    if reaper.state == "running":
        return Check(name="reaper", status="ok", finding=f"{reaper.name} holds the engine's socket; {lives}")
    advice = f"`docker logs {reaper.name}` says why; the next apply of a sandbox with a lifetime starts it"
    return Check(name="reaper", status="warning", finding=f"{reaper.name} is {reaper.state}; {lives}", advice=advice)


def check_unused(disposables: Iterable[Disposable]) -> Check:
    """How much lies in environments and caches that no stack needs: at most, as environments share layers."""
    found = [one for one in disposables if one.kind != "network"]
    if not found:
        return Check(name="unused", status="ok", finding="no environment or cache without a stack that needs it")
    known = sum(one.size or 0 for one in found)
    silent = sum(one.size is None for one in found)
    finding = f"up to {known / GIB:.1f} GiB in {len(found)} environments and caches that no stack needs"
    finding += f", without the {silent} whose size the engine did not tell in time" if silent else ""
    if known < UNUSED:
        return Check(name="unused", status="ok", finding=finding)
    return Check(name="unused", status="warning", finding=finding, advice="`nexusctl prune` shows and removes them")


def check_trust(trust: Trust) -> Check:
    """Whose files nexusctl takes those here for, and why."""
    if not trust.untrusted:
        finding = "taken for your own: nothing says that they come from a fork's pull request"
        return Check(name="files", status="ok", finding=finding)
    finding = f"taken for a stranger's, as {trust.why}"
    return Check(name="files", status="ok", finding=finding, advice="`--trusted` says that they are yours")
