"""Secrets as files in the memory of the engine's host.

Each sandbox with secrets has a folder below /dev/shm/nexusctl, which only root may enter, mounted read-only into the
sandbox. /dev/shm is memory on every Linux. What lies there outlives restarts of the container and of the engine, and
ends with the host's: then the engine does not start the container, because the folder is missing, and an apply, or a
start by hand, puts it back.

All goes through the engine, which may be on another machine, and needs nothing of an image: a courier is a container
that mounts /dev/shm and is never started, and the engine's archive call writes through it. Its labels name the folder,
so whatever a crash leaves behind is found.

Where a container is removed by hand, its label that names the folder goes with it. So each folder has a deed besides:
a mark, see `client/claim_volume.py`, whose labels name it. A deed that no container answers for leads to what is left.
"""

from __future__ import annotations

import contextlib
import tarfile
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.create_body import MEMORY, MEMORY_FOLDER, mounted_secrets
from nexusctl.engine.docker.bodies.label_forms import is_folder
from nexusctl.engine.docker.client.claim_volume import claim_mark
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.exec.exec import ROOT, Unanswered, ask
from nexusctl.engine.docker.files.upload import read_accounts, stat_path
from nexusctl.errors import Conflict, Diagnostic, EngineError, EngineUnreachable, NotFound, StepError
from nexusctl.model.secret import FOLDER, Reveal, SecretFile
from nexusctl.model.stack import Sandbox
from nexusctl.model.values.frozen import dataclass

FILE_MODE = 0o400

_DEED = "nexusctl_secrets_"
"""Begins the name of a deed; the folder's own follows."""

# Where the folder that is mounted was removed, the kernel says so.
_LOOK = f"""
while IFS= read -r line; do
  case "$line" in *"//deleted {FOLDER} "*) echo deleted; break; esac
done </proc/self/mountinfo
number=0
for path do
  [ -e "$path" ] || echo $number
  number=$((number + 1))
done
echo looked
"""

_INSIDE = "/nexusctl-memory"
_NOWHERE = "nexusctl-nowhere"


def new_folder() -> str:
    """The name of a folder that nobody has."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """A way to one folder of secrets."""

    wire: Wire
    id: str
    folder: str

    def make_folder(self) -> None:
        """The folder, and the one above it that keeps others of the host out."""
        self._send([_folder(MEMORY_FOLDER, 0o700), _folder(f"{MEMORY_FOLDER}/{self.folder}", 0o755)])

    def lay(self, files: Sequence[SecretFile], owner: tuple[int, int], reveal: Reveal) -> None:
        """Write `files` for `owner`, over those of the same names."""
        self._send(part for file in files for part in self._file(file, owner, reveal(file).reveal()))

    def remove(self, names: Iterable[str]) -> None:
        """Remove files by their names; an absent one is fine."""
        for name in names:
            self._clear(f"{MEMORY_FOLDER}/{self.folder}/{name}")

    def wipe(self) -> None:
        """Remove the folder with all that is in it; an absent one is fine."""
        self._clear(f"{MEMORY_FOLDER}/{self.folder}")

    def _file(self, file: SecretFile, owner: tuple[int, int], value: bytes) -> tuple[bytes, ...]:
        path = f"{MEMORY_FOLDER}/{self.folder}/{file.name}"
        padding = b"\0" * (-len(value) % tarfile.BLOCKSIZE)
        return _header(path, tarfile.REGTYPE, FILE_MODE, owner=owner, size=len(value)), value, padding

    def _send(self, parts: Iterable[bytes]) -> None:
        archive = (part for part in (*parts, b"\0" * (2 * tarfile.BLOCKSIZE)))
        path, query = f"/containers/{self.id}/archive", {"path": _INSIDE}
        self.wire.open("PUT", path, query, archive, content_type="application/x-tar").close()

    def _clear(self, path: str) -> None:
        """The engine's API knows no removal. It clears the way for what it unpacks, and a link to nothing takes none.

        So the refusal is what was wanted, and a look afterwards says whether it came of that.
        """
        if not self._has(path):
            return
        try:
            self._send([_header(path, tarfile.LNKTYPE, 0, link=_NOWHERE)])
        except EngineUnreachable:
            raise
        except EngineError as error:
            if self._has(path):
                raise EngineError(
                    f"the engine does not remove {MEMORY}/{path}: {error.summary}",
                    status=error.status,
                    hint="remove that folder on the engine's host",
                ) from error

    def _has(self, path: str) -> bool:
        return stat_path(self.wire, self.id, f"{_INSIDE}/{path}")


@contextmanager
def open_courier(wire: Wire, stack: str, images: Iterable[str], folder: str) -> Iterator[Courier]:
    """A courier to `folder` while inside. It is made from the first of `images` that is there, and never run.

    Raises `EngineError`, also where a label has led to something that is no folder of secrets.
    """
    if not is_folder(folder):
        hint = "somebody has written that label; remove the container or volume that has it"
        raise EngineError(f"the label {labels.SECRETS} names no folder of secrets: {folder[:40]!r}", hint=hint)
    name = f"nexusctl_courier_{uuid.uuid4().hex[:12]}"
    try:
        yield Courier(wire=wire, id=_create(wire, stack, images, folder, name), folder=folder)
    finally:
        # By name: a create whose reply was lost has made it nevertheless. One that stays is found by its labels.
        with contextlib.suppress(EngineError):
            _remove(wire, name)


def _create(wire: Wire, stack: str, images: Iterable[str], folder: str, name: str) -> str:
    missing: NotFound | None = None
    for image in images:
        try:
            return str(wire.post("/containers/create", _body(stack, image, folder), {"name": name})["Id"])
        except NotFound as error:
            missing = error
    raise missing or NotFound("the engine has no image to reach a folder of secrets with", hint="load any image")


def write_deed(wire: Wire, stack: str, folder: str) -> None:
    """Note that `folder` is the stack's, before there is one. Raises `EngineError`."""
    marks = {labels.STACK: stack, labels.ROLE: "secrets", labels.SECRETS: folder, labels.RECORD: ""}
    claim_mark(wire, f"{_DEED}{folder}", marks)


