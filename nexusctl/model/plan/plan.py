"""A plan: what would change and why (`changes`, for people) and in which order (`steps`, for the executor)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from nexusctl.model.plan.actions import Action
from nexusctl.model.stack import DesiredState, OnExpire, Port, Volume
from nexusctl.model.template import Template
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.model.values.frozen import dataclass

ObjectKind = Literal["image", "network", "volume", "sandbox", "record", "courier", "secrets"]
Cause = Literal["new", "changed", "drifted", "removed", "failed", "partial", "superseded", "run", "asked", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that differs. `field` is a path such as `env.PORT`; a missing side is None.

    `cause` is `changed` where the file differs from the record, `drifted` where the live thing does.
    `effect` is the cheapest change for it: `record` (nothing but the record), `in_place`, `replace`.
    """

    field: str
    before: Any
    after: Any
    cause: Literal["changed", "drifted"] = "changed"
    effect: Literal["record", "in_place", "replace"] = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one object, in a user's terms.

    `action` is the verb, `reason` says why in words, `notes` are consequences that a user should know of (what is lost,
    that the old one is stopped first, that a registry does not answer). `leaving` is the id of the container that goes
    with all that it has written, and `lost_bytes` the size of its writable layer, None where there is nothing to say.
    `volumes` are those on the engine that it speaks of, as they are lost, kept or passed on, and `volume_bytes` what is
    in them, None where nobody knows. `moved_from` is what the object was called before. `protected` says that it ends a
    container that must not be destroyed. `subnet` is the IPv4 range that a new network gets, unless somebody takes it
    before; empty where nothing is known of it. `group` is that of a sandbox, by which it is one of several.
    """

    action: Action
    kind: ObjectKind
    name: str
    group: str = ""
    cause: Cause = "new"
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    moved_from: str = ""
    leaving: str = ""
    lost_bytes: int | None = None
    volumes: tuple[str, ...] = ()
    volume_bytes: int | None = None
    protected: bool = False
    subnet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing for the executor to do; `id` is unique and sorts, `needs` are ids that must be done first.

    `subject` is the object's name as the user knows it. Those of `needs` that are `dispensable` may fail as well.
    """

    id: str
    subject: str
    needs: tuple[str, ...] = ()
    dispensable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PullImage(Step):
    """Where `digest` is given, exactly that image is fetched and then called `reference`."""

    reference: str
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapImage(Step):
    """Make `template`'s image from its recipe; `base` is the tag below, empty for a debootstrapped one."""

    template: Template
    tag: str
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeriveImage(Step):
    """Install `packages` on top of `base` in `working_dir` and tag the result.

    With `whole` the image's label tells of what they needed, too, as far as it came with them.
    """

    tag: str
    base: str
    packages: tuple[PackageSet, ...]
    working_dir: str | None
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A network to join: its name in the file and on the engine, and its id.

    The id is empty where a step makes the network first, and for an external one that nobody has looked for. `names`
    are those under which others find the container there, `links` the names that mean one of the stack's own to it,
    each as `LOOKED-FOR:KNOWN-AS`. With `by_name` a container is bound to whichever network has the name.
    """

    network: str
    name: str
    id: str = ""
    external: bool = False
    by_name: bool = False
    names: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageChange:
    """What one manager does in a live sandbox.

    `remove` are names that go. `changed` are those of `wanted`, the whole of what is to be there, that are new or of
    another version. `pins` maps those that were changed by hand, as the manager names them, to the version that they
    had. `lock` says that the lock of `wanted` is to be installed anew.
    """

    wanted: PackageSet
    changed: tuple[Package, ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    lock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a new container goes: its image, its names, its networks, and what the engine calls its volumes.

    It is created as `birth_name`, or as `name` at once where that is empty. A `quiet` one joins its networks without
    the names under which others find it there. `anonymous` maps targets to the volumes that the sandbox had there,
    which it gets again where its image or itself still says that it has one there. `others` are volumes that belong to
    other sandboxes by now, whatever they are called. `declared` are those of the volumes that are more than a name.
    Those called `external` in the file are somebody else's.
    `ports` are those without a number in the file, with the one that it had, and gets again where that is free.
    """

    image: str
    name: str
    birth_name: str
    networks: tuple[Attachment, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    declared: Mapping[str, Volume] = field(default_factory=dict)
    external: frozenset[str] = frozenset()
    anonymous: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()
    ports: tuple[Port, ...] = ()
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """What a replacement does not carry over of the paths that the old container has written.

    `whole` are paths, each with all below it, and bare names of folders wherever they are. Of `entries`, which are
    folders, what is in them is carried but not they themselves; `hollow` folders are carried only with something in
    them.
    """

    whole: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    hollow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """A change that was left out on request: this object stays as it is, for `reason`."""

    action: Action
    kind: ObjectKind
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FromSettings:
    """A limit that new sandboxes get from the settings of whoever makes them; `value` in bytes where it is a size."""

    limit: str
    value: float
    sandboxes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A sandbox that somebody has stopped or paused on purpose, which leaves it as it is.

    `since` is in seconds since 1970. With `changes` the file says something else of it than what was applied. One that
    has `expired` was stopped because its lifetime was over, or as it was `idle`. Of one that is `gone` somebody has
    removed the container since.
    """

    name: str
    state: DesiredState
    user: str
    since: int
    changes: bool = False
    expired: bool = False
    idle: bool = False
    gone: bool = False

    @property
    def deed(self) -> str:
        if self.idle:
            return f"was {self.state} as it was idle"
        return "has expired" if self.expired else f"{self.user} has {self.state} on purpose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """When a sandbox that is there `ends` by itself, in seconds since 1970, and what follows.

    `left` are the seconds until then, as of the look at it; none or fewer where it has expired. Both are None where
    nothing ends it but that it is idle, for `idle_timeout` seconds.
    """

    name: str
    ends: int | None
    left: int | None
    on_expire: OnExpire
    idle_timeout: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`changes` and `steps` are in one deterministic order; both are empty where nothing is to be done.

    `unchanged` names the sandboxes that are as they should be, `omitted` the changes that are not in this plan,
    `unread` the secrets that are used and were not read: a plan takes their values to be what they were.
    `unreduced` are sandboxes that older versions have made and that keep all capabilities of the engine's default.
    `unlimited` are, by the limit that they lack, sandboxes that are made or get other limits, and can take all that the
    host has of it; `watched` those whose storage the engine cannot limit. `settings` are limits that come from outside
    of all files of the stack. `held` are those that stay as they are because somebody has stopped them on purpose.
    `lifetimes` are those of sandboxes that are there, the first to end first.
    `busy` says who changes the stack at this moment, empty for nobody else, and `in_flight` what is half done by them.
    """

    stack: str
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    unchanged: tuple[str, ...] = ()
    omitted: tuple[Omission, ...] = ()
    unread: tuple[str, ...] = ()
    unreduced: tuple[str, ...] = ()
    unlimited: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    watched: tuple[str, ...] = ()
    settings: tuple[FromSettings, ...] = ()
    held: tuple[Held, ...] = ()
    lifetimes: tuple[Lifetime, ...] = ()
    busy: str = ""
    in_flight: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.steps

    @property
    def settled(self) -> bool:
        """Whether all is as the file says; a task that runs at every apply, and as it did before, changes nothing."""
        runs = bool(self.changes) and all(change.cause == "run" and not change.differences for change in self.changes)
        return self.empty or runs
