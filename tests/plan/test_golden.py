"""Golden directories: applied.yaml and live.yaml say what is there, nexus.yaml what is wanted, plan.txt the plan.

`NEXUS_UPDATE_GOLDEN=1 pytest tests/plan` writes the files anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.errors import PlanError
from nexusctl.model.stack import Stack
from nexusctl.plan.plan import make_plan
from nexusctl.render.diagnostic import render_diagnostics
from nexusctl.render.plan.plan import render_plan
from tests.plan.live_file import read_live

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
IN_PLACE = frozenset({"uploads", "packages", "networks", "resources", "restart", "state"})


@pytest.mark.parametrize("name", CASES)
def test_plan_text_and_step_order_are_as_written(name: str) -> None:
    case = GOLDEN / name
    stack = load(case / "nexus.yaml") if (case / "nexus.yaml").exists() else Stack(name="demo")
    live = read_live(case, stack.name)
    try:
        plan = make_plan(stack, live, IN_PLACE, remove_volumes="volumes" in name)
        text = render_plan(plan)
        text += "".join(f"{step.id} <- {', '.join(step.needs) or '-'}\n" for step in plan.steps)
    except PlanError as error:
        text = render_diagnostics(error.diagnostics)
    golden = case / "plan.txt"
    if os.environ.get("NEXUS_UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()
