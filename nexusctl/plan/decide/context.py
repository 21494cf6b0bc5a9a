"""All that the changes and the steps of a plan depend on, gathered once."""

from __future__ import annotations

from collections.abc import Mapping

from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.stack import Stack
from nexusctl.model.values.frozen import dataclass
from nexusctl.plan.compare.claims import Claim
from nexusctl.plan.decide.decide import Decision
from nexusctl.plan.decide.handovers import Handover
from nexusctl.plan.decide.images import ImageChoice
from nexusctl.plan.decide.networks import NetworkPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """All that the steps of one sandbox depend on.

    `own` are the volumes that sandboxes have for themselves, by target. `bereft` are sandboxes whose old container must
    not run again once it was stopped, `required` are those that others wait for to be healthy.
    """

    stack: Stack
    live: LiveState
    networks: NetworkPlan
    volumes: Mapping[str, str]
    missing_volumes: frozenset[str]
    own: Mapping[str, Mapping[str, str]]
    claims: Mapping[str, Claim]
    decisions: Mapping[str, Decision]
    images: Mapping[str, ImageChoice]
    handovers: tuple[Handover, ...]
    bereft: frozenset[str]
    squatters: Mapping[str, LiveSandbox]
    required: frozenset[str] = frozenset()
