"""Which networks a live container joins and leaves, and what is said of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.plan import Attachment, Difference
from nexusctl.model.stack import Sandbox

_ENGINES_OWN = frozenset({"", "default", "bridge", "host", "none"})
_ID_LENGTH = 64


def compare_networks(
    holder: LiveSandbox, attachments: tuple[Attachment, ...]
) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
    connected = {network_id: name for network_id, name in holder.networks.items() if name != "none"}
    kept: set[str] = set()
    connect = []
    for attachment in attachments:
        match = _find_network(attachment, connected)
        if match:
            kept.add(match)
        else:
            connect.append(attachment)
    return tuple(connect), tuple(sorted(set(connected) - kept))


def find_renamed(
    sandbox: Sandbox, holder: LiveSandbox, attachments: Iterable[Attachment], changed: Collection[str]
) -> tuple[Attachment, ...]:
    """Those in which it gets other aliases, or may have got them in a change that was cut off."""
    recorded = holder.record.aliases if holder.record else {}
    unsure = {*recorded, *sandbox.aliases} if holder.unsure else ()
    return tuple(a for a in attachments if f"networks.{a.network}.aliases" in changed or a.network in unsure)


def find_unnamed(
    holder: LiveSandbox, attachments: Iterable[Attachment], changed: Collection[str]
) -> Iterator[tuple[Attachment, Difference]]:
    """Those in which others do not find it by all of its names any more, as after a disconnect and connect by hand.

    They are known only where somebody looked. What was taken over, or is made by an older version, bears others.
    """
    if holder.aliases is None or not holder.named or holder.adopted or not {"name", "group"}.isdisjoint(changed):
        return
    for attachment in (found for found in attachments if found.name not in (*_ENGINES_OWN, "podman")):
        known = holder.aliases.get(_find_network(attachment, holder.networks) or "")
        field = f"networks.{attachment.network}.aliases"
        if known is not None and field not in changed and (lost := [n for n in attachment.names if n not in known]):
            kept = tuple(name for name in attachment.names if name not in lost)
            before, after = list(kept) or None, list(attachment.names)
            yield attachment, Difference(field=field, before=before, after=after, cause="drifted", effect="in_place")


def find_unbound(holder: LiveSandbox, attachments: tuple[Attachment, ...]) -> Iterator[Difference]:
    """The network it was made in, where that is none of its networks any more: newer engines do not start it then."""
    bound = holder.bound
    if bound not in _ENGINES_OWN and not any(bound in (a.id, a.name) for a in attachments):
        before = holder.networks.get(bound) or (bound[:12] if len(bound) == _ID_LENGTH else bound)
        after = attachments[0].name if attachments else "none"
        yield Difference(field="networks", before=f"made in {before}", after=f"made in {after}")


def join_again(
    holder: LiveSandbox, again: Iterable[Attachment], connect: tuple[Attachment, ...], disconnect: tuple[str, ...]
) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
    """What to join and to leave, `again` worked in: an engine names a container where it joins."""
    left = {found: a for a in again if a not in connect and (found := _find_network(a, holder.networks))}
    return (*connect, *left.values()), tuple(sorted({*disconnect, *left}))


def find_drifted_networks(
    holder: LiveSandbox, connect: tuple[Attachment, ...], disconnect: tuple[str, ...], names: Mapping[str, str]
) -> Iterator[Difference]:
    """By hand, but for a name of the file that means by now a network which nexusctl has yet to join or to make."""
    left = {_call_network(network_id, holder, names): network_id for network_id in disconnect}
    for joined in connect:
        former = _find_former(joined, holder, left)
        if former:
            yield _describe_other(joined, left.pop(former), holder)
        else:
            yield _drifted_network(joined.network, None, "connected")
    given_up = _count_given_up(holder, connect, names)
    for name in left:
        if given_up and name not in _recorded_networks(holder):
            given_up -= 1
            yield Difference(field=f"networks.{name}", before="connected", after=None, effect="in_place")
        else:
            yield _drifted_network(name, "connected", None)


def _describe_other(joined: Attachment, former: str, holder: LiveSandbox) -> Difference:
    """One network in the place of another; of two with one name the words tell which is which."""
    field, before = f"networks.{joined.network}", holder.networks[former]
    if before != joined.name:
        return Difference(field=field, before=before, after=joined.name, effect="in_place")
    if not joined.external:
        return Difference(field=field, before=before, after=f"{before}, made anew", effect="in_place")
    before, after = f"{before} ({former[:12]})", f"{before} ({joined.id[:12]})"
    return Difference(field=field, before=before, after=after, cause="drifted", effect="in_place")


def _find_network(attachment: Attachment, connected: Mapping[str, str]) -> str | None:
    if attachment.id:
        return attachment.id if attachment.id in connected else None
    if attachment.external:
        return next((network_id for network_id, name in connected.items() if name == attachment.name), None)
    return None


def _count_given_up(holder: LiveSandbox, connect: Iterable[Attachment], names: Mapping[str, str]) -> int:
    """Names that the sandbox had in the file and has no more, of networks that it is on under another name by now."""
    attached = {_call_network(network_id, holder, names) for network_id in holder.networks}
    return len({*_recorded_networks(holder)} - attached - {joined.network for joined in connect})


def _recorded_networks(holder: LiveSandbox) -> tuple[str, ...]:
    return holder.record.networks if holder.record else ()


def _find_former(joined: Attachment, holder: LiveSandbox, left: Iterable[str]) -> str | None:
    """Which of the networks that are `left` the name of `joined` meant before: several names may mean one network."""
    recorded = _recorded_networks(holder)
    if joined.network not in recorded or (joined.id and not joined.external):
        return None
    return next((name for name in left if name == joined.network or name not in recorded), None)


def _drifted_network(name: str, before: str | None, after: str | None) -> Difference:
    return Difference(field=f"networks.{name}", before=before, after=after, cause="drifted", effect="in_place")


def _call_network(network_id: str, holder: LiveSandbox, names: Mapping[str, str]) -> str:
    """As the file calls it, else as the engine does."""
    name = holder.networks[network_id]
    return names.get(network_id) or names.get(name) or name
