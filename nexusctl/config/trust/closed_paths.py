"""Paths of this machine that a sandbox gets only where the file says so in words: whoever has one has the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

# Whoever can write here, or reach the engine's socket, is root on this machine.
_TREES = (
    *("/etc", "/proc", "/sys", "/dev", "/boot", "/run", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/spool/cron", "/var/run"),
)
_SOCKETS = {"docker.sock", "podman.sock", "containerd.sock", "crio.sock"}
_USUAL_SOCKET = "/var/run/docker.sock"

# What lets its reader in elsewhere, relative to a home folder.
_KEYS = (
    *(".ssh", ".gnupg", ".aws/credentials", ".azure", ".config/gcloud", ".kube/config", ".docker/config.json"),
    *(".netrc", ".git-credentials", ".npmrc", ".pypirc", ".vault-token"),
)


def why_closed(path: Path) -> str:
    """Why mounting `path`, which is absolute, or what its links lead to, would hand this machine to the sandbox.

    Empty where it would not. The environment says which sockets and which home folder are the caller's.
    """
    return _judge(Path(os.path.realpath(path)), os.environ) or _judge(path, os.environ)


def _judge(path: Path, environ: Mapping[str, str]) -> str:
    if any(path.is_relative_to(tree) for tree in _TREES):
        return "it is part of the system"
    if any(Path(tree).is_relative_to(path) for tree in _TREES):
        return "it holds folders of the system"
    if path.name in _SOCKETS:
        return "it is an engine's socket"
    for socket in _sockets(environ):
        if socket.is_relative_to(path):
            return f"it holds the socket `{socket}`"
    return why_private(path, environ)


def is_closed(path: Path) -> bool:
    """Whether mounting `path`, which is absolute, or what its links lead to, would hand this machine to the sandbox."""
    return bool(why_closed(path))


def holds_socket(path: Path) -> bool:
    """Whether `path`, which is absolute, or what its links lead to, is an engine's socket or a folder with one."""
    real = Path(os.path.realpath(path))
    known = (*_sockets(os.environ), Path(os.path.realpath(_USUAL_SOCKET)))
    return real.name in _SOCKETS or any(socket.is_relative_to(real) for socket in known)


def _sockets(environ: Mapping[str, str]) -> Iterator[Path]:
    """Where the engine listens that is in use, and an agent that signs with the user's keys."""
    for name in ("DOCKER_HOST", "SSH_AUTH_SOCK"):
        given = environ.get(name, "").removeprefix("unix://")
        if given.startswith("/"):
            yield Path(os.path.realpath(given))


def why_private(path: Path, environ: Mapping[str, str] = os.environ) -> str:
    """Why `path`, which is absolute and has no links in it, is nobody's but the user's; empty where it is not."""
    home = environ.get("HOME", "")
    if home.startswith("/"):
        real = Path(os.path.realpath(home))
        if real.is_relative_to(path):
            return "it holds your home folder" if real != path else "it is your home folder"
        kept = next((key for key in _KEYS if path.is_relative_to(real / key)), "")
        if kept:
            return f"it is `~/{kept}`"
    # Somebody else's home, or a copy of one.
    kept = next((key for key in _KEYS[:1] if (path / key).is_dir()), "")
    return f"it holds keys, in `{kept}`" if kept else ""
