"""A sandbox is rated by what its file says, and by what its image does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nexusctl.errors import Location
from nexusctl.model.stack import Health, Port, Resources, Sandbox
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.rating.facts import ImageFacts, SandboxFacts
from nexusctl.rating.rate import RatedPoint, Rating, rate_sandboxes
from nexusctl.rating.verdict import Verdict
from nexusctl.render.rating import render_counts, render_rating

BOX = Sandbox(
    name="box",
    group="box",
    image="debian",
    user="1000:1000",
    health=Health(tcp_port=80),
    resources=Resources(cpus=1.0, memory=2**29),
)
GOOD = SandboxFacts(sandbox=BOX, pinned=True, held=True, image=ImageFacts())
PACKAGES = (PackageSet(manager="npm", packages=(Package(name="express"),)),)
SSH = (PackageSet(manager="apt", packages=(Package(name="openssh-server"),)),)


def row(number: str, *facts: SandboxFacts) -> RatedPoint:
    return next(each for each in rate_sandboxes(facts) if each.number == number)


def judge(number: str, facts: SandboxFacts) -> Verdict:
    return row(number, facts).verdicts[0].verdict


def changed(**fields: Any) -> SandboxFacts:
    return replace(GOOD, sandbox=replace(BOX, **fields))


def test_a_sandbox_that_says_all_that_it_can_warns_only_of_what_no_file_can_say() -> None:
    assert [each.number for each in rate_sandboxes([GOOD]) if each.status == "warn"] == ["5.13"]
    assert [each.number for each in rate_sandboxes([GOOD]) if each.status == "info"] == ["5.19"]


@pytest.mark.parametrize(
    ("number", "facts"),
    [
        ("4.1", changed(user="root")),
        ("4.1", changed(user="0:1000")),
        ("4.1", changed(user=None)),
        ("4.2", replace(GOOD, pinned=False)),
        ("4.6", changed(health=None)),
        ("4.6", replace(changed(health=None, image_health=False), image=ImageFacts(checked=True))),
        ("4.10", replace(GOOD, open_secrets=("env.TOKEN",))),
        ("4.11", replace(changed(packages=PACKAGES), held=False)),
        ("5.4", changed(cap_add=("NET_RAW",))),
        ("5.6", replace(GOOD, opened={"/e": "it is part of the system"})),
        ("5.7", changed(packages=SSH)),
        ("5.7", changed(command=("/usr/sbin/sshd", "-D"))),
        ("5.8", changed(ports=(Port(container=80, host=80),))),
        ("5.10", replace(GOOD, external=("host",))),
        ("5.11", changed(resources=Resources(cpus=1.0))),
        ("5.12", changed(resources=Resources(memory=2**29))),
        ("5.14", changed(ports=(Port(container=80, address="0.0.0.0"),))),
        ("5.14", changed(ports=(Port(container=80, address="::"),))),
        ("5.15", changed(restart="always")),
        ("5.15", changed(restart="unless-stopped")),
        ("5.27", changed(health=None)),
        ("5.30", replace(GOOD, external=("bridge",))),
        ("5.32", replace(GOOD, opened={"/s": "it is an engine's socket"}, sockets=("/s",))),
    ],
)
def test_what_opens_it_warns_at_its_number_with_what_to_do(number: str, facts: SandboxFacts) -> None:
    assert judge(number, GOOD).status in ("pass", "not_applicable")
    verdict = judge(number, facts)
    assert verdict.status == "warn"
    assert verdict.finding
    assert verdict.advice


def test_what_only_the_image_tells_is_not_guessed() -> None:
    unknown = replace(changed(user=None, health=None), image=None)
    assert [judge(number, unknown).status for number in ("4.1", "4.6", "5.27")] == ["info"] * 3
    told = replace(unknown, image=ImageFacts(user="postgres", checked=True))
    assert [judge(number, told).status for number in ("4.1", "4.6", "5.27")] == ["pass"] * 3


def test_a_task_needs_no_health_check_and_an_engines_socket_is_one_point() -> None:
    assert judge("4.6", changed(kind="task", health=None)).status == "not_applicable"
    socket = replace(GOOD, opened={"/s": "it is part of the system"}, sockets=("/s",))
    assert (judge("5.6", socket).status, judge("5.32", socket).status) == ("pass", "warn")


def test_sandboxes_share_a_point_and_each_is_named_with_its_place() -> None:
    places = {"": Location("nexus.yaml", 3, 3), "restart": Location("nexus.yaml", 9, 5)}
    several = [replace(changed(name=f"box-{n}", restart="always"), places=places) for n in range(8)]
    found = row("5.15", GOOD, *several)
    assert (found.status, len(found.verdicts)) == ("warn", 9)
    text = render_rating(Rating(stack="s", stack_rows=rate_sandboxes([GOOD, *several])), color=False)
    assert "box-0 (nexus.yaml:9), box-1 (nexus.yaml:9)" in text
    assert "and 3 more: always" in text
    assert "box (" not in text


def test_counts_are_of_points_and_add_up_to_nothing_else() -> None:
    rating = Rating(stack="s", stack_rows=rate_sandboxes([GOOD, changed(restart="always")]))
    assert render_counts(rating) == "27 pass, 2 warn, 1 info, 1 do not apply"


def test_what_a_stranger_calls_things_reaches_no_terminal_as_a_command() -> None:
    evil = changed(command=("sshd",), image="x\x1b[2J", cap_add=("\x1b]0;x\x07",))
    text = render_rating(Rating(stack="s", stack_rows=rate_sandboxes([replace(evil, pinned=False)])), color=False)
    assert "\x1b" not in text
