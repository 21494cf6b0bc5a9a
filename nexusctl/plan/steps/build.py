"""From decisions to steps: what each decision consists of, and which steps have to come first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from nexusctl.model.engine_names import container_name, incoming_name
from nexusctl.model.observed.live import LiveSandbox
from nexusctl.model.plan.plan import Attachment, PackageChange, Placement, Step
from nexusctl.model.plan.step import (
    AwaitExit,
    AwaitHealthy,
    CreateContainer,
    ReleaseContainer,
    RenameContainer,
    ReplaceContainer,
    RestoreContainer,
    StartContainer,
    UpdateContainer,
)
from nexusctl.model.plan.step_id import step_id
from nexusctl.model.secret import SecretFile
from nexusctl.model.stack import Sandbox
from nexusctl.model.uploads_and_packages import Upload
from nexusctl.plan.compare.claims import Claim
from nexusctl.plan.compare.drift import drifted_paths, find_misfits, is_cut_off
from nexusctl.plan.compare.host_ports import is_probed
from nexusctl.plan.compare.ignore import list_left_limits
from nexusctl.plan.compare.paths import list_above, place
from nexusctl.plan.decide.context import PlanContext
from nexusctl.plan.decide.decide import Decision, is_unsure
from nexusctl.plan.decide.own_volumes import find_own, list_others
from nexusctl.plan.decide.packages import change_packages
from nexusctl.plan.decide.upload_reactions import find_reactions
from nexusctl.plan.steps.carry_over import choose_left_behind
from nexusctl.plan.steps.ids import aside_id, stop_id
from nexusctl.plan.steps.kept_ports import keep_ports, stops_first
from nexusctl.plan.steps.removal import choose_grace, choose_pre_stop, remove_container
from nexusctl.plan.steps.rest import bring_to_rest, find_first_start
from nexusctl.plan.steps.waits import list_upstream, ready_id


def build_steps(scene: PlanContext, decision: Decision, gates: frozenset[str]) -> Iterator[Step]:
    """The steps of one decision, each with its needs; it may start or change when `gates` are done."""
    claim = scene.claims.get(decision.sandbox.name, Claim())
    removals = [remove_container(leftover.live, decision.sandbox) for leftover in claim.leftovers]
    yield from removals
    match decision.action:
        case "create" if decision.holder is None:
            yield from _create(scene, decision, gates, tuple(step.id for step in removals))
        case "create" | "rerun":
            assert decision.holder is not None
            removal = remove_container(decision.holder, decision.sandbox)
            yield removal
            yield from _create(scene, decision, gates, (*(step.id for step in removals), removal.id))
        case "replace":
            yield from _replace(scene, decision, gates, tuple(step.id for step in removals))
        case "update" | "start" | "resume" | "pause" | "stop" | "rename":
            yield from _mend(scene, decision, gates, tuple(step.id for step in removals))
        case "none":
            pass


def _create(scene: PlanContext, decision: Decision, gates: frozenset[str], after: tuple[str, ...]) -> Iterator[Step]:
    sandbox = decision.sandbox
    # One that is not started gets its name when all else is done.
    place = _placement(scene, sandbox, beside=bool(sandbox.startup) or sandbox.state == "stopped")
    create = _create_container(scene, sandbox, place, after)
    yield create
    yield StartContainer(
        id=step_id("sandbox", sandbox.name, "start"),
        subject=sandbox.name,
        needs=(create.id, *gates),
        sandbox=sandbox,
        placement=place,
        created=create.id,
        upstream=list_upstream(scene, sandbox),
    )
    yield from _await(scene, sandbox, created=create.id, needs=(step_id("sandbox", sandbox.name, "start"),))
    yield from bring_to_rest(sandbox, "pause" if sandbox.state == "paused" else "", created=create.id)


def _replace(scene: PlanContext, decision: Decision, gates: frozenset[str], after: tuple[str, ...]) -> Iterator[Step]:
    sandbox, holder = decision.sandbox, decision.holder
    assert holder is not None
    # Without a health check nobody can tell when the new one answers, so that it need not wait for its names.
    probed, stop_first = is_probed(sandbox, holder), stops_first(scene, decision)
    handover = probed and not stop_first and holder.state == "running" and sandbox.state != "stopped"
    place = replace(_placement(scene, sandbox, beside=True), quiet=handover)
    create = _create_container(scene, sandbox, place, after)
    yield create
    yield ReplaceContainer(
        id=ready_id(sandbox.name),
        subject=sandbox.name,
        needs=(create.id, *gates, aside_id(holder), stop_id(sandbox.name)),
        sandbox=sandbox,
        placement=place,
        created=create.id,
        old_id=holder.id,
        old_running=holder.state in ("running", "paused", "restarting"),
        stop_first=stop_first,
        stay_down=sandbox.name in scene.bereft,
        old_networks=_live_attachments(scene, holder, place) if handover else (),
        old_ports=holder.ports if handover else (),
        left_behind=choose_left_behind(scene, decision) if decision.carry else None,
        amendments=holder.amendments,
        grace=choose_grace(holder, sandbox),
        pre_stop=choose_pre_stop(holder),
        required=sandbox.name in scene.required and sandbox.state != "stopped",
        upstream=list_upstream(scene, sandbox) if sandbox.state != "stopped" else (),
    )
    yield from bring_to_rest(sandbox, "pause" if sandbox.state == "paused" else "", created=create.id)


def _live_attachments(scene: PlanContext, holder: LiveSandbox, place: Placement) -> tuple[Attachment, ...]:
    """The networks that a container is in, with the names that it has and knows in those that stay its sandbox's.

    Those that go before anything else happens are left out.
    """
    gone = {network.id for network in scene.networks.renewed.values()}
    kept = {attachment.name: attachment for attachment in place.networks}
    return tuple(
        replace(kept[name], id=network_id) if name in kept else Attachment(network=name, name=name, id=network_id)
        for network_id, name in sorted(holder.networks.items())
        if network_id not in gone
    )


def _mend(scene: PlanContext, decision: Decision, gates: frozenset[str], after: tuple[str, ...]) -> Iterator[Step]:
    sandbox, holder = decision.sandbox, decision.holder
    assert holder is not None
    last = (*after, *gates)
    how, rest = decision.restore, decision.rest
    if (
        holder.state == "paused"
        and sandbox.state == "paused"
        and any(d.effect != "record" for d in decision.differences)
    ):
        how, rest = "unpause", "pause"
    restore = RestoreContainer(
        id=step_id("sandbox", sandbox.name, "start"),
        subject=sandbox.name,
        needs=last,
        container_id=holder.id,
        how=how or "start",
        secrets=() if how == "unpause" else sandbox.secrets,
        grace=choose_grace(holder, sandbox),
        pre_stop=choose_pre_stop(holder),
        upstream=() if how == "unpause" else list_upstream(scene, sandbox),
        first=find_first_start(scene.stack.name, sandbox, holder),
    )
    if how == "unpause":
        # Nothing reaches a program that is paused.
        yield restore
        last = (restore.id,)
    restarts, cleaning = False, None
    if decision.action == "update" or decision.amend:
        update = _update(decision, holder, last)
        if update.delete and (how == "start" or holder.state in ("restarting", "exited", "created")):
            update, cleaning = _part_cleaning(update)
            if not how:
                # It runs for as long as that takes.
                how, rest = "start", "stop"
        restarts = update.restarts
        yield update
        last = (update.id,)
    if decision.rename:
        rename = RenameContainer(
            id=step_id("sandbox", sandbox.name, "rename"),
            subject=sandbox.name,
            needs=(*last, aside_id(holder)),
            container_id=holder.id,
            name=container_name(scene.stack.name, sandbox.name),
        )
        yield rename
        last = (rename.id,)
    if how and how != "unpause":
        yield replace(restore, how=how, needs=last)
        last = (restore.id,)
    if cleaning:
        yield replace(cleaning, needs=last)
        last = (cleaning.id,)
    if (decision.restore or restarts) and rest != "stop":
        yield from _await(scene, sandbox, container_id=holder.id, needs=last)
        last = (*last, ready_id(sandbox.name))
    yield from bring_to_rest(sandbox, rest, holder=holder, needs=last)
    if holder.hold:
        yield ReleaseContainer(
            id=step_id("sandbox", sandbox.name, "release"), subject=sandbox.name, needs=last, hold=holder.hold.name
        )


def _part_cleaning(update: UpdateContainer) -> tuple[UpdateContainer, UpdateContainer]:
    """What can be done before the start, and the rest: files are removed by a command inside, which has to run."""
    cleaning = UpdateContainer(
        id=step_id("sandbox", update.subject, "clean"),
        subject=update.subject,
        container_id=update.container_id,
        sandbox=update.sandbox,
        delete=update.delete,
        amend=update.amend,
        stale=update.stale,
    )
    return replace(update, delete=(), amend=False), cleaning


def _update(decision: Decision, holder: LiveSandbox, needs: tuple[str, ...]) -> UpdateContainer:
    sandbox, record = decision.sandbox, holder.record
    assert record is not None
    touched = {difference.field.partition(".")[0] for difference in decision.differences}
    again = is_unsure(sandbox, holder)
    clear = find_misfits(sandbox, holder, decision.differences) if "uploads" in touched else ()
    uploads, delete = _changed_uploads(decision, record, clear) if "uploads" in touched else ((), ())
    # What is cut off from its secrets gets them with its restart.
    cut_off = is_cut_off(holder, decision.differences)
    secrets, gone = ((), ()) if cut_off else _changed_secrets(decision, record)
    packages: tuple[PackageChange, ...] = ()
    if "packages" in touched or again:
        packages = tuple(change_packages(record, sandbox, decision.differences, again=again))
    joined = {key for attachment in decision.connect for key in (attachment.name, attachment.id)}
    made = tuple(step_id("network", a.network, "create") for a in decision.connect if not a.id and not a.external)
    return UpdateContainer(
        id=step_id("sandbox", sandbox.name, "update"),
        subject=sandbox.name,
        needs=(*needs, *made),
        container_id=holder.id,
        sandbox=sandbox,
        limits=again or bool(touched & {"resources", "restart"}),
        left_limits=list_left_limits(sandbox) if sandbox.lifecycle.ignore else (),
        packages=packages,
        uploads=sandbox.uploads if again else uploads,
        delete=delete,
        clear=clear,
        reactions=find_reactions(decision) if "uploads" in touched or again else (),
        connect=decision.connect,
        disconnect=decision.disconnect,
        leave_first=tuple(left for left in decision.disconnect if joined & {left, holder.networks.get(left)}),
        # After a restart of its host a container that does not run has lost them all, and cannot be written to.
        secrets=secrets if cut_off or (holder.state == "running" and not again) else sandbox.secrets,
        delete_secrets=gone,
        # Also where only packages are put right: a manager may have had to bring another version.
        amend=decision.amend or bool(packages),
        stale=holder.outdated,
        grace=choose_grace(holder, sandbox),
        pre_stop=choose_pre_stop(holder),
    )


def _changed_uploads(
    decision: Decision, record: Sandbox, clear: Collection[str]
) -> tuple[tuple[Upload, ...], tuple[str, ...]]:
    """The uploads cut down to the files that have to be sent, and the paths that have to go.

    What was uploaded and is no more goes, a folder if it is empty then; what was added by hand goes with all in it.
    What lay below a place that is cleared is gone already, and what shall lie there has to be sent.
    """
    desired, drifted = decision.sandbox, drifted_paths(decision.differences)
    cleared = frozenset(clear)
    before = {(u.target, f.path): (f, u.owner) for u in record.uploads for f in u.files}
    changed = []
    for upload in desired.uploads:
        files = tuple(
            f
            for f in upload.files
            if before.get((upload.target, f.path)) != (f, upload.owner)
            or place(upload.target, f.path) in drifted
            or _lies_below(place(upload.target, f.path), cleared)
        )
        if files:
            changed.append(replace(upload, files=files))
    kept = {place(u.target, f.path) for u in desired.uploads for f in u.files}
    gone = {place(target, path) for (target, path), (file, _) in before.items() if path or file.kind != "folder"}
    added = {
        f"{path}/" if difference.before == "folder" else path
        for path, difference in drifted.items()
        if difference.after is None
    }
    return tuple(changed), tuple(
        sorted(p for p in (gone - kept) | added if p not in cleared and not _lies_below(p, cleared))
    )


def _lies_below(path: str, folders: Collection[str]) -> bool:
    return bool(folders) and any(folder in folders for folder in list_above(path))


def _changed_secrets(decision: Decision, record: Sandbox) -> tuple[tuple[SecretFile, ...], tuple[str, ...]]:
    """The files to write, and the names of those to remove."""
    changed = {d.field.removeprefix("secrets.") for d in decision.differences if d.field.startswith("secrets.")}
    names = {file.name for file in decision.sandbox.secrets}
    gone = {file.name for file in record.secrets} - names
    return tuple(file for file in decision.sandbox.secrets if file.name in changed), tuple(sorted(gone))


def _create_container(
    scene: PlanContext, sandbox: Sandbox, place: Placement, after: tuple[str, ...]
) -> CreateContainer:
    choice = scene.images[sandbox.name]
    needs = [*after]
    needs += [aside_id(scene.squatters[sandbox.name])] if sandbox.name in scene.squatters else []
    needs += [choice.steps[-1].id] if choice.steps else []
    needs += [step_id("network", a.network, "create") for a in place.networks if not a.id and not a.external]
    needs += [step_id("volume", m.source, "create") for m in sandbox.mounts if m.source in scene.missing_volumes]
    return CreateContainer(
        id=step_id("sandbox", sandbox.name, "create"),
        subject=sandbox.name,
        needs=tuple(needs),
        sandbox=sandbox,
        placement=place,
    )


def _placement(scene: PlanContext, sandbox: Sandbox, *, beside: bool) -> Placement:
    name = container_name(scene.stack.name, sandbox.name)
    names = sorted({m.source for m in sandbox.mounts if m.kind == "volume" and m.source in scene.stack.volumes})
    return Placement(
        image=scene.images[sandbox.name].reference,
        name=name,
        birth_name=incoming_name(name) if beside else "",
        networks=scene.networks.join(sandbox),
        volumes={m.source: scene.volumes[m.source] for m in sandbox.mounts if m.kind == "volume"},
        declared={name: scene.stack.volumes[name] for name in names if scene.stack.volumes[name].is_special},
        external=frozenset(name for name in names if scene.stack.volumes[name].external),
        anonymous=find_own(scene.own, sandbox, scene.decisions[sandbox.name].holder),
        others=list_others(scene.live, sandbox.name),
        ports=keep_ports(scene, scene.decisions[sandbox.name]) if sandbox.ports else (),
    )


def _await(
    scene: PlanContext, sandbox: Sandbox, *, needs: tuple[str, ...], container_id: str = "", created: str = ""
) -> Iterator[Step]:
    ready, name = ready_id(sandbox.name), sandbox.name
    if sandbox.state == "stopped":
        return
    if sandbox.kind == "task":
        yield AwaitExit(id=ready, subject=name, needs=needs, container_id=container_id, created=created)
        return
    yield AwaitHealthy(
        id=ready,
        subject=name,
        needs=needs,
        sandbox=sandbox,
        container_id=container_id,
        created=created,
        required=name in scene.required,
    )
