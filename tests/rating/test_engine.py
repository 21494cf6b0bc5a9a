"""An engine is rated by what it says, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexusctl.rating.facts import EngineReport
from nexusctl.rating.points import ENGINE_POINTS, SANDBOX_POINTS
from nexusctl.rating.rate import rate_engine
from nexusctl.rating.verdict import UNTOLD, Verdict

INFO: dict[str, Any] = {
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin", "name=userns", "name=no-new-privileges"],
    "Driver": "overlay2",
    "LoggingDriver": "syslog",
    "LiveRestoreEnabled": True,
    "ExperimentalBuild": False,
    "Swarm": {"LocalNodeState": "inactive"},
    "Plugins": {"Authorization": ["opa"]},
    "RegistryConfig": {"InsecureRegistryCIDRs": ["127.0.0.0/8"], "IndexConfigs": {"docker.io": {"Secure": True}}},
    "FirewallBackend": {"Driver": "iptables"},
    "SystemTime": "2026-11-29T18:37:42.031087903Z",
    "Warnings": None,
}
VERSION = {"Version": "28.3.0", "BuildTime": "2026-10-30T12:07:14.000000000+00:00"}
BRIDGE = {"com.docker.network.bridge.enable_icc": "false"}
WELL = EngineReport(url="unix:///var/run/docker.sock", info=INFO, version=VERSION, bridge=BRIDGE)


def judge(number: str, facts: EngineReport) -> Verdict:
    return next(row for row in rate_engine(facts) if row.number == number).verdicts[0].verdict


def test_points_have_the_numbers_of_the_benchmark_each_once_and_in_order() -> None:
    for points in (ENGINE_POINTS, SANDBOX_POINTS):
        numbers = [tuple(map(int, point.number.split("."))) for point in points]
        assert numbers == sorted(set(numbers))
    # How many there are in sections 2, 4 and 5 of benchmark 1.6.0.
    last = {2: 18, 4: 12, 5: 32}
    known = [point.number.split(".") for point in (*ENGINE_POINTS, *SANDBOX_POINTS) if point.number != "1.2.2"]
    assert all(1 <= int(number) <= last[int(section)] for section, number in known)


def test_an_engine_that_says_all_that_is_well_warns_of_nothing() -> None:
    assert [row.number for row in rate_engine(WELL) if row.status == "warn"] == []
    passed = {row.number for row in rate_engine(WELL) if row.status == "pass"}
    assert passed == {"2.2", "2.4", "2.5", "2.6", "2.9", "2.12", "2.13", "2.14", "2.15", "2.17", "2.18", "5.1", "5.2"}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("2.5", {"RegistryConfig": {"InsecureRegistryCIDRs": ["10.0.0.0/8"]}}),
        ("2.5", {"RegistryConfig": {"IndexConfigs": {"registry.lan:5000": {"Secure": False}}}}),
        ("2.6", {"Driver": "aufs"}),
        ("2.7", {"Warnings": ["WARNING: API is accessible on http://0.0.0.0:2375 without encryption."]}),
        ("2.9", {"SecurityOptions": ["name=seccomp,profile=default"]}),
        ("2.12", {"Plugins": {"Authorization": None}}),
        ("2.13", {"LoggingDriver": "json-file"}),
        ("2.15", {"LiveRestoreEnabled": False}),
        ("2.17", {"SecurityOptions": ["name=seccomp,profile=unconfined"]}),
        ("2.17", {"SecurityOptions": []}),
        ("2.18", {"ExperimentalBuild": True}),
        ("5.1", {"Swarm": {"LocalNodeState": "active"}}),
        ("5.2", {"SecurityOptions": ["name=seccomp,profile=default"]}),
    ],
)
def test_what_is_not_well_warns_at_its_number_with_what_to_do(number: str, said: dict[str, Any]) -> None:
    verdict = judge(number, replace(WELL, info={**INFO, **said}))
    assert verdict.status == "warn"
    assert verdict.finding
    assert verdict.advice


def test_rootless_engines_map_users_and_swarms_have_no_live_restore() -> None:
    rootless = replace(WELL, info={**INFO, "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"]})
    assert (judge("2.1", rootless).status, judge("2.9", rootless).status) == ("pass", "pass")
    assert judge("2.1", WELL).status == "info"
    swarm = replace(WELL, info={**INFO, "Swarm": {"LocalNodeState": "active"}, "LiveRestoreEnabled": False})
    assert judge("2.15", swarm).status == "not_applicable"
    selinux = replace(WELL, info={**INFO, "SecurityOptions": ["name=seccomp,profile=builtin", "name=selinux"]})
    assert (judge("5.2", selinux).status, judge("5.3", selinux).status) == ("not_applicable", "pass")


def test_the_way_to_the_engine_counts_and_so_does_its_own_network() -> None:
    assert judge("2.7", WELL).status == "not_applicable"
    assert judge("2.7", replace(WELL, url="tcp://far:2376", encrypted=True)).status == "pass"
    assert judge("2.7", replace(WELL, url="tcp://far:2375")).status == "warn"
    assert judge("2.2", replace(WELL, bridge={"com.docker.network.bridge.enable_icc": "true"})).status == "warn"
    assert judge("2.2", replace(WELL, bridge=None)).status == "not_applicable"


def test_a_build_is_old_after_a_year_by_the_engines_own_clock() -> None:
    assert judge("1.2.2", WELL).finding == "28.3.0, built 30 days ago"
    later = replace(WELL, info={**INFO, "SystemTime": "2027-11-29T00:00:00Z"})
    assert judge("1.2.2", later).status == "warn"


def test_what_the_engine_does_not_say_is_not_guessed() -> None:
    silent = rate_engine(EngineReport(url="unix:///x", bridge={}))
    told = [row.number for row in silent if UNTOLD not in row.verdicts[0].verdict.finding]
    # A daemon without these words in its security options is one without them.
    assert told == ["2.1", "2.7", "2.9", "2.17", "5.2", "5.3"]
    assert "pass" not in {row.status for row in silent}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
_ANSWER = st.dictionaries(st.sampled_from([*INFO, *VERSION]), _JSON)


@given(info=_ANSWER, version=_ANSWER, bridge=st.none() | st.dictionaries(st.sampled_from([*BRIDGE]), _JSON))
def test_whatever_an_engine_says_every_point_has_its_verdict(
    info: dict[str, Any], version: dict[str, Any], bridge: dict[str, Any] | None
) -> None:
    rows = rate_engine(EngineReport(url="unix:///x", info=info, version=version, bridge=bridge))
    assert len(rows) == len(ENGINE_POINTS)