def remove_deed(wire: Wire, folder: str) -> None:
    """Remove it once the folder is gone; an absent one is fine."""
    with contextlib.suppress(NotFound):
        wire.delete(f"/volumes/{_DEED}{folder}")


def put_secrets(
    wire: Wire, container_id: str, files: Sequence[SecretFile], reveal: Reveal, delete: Iterable[str] = ()
) -> None:
    """Lay `files` into the secrets folder of a container, running or not, and remove those called `delete`."""
    inspected = wire.get(f"/containers/{container_id}/json")
    marks = inspected["Config"]["Labels"]
    with open_courier(wire, marks[labels.STACK], [inspected["Image"]], marks[labels.SECRETS]) as courier:
        # An earlier one may have been pruned.
        write_deed(wire, marks[labels.STACK], marks[labels.SECRETS])
        # Without the folder the engine cannot mount what the accounts are read from.
        courier.make_folder()
        _fill(courier, inspected, files, reveal)
        courier.remove(delete)
    if inspected["State"]["Status"] == "running":
        _require_reached(wire, container_id, files)


def fill_folder(courier: Courier, container_id: str, sandbox: Sandbox, reveal: Reveal) -> None:
    """Lay the secrets of a new container into its folder, which is there. Raises `StepError`."""
    _fill(courier, courier.wire.get(f"/containers/{container_id}/json"), sandbox.secrets, reveal)


def _fill(courier: Courier, inspected: Mapping[str, Any], files: Sequence[SecretFile], reveal: Reveal) -> None:
    """Lay `files` down for the user of the container, as its own files know that user."""
    accounts = read_accounts(courier.wire, inspected["Id"])
    courier.lay(files, accounts.resolve(inspected["Config"]["User"] or ROOT), reveal)


def wipe_secrets(wire: Wire, container_id: str, stack: str, image: str, folder: str) -> None:
    """Remove the secrets folder of a container, unless another one that somebody made from it has the same."""
    if not set(_users(wire, folder)) - {container_id}:
        _wipe(wire, stack, chain([image], _list_images(wire)), folder)


def remove_secrets(wire: Wire, deed: str) -> None:
    """Remove a folder whose container is gone, by its deed's name; an absent one is fine, one in use stays.

    Raises `EngineError`, also where the engine has no image that a courier could be made from.
    """
    try:
        marks = wire.get(f"/volumes/{deed}")["Labels"]
    except NotFound:
        return
    folder = marks[labels.SECRETS]
    if not _users(wire, folder):
        _wipe(wire, marks[labels.STACK], _list_images(wire), folder)


