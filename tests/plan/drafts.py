"""Hypothesis strategies for stacks: drawn as drafts, so that one can be edited into another that is much like it.

Nothing is drawn and thrown away: whatever does not go together is built into something that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from nexusctl.model.stack import Dependency, Kind, Move, Network, Port, Sandbox, Stack, Volume
from nexusctl.model.template import Recipe, Template
from tests.plan.variants import BASE, EITHER, OTHER, REMOTE, SERVICE, TASK

NAMES = ("a", "b", "c", "d", "e")
HOST_PORTS = (8080, 8081)
FOREIGN_NETWORK, FOREIGN_VOLUME = "company", "shared-cache"

Value = tuple[str, Any]

_BACK = (
    Network(name="back"),
    Network(name="back", internal=True),
    Network(name="back", labels={"team": "red"}),
    Network(name="back", subnet="10.89.7.0/26", gateway="10.89.7.1"),
    Network(name="back", external=FOREIGN_NETWORK),
)
_DATA = (Volume(name="data"), Volume(name="data", external=FOREIGN_VOLUME))


@dataclass(frozen=True)
class Group:
    """`values` are the fields that are not as usual; `after` are names of groups, each with a wish for readiness.

    `each` is how many members there are, or what they are made for, as a `for_each` says. An `idle` group is one whose
    profile was not asked for.
    """

    kind: Kind = "service"
    values: tuple[Value, ...] = ()
    each: int | tuple[str, ...] | None = None
    idle: bool = False
    after: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class Draft:
    """`turned` turns the direction in which groups may depend on each other; `ports` says whose a host port is.

    `moved` are pairs of a name before and after.
    """

    groups: Mapping[str, Group] = field(default_factory=dict)
    turned: bool = False
    ports: Mapping[int, str] = field(default_factory=dict)
    back: Network = _BACK[0]
    data: Volume = _DATA[0]
    moved: tuple[tuple[str, str], ...] = ()


_values = st.sampled_from(
    [(name, value) for t in (EITHER, SERVICE, TASK) for name, values in t.items() for value in values]
)
_names = st.sampled_from(NAMES)
_kinds: st.SearchStrategy[Kind] = st.sampled_from(("service", "service", "task"))
_each = st.sampled_from((None, None, None, 0, 1, 2, 3, (), ("north",), ("north", "1"), ("south", "1", "2")))
_idle = st.sampled_from((False, False, False, True))
_after = st.lists(st.tuples(_names, st.booleans()), max_size=3).map(tuple)
_groups = st.builds(
    Group, kind=_kinds, values=st.lists(_values, max_size=4).map(tuple), each=_each, idle=_idle, after=_after
)
_ports = st.dictionaries(st.sampled_from(HOST_PORTS), _names, max_size=2)

drafts = st.builds(
    Draft,
    groups=st.dictionaries(_names, _groups, max_size=4),
    turned=st.booleans(),
    ports=_ports,
    back=st.sampled_from(_BACK),
    data=st.sampled_from(_DATA),
)

_edits = st.one_of(
    st.tuples(st.just("value"), _names, _values),
    st.tuples(st.just("plain"), _names, st.sampled_from([*EITHER, *SERVICE, *TASK])),
    st.tuples(st.just("scale"), _names, _each),
    st.tuples(st.just("idle"), _names, st.booleans()),
    st.tuples(st.just("kind"), _names, _kinds),
    st.tuples(st.just("after"), _names, _after),
    st.tuples(st.just("put"), _names, _groups),
    st.tuples(st.just("drop"), _names, st.none()),
    st.tuples(st.just("rename"), _names, _names),
    st.tuples(st.just("turned"), _names, st.booleans()),
    st.tuples(st.just("ports"), _names, _ports),
    st.tuples(st.just("back"), _names, st.sampled_from(_BACK)),
    st.tuples(st.just("data"), _names, st.sampled_from(_DATA)),
)


@st.composite
def stack_pairs(draw: st.DrawFn) -> tuple[Stack, Stack]:
    """Two stacks of one name: an edited one, or one that has nothing to do with the first."""
    before = draw(drafts)
    after = draw(drafts) if draw(st.integers(0, 3)) == 3 else edit(before, draw(st.lists(_edits, max_size=5)))
    return build(before), build(after, before)


def edit(draft: Draft, edits: list[tuple[str, str, Any]]) -> Draft:
    for what, name, value in edits:
        if what in ("turned", "ports", "back", "data"):
            draft = replace(draft, **{what: value})
        elif what == "rename":
            draft = _rename(draft, name, value)
        else:
            groups = {**draft.groups, name: _edit_group(draft.groups.get(name, Group()), what, value)}
            draft = replace(draft, groups={k: g for k, g in groups.items() if what != "drop" or k != name})
    return draft


def _rename(draft: Draft, name: str, other: str) -> Draft:
    """With all that refers to it; where one of that name is there already, nothing."""
    if name not in draft.groups or other in draft.groups:
        return draft
    names = {name: other}
    groups = {
        names.get(key, key): replace(group, after=tuple((names.get(one, one), strict) for one, strict in group.after))
        for key, group in draft.groups.items()
    }
    ports = {port: names.get(owner, owner) for port, owner in draft.ports.items()}
    return replace(draft, groups=groups, ports=ports, moved=(*draft.moved, (name, other)))


def _moves(draft: Draft) -> tuple[Move, ...]:
    """Those that a file may have: the last ones for each name."""
    last = {target: source for source, target in draft.moved}
    left = {source: target for target, source in last.items() if source not in draft.groups}
    return tuple(Move(source=source, target=target) for source, target in left.items() if target in draft.groups)


def _edit_group(group: Group, what: str, value: Any) -> Group:
    match what:
        case "value":
            return replace(group, values=(*group.values, value))
        case "plain":
            return replace(group, values=tuple(pair for pair in group.values if pair[0] != value))
        case "scale":
            return replace(group, each=value)
        case "idle":
            return replace(group, idle=value)
        case "kind":
            return replace(group, kind=value)
        case "after":
            return replace(group, after=value)
        case "put":
            return value  # type: ignore[no-any-return]
    return group


def build(draft: Draft, before: Draft | None = None) -> Stack:
    """The stack of a draft; one that comes after another gives nobody a host port that is left to another group.

    Such a group is idle, or ignores its ports in one of the two.
    """
    idle = tuple(name for name, group in draft.groups.items() if group.idle)
    left = {*idle, *_ignoring(draft), *(_ignoring(before) if before else ())}
    kept = {p for p, owner in before.ports.items() if left & {owner, draft.ports.get(p)}} if before else set()
    draft = replace(draft, ports={port: owner for port, owner in draft.ports.items() if port not in kept})
    rank = {name: number for number, name in enumerate(sorted(draft.groups, reverse=draft.turned))}
    groups: dict[str, tuple[Sandbox, ...]] = {}
    for name, place in rank.items():
        group = draft.groups[name]
        depends_on = tuple(
            Dependency(sandbox=other.name, condition=_condition(other, strict))
            for needed, strict in dict(group.after).items()
            for other in (groups[needed] if rank.get(needed, len(rank)) < place and needed not in idle else ())
            # What runs needs what it depends on to run.
            if (group.kind == "service" and dict(group.values).get("state")) or other.state == "running"
        )
        groups[name] = tuple(_sandboxes(name, group, depends_on, draft))
    default = Network(name="default")
    return Stack(
        name="world",
        sandboxes={s.name: s for name, members in groups.items() if name not in idle for s in members},
        inactive=idle,
        networks={
            "default": default,
            "back": draft.back,
            "shared": Network(name="shared", external=FOREIGN_NETWORK),
        },
        volumes={"data": draft.data, "cache": Volume(name="cache")},
        templates=_TEMPLATES,
        moved=_moves(draft),
    )


def _ignoring(draft: Draft) -> set[str]:
    """The groups that ignore their ports."""
    wishes = {name: dict(group.values).get("lifecycle") for name, group in draft.groups.items()}
    return {name for name, wish in wishes.items() if wish and "ports" in wish.ignore}


_TEMPLATES = {
    "base": Template(name="base", description="", image=OTHER, recipe=Recipe(suite="bookworm", digest="1" * 64)),
    "node": Template(name="node", description="", image=REMOTE, recipe=Recipe(base="base", digest="2" * 64)),
}


def _condition(other: Sandbox, strict: bool) -> Any:
    if not strict:
        return "started"
    return "completed" if other.kind == "task" else "healthy" if other.health else "started"


def _sandboxes(name: str, group: Group, depends_on: tuple[Dependency, ...], draft: Draft) -> list[Sandbox]:
    values = dict(group.values)
    foreign_kind = SERVICE if group.kind == "task" else TASK
    kept = {key: value for key, value in values.items() if key not in foreign_kind}
    each = range(1, group.each + 1) if isinstance(group.each, int) else group.each
    members = [name] if each is None else [f"{name}-{one}" for one in each]
    image = REMOTE if kept.get("template") == "node" else kept.get("image", BASE)
    found = [
        Sandbox(**{**kept, "kind": group.kind, "image": image, "name": m, "group": name, "depends_on": depends_on})
        for m in members
    ]
    return [_give_ports(one, name, draft) if one is found[0] else one for one in found]


def _give_ports(sandbox: Sandbox, group: str, draft: Draft) -> Sandbox:
    """The host ports that are the group's go to its first member, where that is a service."""
    if sandbox.kind == "task":
        return sandbox
    own = tuple(Port(container=port, host=port) for port, owner in sorted(draft.ports.items()) if owner == group)
    return replace(sandbox, ports=(*sandbox.ports, *own))
