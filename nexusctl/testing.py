"""A pytest fixture: `def test_api(stack)` gets a stack that runs, and that is gone afterwards.

In a conftest.py:

    pytest_plugins = ["nexusctl.testing"]

`stack_file` and `stack_vars` are fixtures, too, to be defined anew where the file is another one, or has variables.
Where several processes run the tests at once, each needs a stack of another name: `name: "shop-${var.worker}"`, and a
`stack_vars` that returns `{"worker": worker_id}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nexusctl.stack import Stack


@pytest.fixture(scope="session")
def stack_file(pytestconfig: pytest.Config) -> Path:
    """The stack file: `nexus.yaml` in the root folder of the tests."""
    return pytestconfig.rootpath / "nexus.yaml"


@pytest.fixture(scope="session")
def stack_vars() -> Mapping[str, Any]:
    """Values of the stack's variables; none."""
    return {}


@pytest.fixture(scope="session")
def stack(stack_file: Path, stack_vars: Mapping[str, Any]) -> Iterator[Stack]:
    """The stack, applied before the first test that asks for it; destroyed with its volumes after the last one."""
    with Stack.load(stack_file, vars=stack_vars) as running:
        yield running
