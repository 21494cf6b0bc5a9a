"""From a plan that rests on what secrets were to one that rests on what they are."""

from __future__ import annotations

from dataclasses import replace

from nexusctl.api.planning import plan_anew
from nexusctl.engine.base import Engine
from nexusctl.model.secret import NOTHING_READ, Disclosure
from nexusctl.plan.basis import Basis


def read_secrets(engine: Engine, basis: Basis) -> tuple[Basis, Disclosure]:
    """Read the secrets that the plan of `basis` needs, and plan anew over the same live state.

    Returns that plan's basis, and the values for whoever carries it out. Nothing was changed yet. Raises
    `InputError` with every secret that cannot be read or does not fit, `PlanError`.
    """
    if not basis.plan.unread:
        return basis, NOTHING_READ
    # A stack without secrets needs none of this.
    from nexusctl.plan.unread import find_unread, with_read  # noqa: PLC0415
    from nexusctl.secrets import sources_for  # noqa: PLC0415
    from nexusctl.secrets.fit import require_fit  # noqa: PLC0415
    from nexusctl.secrets.reading import read_secrets as read  # noqa: PLC0415

    stack = basis.stack
    needed = {name: stack.secrets[name] for name in basis.plan.unread}
    readings = read(stack.name, needed, sources_for(stack.secrets.values(), stack.sensitive))
    sandboxes = {name: with_read(sandbox, readings.digests) for name, sandbox in stack.sandboxes.items()}
    require_fit((s for s in sandboxes.values() if not find_unread((s,))), readings.reveal)
    known = Disclosure(reveal=readings.reveal, conceal=readings.conceal)
    return plan_anew(engine, replace(basis, stack=replace(stack, sandboxes=sandboxes))), known
