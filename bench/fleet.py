"""Many equal sandboxes: made, looked at, one of them changed, removed."""

from __future__ import annotations

from contextlib import ExitStack

from contestants import Compose, Floor, Nexusctl, require_compose, same_sandboxes
from figure import Against, Figure, Setting, Stopwatch, cleared, turns


def measure_fleet(setting: Setting) -> list[Figure]:
    """Apply, no-op plan, one env value changed, destroy; the floor has only the first and the last."""
    require_compose()
    watch, count = Stopwatch(), setting.many
    same = same_sandboxes(setting.image, count)
    contestants = [
        Nexusctl(setting.folder, setting.stack, same),
        Compose(setting.folder, setting.stack, same),
        Floor(setting.stack, setting.image, count),
    ]
    for who in turns(f"{count} sandboxes", contestants, setting.rounds):
        if not isinstance(who, Floor):
            who.write(same)
        with cleared(who.destroy):
            watch.take(who.name, "apply", who.apply)
            if not isinstance(who, Floor):
                watch.take(who.name, "look", who.look)
                _change_one(who, setting.image, count, watch)
            watch.take(who.name, "destroy", who.destroy)
    return [
        Figure(
            what=f"apply {count} sandboxes, image present",
            ours=watch.of("nexusctl", "apply"),
            against=(
                Against("`up -d`", watch.of("compose", "apply"), 1.0),
                Against("bare engine", watch.of("engine", "apply"), 1.03),
            ),
        ),
        Figure(
            what=f"destroy {count}",
            ours=watch.of("nexusctl", "destroy"),
            against=(
                Against("`down`", watch.of("compose", "destroy"), 0.85),
                Against("bare engine", watch.of("engine", "destroy"), 1.1),
            ),
        ),
        _no_op(watch, count, 1.0),
        Figure(
            what=f"one env value changed among {count}, one container touched",
            ours=watch.of("nexusctl", "change"),
            against=(Against("`up -d`", watch.of("compose", "change"), 1.0),),
        ),
    ]


def measure_looks(setting: Setting, count: int, limit: float, *, together: bool) -> list[Figure]:
    """The no-op of `count` sandboxes that run; where they do not run `together`, one fleet after the other."""
    require_compose()
    watch = Stopwatch()
    same = same_sandboxes(setting.image, count)
    contestants = [Nexusctl(setting.folder, setting.stack, same), Compose(setting.folder, setting.stack, same)]
    for group in [contestants] if together else [[one] for one in contestants]:
        with ExitStack() as stack:
            for who in group:
                stack.enter_context(cleared(who.destroy))
                who.apply()
            for who in turns(f"no-op of {count}", group, setting.rounds):
                watch.take(who.name, "look", who.look)
    return [_no_op(watch, count, limit)]


def measure_status(setting: Setting) -> list[Figure]:
    """How many sandboxes are, both contestants' side by side."""
    require_compose()
    watch, count = Stopwatch(), setting.many
    same = same_sandboxes(setting.image, count)
    contestants = [Nexusctl(setting.folder, setting.stack, same), Compose(setting.folder, setting.stack, same)]
    with cleared(*(who.destroy for who in contestants)):
        for who in contestants:
            who.apply()
        for who in turns(f"status of {count}", contestants, setting.rounds):
            watch.take(who.name, "show", who.show)
    theirs = Against("`docker compose ps`", watch.of("compose", "show"), 1.0)
    return [Figure(what=f"`status` of {count}", ours=watch.of("nexusctl", "show"), against=(theirs,))]


def _no_op(watch: Stopwatch, count: int, limit: float) -> Figure:
    return Figure(
        what=f"no-op `plan` of {count}",
        ours=watch.of("nexusctl", "look"),
        against=(Against("no-op `up -d`", watch.of("compose", "look"), limit),),
    )


def _change_one(who: Nexusctl | Compose, image: str, count: int, watch: Stopwatch) -> None:
    """Raises RuntimeError where any but the changed one was touched."""
    changed = same_sandboxes(image, count)
    name = sorted(changed)[count // 2]
    before = who.find_containers()
    # The key is the same in both files.
    changed[name] = {**changed[name], "env" if isinstance(who, Nexusctl) else "environment": {"COLOUR": "blue"}}
    who.write(changed)
    watch.take(who.name, "change", who.apply)
    after = who.find_containers()
    touched = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
    if touched != {name}:
        raise RuntimeError(f"{who.name} touched {', '.join(sorted(touched)) or 'nothing'} instead of {name}")