def _wipe(wire: Wire, stack: str, images: Iterable[str], folder: str) -> None:
    with open_courier(wire, stack, images, folder) as courier:
        courier.wipe()
    remove_deed(wire, folder)


def _list_images(wire: Wire) -> Iterator[str]:
    """The ids of all, for where that of a container was taken away from it; any of them does, and some go meanwhile."""
    yield from (entry["Id"] for entry in wire.get("/images/json"))


def remove_courier(wire: Wire, name: str) -> None:
    """Remove a courier that was left behind, and its folder where no container needs that; an absent one is fine."""
    try:
        inspected = wire.get(f"/containers/{name}/json")
    except NotFound:
        return
    folder = inspected["Config"]["Labels"].get(labels.SECRETS, "")
    if is_folder(folder) and not _users(wire, folder):
        Courier(wire=wire, id=inspected["Id"], folder=folder).wipe()
    _remove(wire, name)


def _users(wire: Wire, folder: str) -> list[str]:
    """The ids of the containers that mount `folder`; one of an image that somebody made has but the labels."""
    query = {"all": True, "filters": {"label": [f"{labels.SECRETS}={folder}", f"{labels.ROLE}=sandbox"]}}
    found = wire.get("/containers/json", query)
    return [str(entry["Id"]) for entry in found if folder in mounted_secrets(entry)]


def find_lost(
    wire: Wire, container_id: str, files: Sequence[SecretFile], *, running: bool
) -> tuple[frozenset[str], bool]:
    """The names of those of `files` that the container does not have, and whether it is cut off from their folder."""
    if running and files and (seen := _look_inside(wire, container_id, files)):
        return seen
    return frozenset(file.name for file in files if not stat_path(wire, container_id, file.path)), False


def _look_inside(wire: Wire, container_id: str, files: Sequence[SecretFile]) -> tuple[frozenset[str], bool] | None:
    """What `find_lost` says, as the sandbox itself sees it; None where its image has no shell, or gives no answer.

    The engine follows the path on its host, and finds a folder there that is not the one which is mounted any more.
    """
    command = ("/bin/sh", "-c", _LOOK, "look", *(file.path for file in files))
    try:
        outcome = ask(wire, container_id, command)
    except (Unanswered, Conflict):
        return None
    except EngineError as error:
        # So some engines say that there is no such program.
        if error.status != 400:
            raise
        return None
    lines = outcome.output.split()
    numbers = [number for number in lines if number.isdecimal()]
    if outcome.exit_code != 0 or lines[-1:] != ["looked"]:
        return None
    return frozenset(file.name for number, file in enumerate(files) if str(number) in numbers), "deleted" in lines


def _require_reached(wire: Wire, container_id: str, files: Sequence[SecretFile]) -> None:
    """Raise `StepError` where a container that runs does not see what was laid down for it."""
    if files and (seen := _look_inside(wire, container_id, files)) and seen[1]:
        summary = "its secrets do not reach it, because the folder that is mounted for them was removed on the host"
        raise StepError(Diagnostic(summary, hint="`nexusctl apply --deep` restarts it with them"))


def _body(stack: str, image: str, folder: str) -> dict[str, Any]:
    return {
        "Image": image,
        # Never run, but the engine wants a command where the image has none.
        "Entrypoint": [_NOWHERE],
        "Labels": {labels.STACK: stack, labels.ROLE: "courier", labels.SECRETS: folder, labels.RECORD: ""},
        "HostConfig": {
            "NetworkMode": "none",
            "Mounts": [{"Type": "bind", "Source": MEMORY, "Target": _INSIDE}],
        },
    }


def _remove(wire: Wire, name: str) -> None:
    with contextlib.suppress(NotFound):
        wire.delete(f"/containers/{name}", {"force": True, "v": True})


def _folder(path: str, mode: int) -> bytes:
    return _header(path, tarfile.DIRTYPE, mode)


def _header(
    path: str, kind: bytes, mode: int, *, owner: tuple[int, int] = (0, 0), size: int = 0, link: str = ""
) -> bytes:
    info = tarfile.TarInfo(path)
    info.type, info.mode, info.size, info.linkname = kind, mode, size, link
    info.uid, info.gid = owner
    info.mtime = int(time.time())
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
