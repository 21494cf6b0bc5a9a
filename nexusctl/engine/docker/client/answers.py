"""What we take from the engine's answers, by the path of the call: anything else is no answer of an engine.

Only what is read somewhere is named, so a newer engine may say more. None as a value stands for an absent one, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = Any
"""A type, `[shape]` for a list, `{name: shape}` for an object with these, `Each(shape)`, or `Maybe(shape)`."""


class Maybe:
    """A value that may be null or absent."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


class Null:
    """A value that may be null, where the engine always says one of both."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


class Each:
    """An object in which every value has this shape."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


_LABELS = Null(Each(str))
_MAPPING = Maybe(Each(str))
_TEXTS = Maybe([str])
_NAMES = Null([str])
_MOUNTS = Maybe([{"Type": str, "Destination": str, "Name": Maybe(str), "Source": Maybe(str), "RW": Maybe(bool)}])
_NETWORKS = Maybe({"Networks": Maybe(Each(Maybe({"NetworkID": Maybe(str), "Aliases": _TEXTS, "DNSNames": _TEXTS})))})
_VOLUME = {"Name": str, "Labels": _LABELS, "Driver": Maybe(str), "Options": _MAPPING}
_NETWORK = {
    "Name": str,
    "Id": str,
    "Labels": _LABELS,
    "Internal": Maybe(bool),
    "EnableIPv6": Maybe(bool),
    "Options": _MAPPING,
    "IPAM": Maybe({"Config": Maybe([{"Subnet": Maybe(str), "Gateway": Maybe(str), "IPRange": Maybe(str)}])}),
}
_STATE = {
    "Status": str,
    "ExitCode": int,
    "Running": bool,
    "Pid": int,
    "StartedAt": str,
    "FinishedAt": str,
    "Health": Maybe({"Status": Maybe(str), "Log": Maybe([{"Output": str}])}),
}
_CONFIG = {
    "Image": str,
    "User": str,
    "WorkingDir": str,
    "Tty": bool,
    "Labels": _LABELS,
    "Env": _TEXTS,
    "Cmd": _TEXTS,
    "Entrypoint": _TEXTS,
}
_IMAGE_CONFIG = {
    "User": Maybe(str),
    "WorkingDir": Maybe(str),
    "Labels": _MAPPING,
    "Env": _TEXTS,
    "Cmd": _TEXTS,
    "Entrypoint": _TEXTS,
}
_NUMBER = Maybe(int)
# Nothing at all is answered for what is removed meanwhile.
_USAGE = {
    "memory_stats": Maybe(
        {
            "usage": _NUMBER,
            "limit": _NUMBER,
            "stats": Maybe({"inactive_file": _NUMBER, "total_inactive_file": _NUMBER}),
        }
    ),
    "cpu_stats": Maybe(
        {
            "cpu_usage": Maybe({"total_usage": _NUMBER, "percpu_usage": Maybe([int])}),
            "system_cpu_usage": _NUMBER,
            "online_cpus": _NUMBER,
        }
    ),
    "pids_stats": Maybe({"current": _NUMBER}),
    "networks": Maybe(Each({"rx_bytes": _NUMBER, "tx_bytes": _NUMBER})),
    "blkio_stats": Maybe({"io_service_bytes_recursive": Maybe([{"op": Maybe(str), "value": _NUMBER}])}),
}
_CONTAINER = {
    "Id": str,
    "Created": Maybe(str),
    "Image": str,
    "Name": Maybe(str),
    "RestartCount": Maybe(int),
    "Config": _CONFIG,
    "State": _STATE,
    "HostConfig": {"RestartPolicy": Maybe({"Name": Maybe(str)}), "Tmpfs": _MAPPING},
    "Mounts": _MOUNTS,
    "NetworkSettings": _NETWORKS,
    "SizeRw": Maybe(int),
    "HostsPath": Maybe(str),
    "HostnamePath": Maybe(str),
    "ResolvConfPath": Maybe(str),
}
_LISTED_CONTAINER = {
    "Id": str,
    "Names": _NAMES,
    "State": str,
    "Status": str,
    "Created": int,
    "Image": str,
    "ImageID": str,
    "HostConfig": Maybe({"NetworkMode": Maybe(str)}),
    "Labels": _LABELS,
    "Ports": Null([{"PrivatePort": int, "PublicPort": Maybe(int), "Type": str, "IP": Maybe(str)}]),
    "Mounts": _MOUNTS,
    "NetworkSettings": _NETWORKS,
    "SizeRw": Maybe(int),
}
_IMAGE = {"Id": str, "RepoTags": _NAMES, "RepoDigests": _NAMES}

SHAPES: Mapping[str, Shape] = {
    "GET /containers/json": [_LISTED_CONTAINER],
    "GET /containers/*/json": _CONTAINER,
    "GET /containers/*/stats": Maybe(_USAGE),
    "GET /containers/*/top": {"Titles": Maybe([str]), "Processes": Maybe([[str]])},
    "GET /containers/*/changes": Maybe([{"Path": str, "Kind": int}]),
    "GET /networks": [_NETWORK],
    "GET /networks/*": _NETWORK,
    "GET /volumes": {"Volumes": Null([_VOLUME])},
    "GET /volumes/*": _VOLUME,
    "GET /system/df": {"Volumes": Maybe([{"Name": str, "UsageData": Maybe({"Size": Maybe(int)})}])},
    "GET /images/json": [{**_IMAGE, "Labels": _LABELS, "Created": Maybe(int)}],
    "GET /images/*/json": {**_IMAGE, "Config": Null(_IMAGE_CONFIG)},
    "GET /exec/*/json": {"ExitCode": Null(int), "Running": bool, "Pid": int},
    "GET /version": {},
    "GET /info": {},
    "POST /containers/create": {"Id": str},
    "POST /networks/create": {"Id": str},
    "POST /containers/*/exec": {"Id": str},
    "POST /volumes/create": _VOLUME,
}
"""By the call; a star is an id or a name, which may have slashes where it is an image's."""


def find_fault(method: str, path: str, answer: Any) -> str:
    """What is wrong with `answer` to that call, empty for nothing."""
    shape = SHAPES.get(_name(method, path))
    return "" if shape is None else _find(shape, answer)


def _name(method: str, path: str) -> str:
    call = f"{method} {path}"
    if call in SHAPES:
        return call
    _, kind, *rest = path.split("/")
    if len(rest) < 2:
        return f"{method} /{kind}/*"
    return f"{method} /{kind}/*/{rest[-1]}" if len(rest) == 2 or kind == "images" else call


def _find(shape: Shape, value: Any) -> str:
    if isinstance(shape, Maybe | Null):
        return "" if value is None else _find(shape.shape, value)
    if isinstance(shape, type):
        fits = isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
        return "" if fits else f" is {_describe(value)}"
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f" is {_describe(value)}"
        faults = ((f"[{number}]", _find(shape[0], item)) for number, item in enumerate(value))
    elif not isinstance(value, dict):
        return f" is {_describe(value)}"
    elif isinstance(shape, Each):
        faults = ((f".{key[:80]}", _find(shape.shape, item)) for key, item in value.items())
    else:
        faults = (
            (f".{key}", " is absent" if key not in value and isinstance(inner, Null) else _find(inner, value.get(key)))
            for key, inner in shape.items()
        )
    return next((f"{place}{fault}" for place, fault in faults if fault), "")


def _describe(value: Any) -> str:
    kinds: Mapping[type, str] = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return "null or absent" if value is None else kinds.get(type(value), "a number")
