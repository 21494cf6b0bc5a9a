"""Tests that met an engine which has lost count of a network's containers are played again.

Of containers that come and go at once Docker 20.10 can lose count (moby/moby#42119), and no client can mend that: it
holds on to the network until it is restarted. nexusctl says so. How the test ends without it nobody knows then.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.runner import runtestprotocol

SAID = "the engine has lost count"
TRIES = 3


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if not item.get_closest_marker("engine"):
        return None
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for left in reversed(range(TRIES)):
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if not left or not is_miscounted(reports):
            break
        # What it has got of its fixtures is gone.
        item._initrequest()  # type: ignore[attr-defined]
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def is_miscounted(reports: Iterable[pytest.TestReport]) -> bool:
    return any(report.failed and SAID in str(report.longrepr) for report in reports)
