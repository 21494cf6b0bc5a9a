"""Uploads: what lies on this machine or stands in the file, and where it goes in the sandbox."""

from __future__ import annotations

import os
import posixpath
import stat
from collections import abc
from collections.abc import Iterable
from pathlib import Path

from nexusctl.config.build.files.digests import Digests, Unfit, shared_mode
from nexusctl.config.build.health import build_command
from nexusctl.config.build.units import mode as read_mode
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.paths import locate
from nexusctl.config.document.problems import Problems, note
from nexusctl.model.stack import Mount
from nexusctl.model.uploads_and_packages import Reaction, Upload, UploadFile
from nexusctl.model.values.checksum import sha256

_KERNEL_FOLDERS = ("/proc", "/sys", "/dev")


def build_uploads(
    sandbox: Mapping, mounts: Iterable[Mount], digests: Digests, problems: Problems
) -> tuple[Upload, ...]:
    """The uploads of a sandbox in the order of the file.

    Reported are two that write the same path, and one that writes into one of the `mounts` that is read-only.
    """
    node = sandbox.get("uploads")
    if not isinstance(node, Sequence):
        return ()
    built = [(_build_upload(item, digests, problems), item) for item in node.items if isinstance(item, Mapping)]
    uploads = [(upload, item) for upload, item in built if upload]
    if len(uploads) > 1:
        _refuse_clashes(uploads, problems)
    _refuse_read_only(uploads, {mount.target: mount.read_only for mount in mounts}, problems)
    return tuple(upload for upload, _ in uploads)


def list_beside(uploads: Iterable[Upload], working_dir: str | None) -> frozenset[Path]:
    """The files of this machine that whole folders in `uploads` bring into the folder where the sandbox works."""
    return frozenset(
        Path(upload.source, file.path)
        for upload in uploads
        if upload.source and working_dir and upload.target == posixpath.normpath(working_dir)
        for file in upload.files
        if file.kind == "file" and file.path
    )


def _build_upload(node: Mapping, digests: Digests, problems: Problems) -> Upload | None:
    target = _target(node, problems)
    mode = _mode(node, problems)
    content, source = node.text("content"), node.get("source")
    if target is None:
        return None
    if content is not None:
        if target.endswith("/"):
            problems.add(node.values["target"], "a text needs the path of a file as its target", "add the file's name")
            return None
        file = _text_file(content, 0o644 if mode is None else mode)
        return Upload(
            target=target, files=(file,), owner=node.text("owner"), on_change=_reaction(node), content=content
        )
    outside = (node.text("outside") or "").lower() == "true"
    path = locate(source, "source", problems, outside=outside) if isinstance(source, Scalar) else None
    if path is None:
        return None
    # What is read from here on has no links on its way, so that nobody can turn one of them.
    real = Path(os.path.realpath(path))
    if target.endswith("/"):
        target += "" if path.is_dir() else path.name
        target = target.rstrip("/")
    files = _files(node, real, mode, digests, problems)
    return (
        Upload(
            target=target,
            files=files,
            owner=node.text("owner"),
            ignore=_patterns(node),
            on_change=_reaction(node),
            source=str(real),
        )
        if files
        else None
    )


def _target(node: Mapping, problems: Problems) -> str | None:
    """The normalised target, still with a slash at its end where the file has one."""
    place, text = node.values["target"], node.text("target") or ""
    target = posixpath.normpath(text).replace("//", "/")
    if ".." in text.split("/"):
        problems.add(place, f"the target `{text}` leads upwards with `..`", f"write where it goes: `{target}`")
    elif target == "/":
        problems.add(place, "the target cannot be the root folder", "name a folder or file below it, such as `/app`")
    elif any(target == folder or target.startswith(folder + "/") for folder in _KERNEL_FOLDERS):
        problems.add(place, f"nothing can be uploaded to `{target}`, which the kernel makes", "choose another target")
    else:
        return target + "/" if text.endswith("/") else target
    return None


def _mode(node: Mapping, problems: Problems) -> int | None:
    place = node.get("mode")
    if not isinstance(place, Scalar):
        return None
    mode = read_mode(place)
    if mode is None:
        hint = 'write permission bits in octal, such as "0644" or "0755"'
        problems.add(place, f"`{place.text}` are no permission bits", hint)
    return mode


def _text_file(content: str, mode: int) -> UploadFile:
    data = content.encode()
    return UploadFile(path="", digest=sha256(data), mode=mode, size=len(data))


def _files(node: Mapping, path: Path, mode: int | None, digests: Digests, problems: Problems) -> tuple[UploadFile, ...]:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            return digests.tree(path, _patterns(node), mode)
        if not stat.S_ISREG(found.st_mode):
            raise Unfit("it is a socket, pipe or device", "name a file or a folder")  # noqa: TRY301
        digest = digests.file(path, found.st_size)
    except Unfit as error:
        problems.add(node.values["source"], f"`{node.text('source')}` cannot be uploaded: {error.summary}", error.hint)
        return ()
    bits = shared_mode(found.st_mode) if mode is None else mode
    return (UploadFile(path="", digest=digest, mode=bits, size=found.st_size),)


def _reaction(node: Mapping) -> Reaction | None:
    value = node.get("on_change")
    if isinstance(value, Mapping):
        signal, command = value.text("signal"), build_command(value.get("exec"))
        if signal:
            return Reaction(signal=f"SIG{signal.removeprefix('SIG')}")
        return Reaction(command=command) if command else None
    return Reaction(restart=True) if isinstance(value, Scalar) and value.text == "restart" else None


def _patterns(node: Mapping) -> tuple[str, ...]:
    patterns = node.get("ignore")
    items = patterns.items if isinstance(patterns, Sequence) else []
    return tuple(item.text for item in items if isinstance(item, Scalar))


def _refuse_clashes(uploads: list[tuple[Upload, Mapping]], problems: Problems) -> None:
    files: dict[str, Node] = {}
    folders: dict[str, Node] = {}
    for upload, node in uploads:
        place = node.values["target"]
        clashes: list[tuple[str, Node]] = []
        for parent in _parents(upload.target):
            if parent in files:
                clashes.append((parent, files[parent]))
            folders.setdefault(parent, place)
        for file in upload.files:
            path = posixpath.join(upload.target, file.path).rstrip("/")
            first = files.get(path) or (folders.get(path) if file.kind != "folder" else None)
            if first is not None:
                clashes.append((path, first))
            (folders if file.kind == "folder" else files).setdefault(path, place)
        if clashes:
            path, first = clashes[0]
            hint = "give them different targets, or leave it out of one with `ignore`"
            problems.add(place, f"two uploads write `{path}`", hint, note("the other one is here", first))


def _refuse_read_only(
    uploads: Iterable[tuple[Upload, Mapping]], read_only: abc.Mapping[str, bool], problems: Problems
) -> None:
    if not any(read_only.values()):
        return
    for upload, node in uploads:
        paths = (posixpath.join(upload.target, file.path).rstrip("/") for file in upload.files)
        over = (max((m for m in read_only if f"{path}/".startswith(f"{m}/")), key=len, default="") for path in paths)
        if closed := next((mount for mount in over if read_only.get(mount)), ""):
            summary = f"nothing can be uploaded to `{upload.target}`, because `{closed}` is mounted read-only"
            hint = "put the files into what is mounted there, or choose another target"
            problems.add(node.values["target"], summary, hint)


def _parents(path: str) -> list[str]:
    parts = path.strip("/").split("/")
    return ["/" + "/".join(parts[:count]) for count in range(1, len(parts))]
