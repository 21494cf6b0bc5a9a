"""One step -> the engine calls that it stands for. Decides nothing: all that it needs stands in the step."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace

from nexusctl.engine.base import Engine, Report
from nexusctl.errors import Conflict, Diagnostic, EngineError, NotFound, is_out_of_space
from nexusctl.model.plan.plan import Attachment, BootstrapImage, DeriveImage, Placement, PullImage, Step
from nexusctl.model.plan.step import (
    AdoptContainer,
    AdoptObject,
    AwaitExit,
    AwaitHealthy,
    CreateContainer,
    CreateNetwork,
    CreateVolume,
    ExtendContainer,
    HoldContainer,
    NoteDeed,
    PauseContainer,
    ReleaseContainer,
    ReleaseObject,
    RemoveContainer,
    RemoveNetwork,
    RemoveOrphan,
    RemoveVolume,
    RenameContainer,
    ReplaceContainer,
    RestoreContainer,
    SignalContainer,
    StartContainer,
    StopContainer,
    UpdateContainer,
)
from nexusctl.model.secret import Reveal, withhold
from nexusctl.model.stack import Sandbox
from nexusctl.run.drain import see_off
from nexusctl.run.interrupt import Interrupt
from nexusctl.run.kept_ports import warn_of_moved
from nexusctl.run.on_change import react
from nexusctl.run.ready import check_upstream, wait_ready
from nexusctl.run.replace_container import replace_container
from nexusctl.run.startup_script import run_startup
from nexusctl.run.stop import Warn, end_by, remove, send_signal, stop
from nexusctl.run.waits import wait_exit


@dataclass(slots=True)
class Ledger:
    """What the steps done so far have made: ids that later steps need."""

    containers: dict[str, str] = field(default_factory=dict)
    networks: dict[str, str] = field(default_factory=dict)
    mutex: threading.Lock = field(default_factory=threading.Lock)

    def note_container(self, step_id: str, container_id: str) -> None:
        with self.mutex:
            self.containers[step_id] = container_id

    def note_network(self, name: str, network_id: str) -> None:
        with self.mutex:
            self.networks[name] = network_id

    def find_container(self, step: Step) -> str:
        """The container that `step` has started or changed, empty for none."""
        if isinstance(step, StartContainer | ReplaceContainer):
            return self.containers[step.created]
        return step.container_id if isinstance(step, UpdateContainer | RestoreContainer) else ""

    def find_subject(self, step: Step) -> str:
        """The container that `step` is about, by the two fields that steps name one with; empty for none."""
        return getattr(step, "container_id", "") or self.containers.get(getattr(step, "created", ""), "")

    def locate(self, attachment: Attachment) -> Attachment:
        """`attachment` with the id of a network that was made in this run."""
        return attachment if attachment.id else replace(attachment, id=self.networks.get(attachment.name, ""))


def perform(  # noqa: PLR0912, PLR0915 - one flat table, a case a step
    stack: str,
    step: Step,
    engine: Engine,
    ledger: Ledger,
    report: Report,
    warn: Warn,
    interrupt: Interrupt,
    reveal: Reveal = withhold,
) -> None:
    """Carry out `step`; `reveal` gives the values of secrets, `warn` hears of what goes wrong without an end of it.

    Raises `EngineError`, `StepError`, or `Interrupted` out of a wait.
    """
    match step:
        case PullImage():
            engine.pull_image(step.reference, report, digest=step.digest, cancel=interrupt)
        case BootstrapImage():
            engine.bootstrap_image(step, report, interrupt)
        case DeriveImage():
            engine.derive_image(step, report, interrupt)
        case CreateNetwork():
            ledger.note_network(step.name, _make_network(stack, step, engine))
        case CreateVolume():
            engine.create_volume(stack, step.volume, step.name)
        case RemoveNetwork():
            engine.remove_network(step.network_id)
        case RemoveVolume():
            engine.remove_volume(step.name)
        case CreateContainer():
            report("creating")
            place = _located(step.placement, ledger)
            ledger.note_container(step.id, engine.create_container(stack, step.sandbox, place, reveal))
        case StartContainer():
            _check_upstream(step, engine, ledger)
            _start(stack, step, engine, ledger.containers[step.created], report, warn, interrupt)
        case AwaitHealthy():
            container_id = step.container_id or ledger.containers[step.created]
            wait_ready(engine, container_id, step.sandbox, report, interrupt, required=step.required)
        case AwaitExit():
            container_id = step.container_id or ledger.containers[step.created]
            wait_exit(engine, container_id, step.subject, report, interrupt)
            # Without it nothing is untrue as long as the container is there.
            with suppress(EngineError):
                engine.note_end(stack, step.subject, container_id)
        case ReplaceContainer():
            _check_upstream(step, engine, ledger)
            located = replace(step, placement=_located(step.placement, ledger))
            replace_container(stack, located, engine, ledger.containers[step.created], report, warn, interrupt)
        case StopContainer():
            report("stopping")
            stop(engine, step.container_id, step.subject, end_by(step), warn)
        case PauseContainer():
            report("pausing")
            engine.pause_container(step.container_id or ledger.containers[step.created])
        case SignalContainer():
            send_signal(engine, step.container_id, step.signal)
        case HoldContainer():
            _hold(stack, step, engine, warn)
        case ExtendContainer():
            # The former word counts until the new one is there: nothing ends in between.
            kept = engine.note_extension(stack, step.subject, step.container_id, step.until, step.user)
            for name in step.stale:
                if name != kept:
                    engine.remove_amendment(name)
        case ReleaseContainer():
            engine.lift_hold(stack, step.hold)
        case NoteDeed():
            _note(stack, step, engine, warn)
        case RestoreContainer():
            _check_upstream(step, engine, ledger)
            _restore(step, engine, report, warn, interrupt, reveal)
        case UpdateContainer():
            _update(stack, step, engine, ledger, report, warn, interrupt, reveal)
        case RenameContainer():
            engine.rename_container(step.container_id, step.name)
        case RemoveContainer():
            report("stopping")
            if step.end:
                engine.remove_amendment(step.end)
            # What is gone by now, or has ended, is not found anyway.
            with suppress(NotFound, Conflict):
                see_off(engine, step.container_id, step.networks, step.ports)
            remove(engine, step.container_id, step.subject, end_by(step), warn)
            for name in step.amendments:
                engine.remove_amendment(name)
        case RemoveOrphan(kind="courier"):
            engine.remove_courier(step.name)
        case RemoveOrphan(kind="secrets"):
            engine.remove_secrets(step.name)
        case AdoptContainer():
            engine.amend(stack, step.sandbox, step.container_id)
        case AdoptObject():
            engine.adopt(stack, step.kind, step.subject, step.key)
        case ReleaseObject():
            engine.release(stack, step.kind, step.key)
        case RemoveOrphan():
            engine.remove_amendment(step.name)
        case _:
            raise AssertionError(step)


def _hold(stack: str, step: HoldContainer, engine: Engine, warn: Warn) -> None:
    """A full disk keeps nobody from ending what fills it; what ends by its lifetime has no other word on why."""
    try:
        engine.note_hold(stack, step.subject, step.container_id, step.hold)
    except EngineError as error:
        if step.hold.by_lifetime or not is_out_of_space(error):
            raise
        verb = "pause" if step.hold.state == "paused" else "stop"
        summary = (
            f"{step.subject}: the engine's disk is full, so it is not noted that it is {step.hold.state} on purpose"
        )
        hint = f"the next apply lets it run again, unless `nexusctl {verb} {step.subject}` is said once there is space"
        warn(Diagnostic(summary, hint=hint, sandbox=step.subject, severity="warning"))


def _note(stack: str, step: NoteDeed, engine: Engine, warn: Warn) -> None:
    try:
        engine.note_deed(stack, step.subject, step.container_id, step.deed)
    except EngineError as error:
        if not is_out_of_space(error):
            raise
        summary = f"{step.subject}: the engine's disk is full, so `history` does not tell that it was {step.deed}"
        warn(Diagnostic(summary, sandbox=step.subject, severity="warning"))


def _make_network(stack: str, step: CreateNetwork, engine: Engine) -> str:
    if not step.old_id:
        return engine.create_network(stack, step.network, step.name, step.subnet, step.sandboxes)
    made = engine.replace_network(
        stack, step.network, step.name, step.old_id, step.members, step.subnet, step.sandboxes
    )
    attachment = Attachment(network=step.network.name, name=step.name, id=made)
    for container_id, names in step.idle.items():
        engine.disconnect(container_id, step.old_id)
        engine.connect(container_id, attachment, names)
    return made


def _located(placement: Placement, ledger: Ledger) -> Placement:
    return replace(placement, networks=tuple(ledger.locate(attachment) for attachment in placement.networks))


def _check_upstream(step: StartContainer | ReplaceContainer | RestoreContainer, engine: Engine, ledger: Ledger) -> None:
    check_upstream(engine, step.subject, step.upstream, step.needs, lambda made: ledger.containers.get(made, ""))


def _start(
    stack: str,
    step: StartContainer,
    engine: Engine,
    container_id: str,
    report: Report,
    warn: Warn,
    interrupt: Interrupt,
) -> None:
    if step.sandbox.state == "stopped":
        engine.rename_container(container_id, step.placement.name)
        return
    report("starting")
    engine.start_container(container_id)
    warn_of_moved(engine, container_id, step.subject, step.placement.ports, warn)
    run_startup(engine, container_id, step.sandbox, report, interrupt.halves)
    if step.placement.birth_name:
        # Its startup may have taken its time.
        engine.check_lock(stack)
        engine.rename_container(container_id, step.placement.name)


def _restore(
    step: RestoreContainer, engine: Engine, report: Report, warn: Warn, interrupt: Interrupt, reveal: Reveal
) -> None:
    if step.how == "unpause":
        report("resuming")
        engine.unpause_container(step.container_id)
        return
    if step.how == "restart":
        report("stopping")
        stop(engine, step.container_id, step.subject, end_by(step), warn)
    if step.secrets:
        engine.put_secrets(step.container_id, step.secrets, reveal)
    report("starting")
    if step.first is None:
        engine.start_container(step.container_id)
        return
    # Its name tells whether its startup came to an end.
    engine.rename_container(step.container_id, step.first.birth_name)
    engine.start_container(step.container_id)
    run_startup(engine, step.container_id, step.first.sandbox, report, interrupt.deadline)
    engine.rename_container(step.container_id, step.first.name)


def _update(
    stack: str,
    step: UpdateContainer,
    engine: Engine,
    ledger: Ledger,
    report: Report,
    warn: Warn,
    interrupt: Interrupt,
    reveal: Reveal,
) -> None:
    report("updating")
    sandbox: Sandbox = step.sandbox
    note = engine.announce(stack, step.container_id)
    if step.secrets or step.delete_secrets:
        engine.put_secrets(step.container_id, step.secrets, reveal, step.delete_secrets)
    if step.limits:
        engine.update_limits(step.container_id, sandbox.resources, sandbox.restart, step.left_limits)
    _change_networks(step, engine, ledger)
    facts = ""
    if step.packages:
        facts = engine.change_packages(step.container_id, step.packages, report, interrupt.deadline)
        engine.check_lock(stack)
    if step.uploads or step.delete:
        report("uploading")
        engine.upload(step.container_id, step.uploads, step.delete, step.clear)
    for reaction in step.reactions:
        react(engine, step.container_id, step.subject, reaction, report, warn, end_by(step), interrupt.deadline)
    if not step.amend:
        engine.remove_amendment(note)
        return
    kept = engine.amend(stack, sandbox, step.container_id, facts, note)
    for name in step.stale:
        if name not in (kept, note):
            engine.remove_amendment(name)


def _change_networks(step: UpdateContainer, engine: Engine, ledger: Ledger) -> None:
    """Whoever is back in a network at once mostly gets the address that it had, and keeps its connections."""
    again = {attachment.id for attachment in step.connect}.intersection(step.leave_first)
    for network_id in step.leave_first:
        if network_id not in again:
            engine.disconnect(step.container_id, network_id)
    for attachment in step.connect:
        if attachment.id in again:
            engine.disconnect(step.container_id, attachment.id)
        engine.connect(step.container_id, ledger.locate(attachment), attachment.names)
    for network_id in step.disconnect:
        if network_id not in step.leave_first:
            engine.disconnect(step.container_id, network_id)
