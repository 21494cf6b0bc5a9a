"""What the reaper takes for the age of a container while somebody sets the clock on the wall."""

from __future__ import annotations

import pytest

from nexusctl.model.observed.live import LiveSandbox, LiveState
from nexusctl.model.stack import Sandbox
from nexusctl.plan.commands.endings import plan_endings
from nexusctl.reaper.sightings import DOUBT, Moment, Sightings, look, read, steady, write

WALL, HOUR = 1_700_000_000, 3600


class World:
    """An engine's machine: time goes by, and the clock on the wall is set now and then; the reaper looks."""

    def __init__(self) -> None:
        self.uptime, self.ahead, self.boot = 1000.0, WALL - 1000.0, "one"
        self.made: dict[str, LiveSandbox] = {}
        self.seen = Sightings()

    def make(self, name: str, **fields: int) -> None:
        record = Sandbox(name=name, group=name, image="x", **fields)  # type: ignore[arg-type]
        now = int(self.uptime + self.ahead)
        found = LiveSandbox(id=name, name=f"s_{name}", sandbox=name, state="running", record=record, created_at=now)
        self.made[name] = found

    def wait(self, seconds: float, *, asleep: bool = False) -> list[str]:
        """The names of those that are over after so long, by a reaper that looks every 5 s unless it is `asleep`."""
        end = self.uptime + seconds
        while self.uptime < end:
            self.uptime = min(end, self.uptime + (seconds if asleep else 5))
            found = self.look()
        return found

    def look(self) -> list[str]:
        state = LiveState(stack="s", sandboxes=tuple(self.made.values()), observed_at=int(self.uptime + self.ahead))
        now = Moment(boot=self.boot, uptime=self.uptime, wall=self.uptime + self.ahead)
        self.seen = read(write(look(self.seen, now, [state])))
        return [change.name for change in plan_endings(steady(self.seen, self.uptime, state), "x").changes]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("jump", [-2 * HOUR, -60, 0, 60, 2 * HOUR])
def test_a_lifetime_is_as_long_as_it_is_however_the_clock_is_set(world: World, jump: int) -> None:
    world.wait(10)
    world.make("old", timeout=HOUR)
    assert world.wait(HOUR / 2) == []
    world.ahead += jump
    world.make("new", timeout=HOUR)
    assert world.wait(HOUR / 2 - 10) == []
    assert world.wait(70) == ["old"]
    assert "new" not in world.wait(HOUR / 2 - 70)
    assert world.wait(70) == ["new", "old"]


@pytest.mark.parametrize("jump", [-2 * HOUR, 2 * HOUR])
def test_one_that_was_made_just_before_the_clock_was_set_is_no_older_than_the_last_look(
    world: World, jump: int
) -> None:
    world.wait(10)
    world.uptime += 2
    world.make("a", timeout=HOUR)
    world.ahead += jump
    assert world.wait(HOUR - 10) == []
    assert world.wait(70) == ["a"]


def test_the_clock_that_was_set_while_no_reaper_looked_ends_nothing_early(world: World) -> None:
    world.make("a", timeout=HOUR)
    world.wait(10)
    world.ahead += 2 * HOUR
    assert world.wait(600, asleep=True) == []
    assert world.wait(HOUR - 700) == []
    assert world.wait(150) == ["a"]


def test_the_time_for_which_no_reaper_looked_counts(world: World) -> None:
    world.make("a", timeout=HOUR)
    world.wait(10)
    assert world.wait(2 * HOUR, asleep=True) == ["a"]


def test_after_a_boot_the_clock_on_the_wall_is_believed(world: World) -> None:
    world.make("a", timeout=HOUR)
    world.wait(10)
    world.boot, world.ahead, world.uptime = "two", world.ahead + world.uptime + HOUR, 5.0
    assert world.look() == ["a"]


def test_a_time_on_the_wall_is_not_reached_by_a_clock_that_is_set_back_at_once(world: World) -> None:
    world.make("a", keep_until=WALL + HOUR)
    world.wait(10)
    world.ahead += 2 * HOUR
    assert world.wait(DOUBT - 15) == []
    world.ahead -= 2 * HOUR
    assert world.wait(HOUR - 60) == []
    assert world.wait(120) == ["a"]


def test_a_time_on_the_wall_is_reached_where_the_clock_stays_as_it_was_set(world: World) -> None:
    world.make("a", keep_until=WALL + HOUR)
    world.wait(10)
    world.ahead += 2 * HOUR
    assert world.wait(60) == ["a"]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"looked": null, "born": {}, "offset": 0, "doubted": 0}'])
def test_what_cannot_be_read_is_nothing(text: str) -> None:
    assert read(text) == Sightings()
