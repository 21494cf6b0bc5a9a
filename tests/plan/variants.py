"""Values of every field of a sandbox, to draw from: the first is no default, and all of them are valid together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexusctl.model.secret import SecretFile, SecretText, SecretUse
from nexusctl.model.stack import Health, Lifecycle, Mount, Port, Resources, Ulimit
from nexusctl.model.uploads_and_packages import Package, PackageSet, Reaction, Upload, UploadFile

# The last one's registry does not answer; the template of that image knows how to make it.
BASE, OTHER, REMOTE = "debian:12", "alpine:3", "registry.example/team/app:1"


def _file(path: str, digest: str = "d1", mode: int = 0o644) -> UploadFile:
    return UploadFile(path=path, digest=digest, mode=mode)


def _folder(path: str, mode: int = 0o755) -> UploadFile:
    return UploadFile(path=path, digest="", mode=mode, kind="folder")


def _link(path: str, to: str) -> UploadFile:
    return UploadFile(path=path, digest="", mode=0o777, kind="link", link=to)


def _token(digest: str) -> SecretText:
    return SecretText(parts=("t-", SecretUse(secret="token", digest=digest)))


def _secret(name: str, digest: str) -> SecretFile:
    return SecretFile(secret=name, name=name, digest=digest)


_TREE = (_folder(""), _file("a"), _folder("deep"), _file("deep/b"), _link("l", "a"))
_LESS = (_folder("", 0o700), _file("a", "d2"), _link("l", "deep"))

EITHER: Mapping[str, tuple[Any, ...]] = {
    "image": (OTHER,),
    "template": ("node",),
    "command": (("sleep", "1"), ("sh", "-c", "true"), ()),
    "working_dir": ("/app",),
    "user": ("1000:1000", "node"),
    "env": ({"A": "1"}, {"A": "2"}, {"B": "", "A": "1"}, {"A": _token("d1")}, {"A": _token("d2")}),
    "packages": (
        (PackageSet(manager="npm", packages=(Package(name="ms"),)),),
        (PackageSet(manager="npm", packages=(Package(name="ms", version="2"), Package(name="pg"))),),
        (PackageSet(manager="npm", packages=(Package(name="ms"),), ignore_scripts=True, omit=("dev", "peer")),),
        (PackageSet(manager="pip", lock_name="r.txt", lock_files=(_file("r.txt"),)),),
    ),
    "uploads": (
        (Upload(target="/x", files=(_file(""),)),),
        (Upload(target="/x", files=(_file("", "d2", 0o755),), owner="node"),),
        (Upload(target="/srv", files=_TREE), Upload(target="/x", files=(_file(""),))),
        (Upload(target="/srv", files=_LESS),),
        (Upload(target="/x", files=(_file("", "d3"),), on_change=Reaction(restart=True)),),
        (
            Upload(target="/x", files=(_file("", "d4"),), on_change=Reaction(signal="HUP")),
            Upload(target="/srv", files=_TREE, on_change=Reaction(command=("true",))),
        ),
        (Upload(target="/srv", files=_TREE), Upload(target="/srv/deep/c", files=(_file("", "d2"),))),
        (Upload(target="/x", files=(_file("", "d2"),), on_change=Reaction(restart=True)),),
        (Upload(target="/x", files=(_file("", "d3"),), on_change=Reaction(signal="SIGHUP")),),
        (
            Upload(target="/srv", files=_TREE, on_change=Reaction(command=("true",))),
            Upload(target="/x", files=(_file("", "d3"),), on_change=Reaction(restart=True)),
        ),
    ),
    "mounts": (
        (Mount(kind="volume", source="data", target="/data"),),
        (Mount(kind="volume", source="data", target="/data", read_only=True),),
        (Mount(kind="anonymous", source="", target="/own"),),
        (Mount(kind="anonymous", source="", target="/own"), Mount(kind="volume", source="data", target="/brought")),
        (Mount(kind="bind", source="/host", target="/mnt"), Mount(kind="volume", source="cache", target="/c")),
        (Mount(kind="bind", source="/host/deep/part", target="/mnt", read_only=True),),
        (Mount(kind="bind", source="/host/./deep", target="/part"),),
        (Mount(kind="volume", source="cache", target="/cache"),),
    ),
    "aliases": ({"default": ("one",)}, {"default": ("one", "two")}),
    "networks": ((), ("back",), ("back", "default"), ("default", "shared"), ("shared",)),
    "resources": (
        Resources(memory=2**26),
        Resources(cpus=0.5, pids=64),
        Resources(memory=2**27, storage=2**30),
        Resources(storage=2**31),
    ),
    "pre_stop": ("true", "sync"),
    "artifacts": (("/report",), ("/app/out.xml", "/report")),
    "stop_grace_period": (30, 0),
    "stop_signal": ("SIGINT", "3"),
    "cap_add": (("NET_RAW",), ("MKNOD", "NET_RAW")),
    "cap_drop": (("ALL",), ("KILL",)),
    "hostname": ("web", "db.example"),
    "read_only": (True,),
    "dns": (("192.0.2.53",), ("192.0.2.54", "192.0.2.53")),
    "extra_hosts": (("db:192.0.2.1",), ("db:192.0.2.2", "web:::1")),
    "ulimits": ({"nofile": Ulimit(soft=9, hard=9)}, {"core": Ulimit(soft=0, hard=-1)}),
    "shm_size": (2**27, 2**28),
    "tmpfs": ({"/fast": ""}, {"/fast": "size=1m", "/faster": ""}),
    "timeout": (60, 3600),
    "idle_timeout": (60, 3600),
    "keep_until": (1_800_000_000, 1_900_000_000),
    "on_expire": ("pause", "destroy"),
    "shares": (("volume:data",), ("network:back", "volume:data")),
    "metadata": ({"team": "x"}, {"team": "y", "of": ""}),
    "lifecycle": (
        Lifecycle(ignore=("metadata",)),
        Lifecycle(ignore=("resources.memory", "restart")),
        Lifecycle(ignore=("env.A", "uploads./x")),
        Lifecycle(ignore=("uploads", "resources", "env")),
        Lifecycle(ignore=("networks", "packages.npm.ms")),
        Lifecycle(ignore=("ports",)),
        Lifecycle(prevent_destroy=True),
        Lifecycle(prevent_destroy=True, ignore=("image", "command")),
    ),
}
"""For services and tasks alike."""

SERVICE: Mapping[str, tuple[Any, ...]] = {
    "secrets": ((_secret("token", "d1"),), (_secret("token", "d2"), _secret("key", "d1"))),
    "startup": ("true", "echo"),
    "health": (Health(tcp_port=80), Health(http_port=80, retries=3), Health(command=("true",), interval=1.0)),
    "ports": (
        (Port(container=80),),
        (Port(container=80), Port(container=81, protocol="udp")),
        (Port(container=80), Port(container=80, address="0.0.0.0")),
    ),
    "on_replace": ("preserve",),
    "start_timeout": (30, 600),
    "restart": ("always", "on-failure", "unless-stopped"),
    "state": ("stopped", "paused"),
}

TASK: Mapping[str, tuple[Any, ...]] = {"run": ("once", "always")}

STRUCTURE = ("name", "group", "kind", "depends_on", "image_health")
"""What only a whole stack can say about its sandboxes; host ports are given out by it, too.

Without a health check in an image there is nothing to switch off, and nothing changes.
"""
