"""What installs have to know of this machine: CA bundle, proxies, package indexes. Pure but for `host_trust`.

A builder gets it for the time of a command only: the variables go with the exec and the files lie in /dev, which
is no part of an image.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.late_regex import late_regex
from nexusctl.packages import MANAGERS
from nexusctl.packages.base import SettingsFile

FOLDER = "/dev/nexusctl"
"""A folder in a tmpfs that every container has."""

BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
"""The variables that name a whole bundle, the first that is set counts for all tools."""

SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep the bundle that their tools trust when no variable says otherwise."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_INDEX_NAME = late_regex(r"\A[\w.-]+=(?=https?://)")
_USER = late_regex(r"(?<=://)[^/\s]*@")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

Read = Callable[[str], bytes | None]
"""The content of a file of this machine, None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTrust:
    """`env` is for the commands of a builder, `files` are what it names, by their path there.

    `loopback` says that a proxy or an index is on this machine itself, out of a private network's reach.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    loopback: bool = False

    @property
    def open(self) -> HostTrust:
        """What code of strangers may see of it: no password and no token.

        A proxy of this machine itself is left out, for it is out of their reach. An index stays, even so: another
        one in its place might have other packages under the same names.
        """
        env = {name: value for name, value in _without_users(self.env).items() if not _is_local_proxy(name, value)}
        return HostTrust(env=env, files={path: _without_secrets(data, path) for path, data in self.files.items()})

    @property
    def secret(self) -> bool:
        """Whether there is a password or a token in it."""
        files = {path: _without_secrets(data, path) for path, data in self.files.items()}
        return replace(self, env=_without_users(self.env), files=files) != self

    @property
    def secret_proxy(self) -> bool:
        """Whether a proxy asks for a password."""
        proxies = {name: value for name, value in self.env.items() if _is_proxy(name)}
        return _without_users(proxies) != proxies


def host_trust() -> HostTrust:
    """The settings of this process and this machine."""
    return read_trust(os.environ, _read)


def _read(path: str) -> bytes | None:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError:
        return None


def read_trust(environ: Mapping[str, str], read: Read) -> HostTrust:
    """The settings in `environ`, in the managers' own files and in the system's bundle."""
    told = {file.home: dict(_read_settings(file, environ, read)) for file in _settings_files().values()}
    bundles = [told[file.home].pop(file.bundle, "") for file in _settings_files().values()]
    bundle = _bundle(environ, bundles, read)
    env = {**dict(_proxies(environ)), **dict(_indexes(environ))}
    files: dict[str, bytes] = {}
    if bundle:
        files[f"{FOLDER}/ca.pem"] = bundle
        env |= dict.fromkeys((*BUNDLES, "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"), f"{FOLDER}/ca.pem")
    # Node's variable names what is trusted besides its own list: a few certificates more often than a bundle.
    extra = read(environ["NODE_EXTRA_CA_CERTS"]) if environ.get("NODE_EXTRA_CA_CERTS") else None
    if extra and extra != bundle:
        files[f"{FOLDER}/node-ca.pem"] = extra
        env["NODE_EXTRA_CA_CERTS"] = f"{FOLDER}/node-ca.pem"
    for path, file in _settings_files().items():
        if values := told[file.home]:
            files[path] = "".join(f"{key}={value}\n" for key, value in values.items()).encode()
            env[file.variables[0]] = path
    addresses = [value for name, value in env.items() if name.lower() != "no_proxy"]
    addresses += [value for values in told.values() for value in values.values()]
    return HostTrust(env=env, files=files, loopback=any(_is_loopback(value) for value in addresses))


def is_private(path: str) -> bool:
    """Whether a file of a trust may hold a secret, for a manager's eyes only."""
    return path in _settings_files()


@cache
def _settings_files() -> Mapping[str, SettingsFile]:
    """The managers' own files, by where each lies in a builder; some managers share one."""
    files = (manager.settings_file for manager in MANAGERS.values())
    return {f"{FOLDER}/{file.home.lstrip('.')}": file for file in files if file}


def _bundle(environ: Mapping[str, str], told: Iterable[str], read: Read) -> bytes | None:
    named = [environ[name] for name in BUNDLES if environ.get(name)]
    contents = (read(path) for path in (*named, *told, *SYSTEM_BUNDLES) if path)
    return next((content for content in contents if content), None)


def _proxies(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Tools differ in which spelling they read, so both are given."""
    for name in _PROXIES:
        if value := environ.get(name.lower()) or environ.get(name):
            yield name, value
            yield name.lower(), value


def _indexes(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What managers read of the environment about their indexes."""
    for manager in MANAGERS.values():
        spelled = {manager.spell(name): value for name, value in environ.items() if value}
        for name in manager.index_addresses:
            if usable := _over_the_net(re.split(r"[\s,]+", spelled.get(name, ""))):
                yield name, " ".join(usable)
        for name in manager.index_options:
            if value := spelled.get(name):
                yield name, value


def _over_the_net(addresses: Iterable[str]) -> list[str]:
    """Folders of this machine do not exist in a builder; a name that uv lets an index have says nothing there."""
    plain = (_INDEX_NAME.sub("", address) for address in addresses)
    return [address for address in plain if address.startswith(("http://", "https://"))]


def _read_settings(file: SettingsFile, environ: Mapping[str, str], read: Read) -> Iterator[tuple[str, str]]:
    """What the user's own file says about indexes, with what they ask for."""
    path = next((environ[name] for name in file.variables if environ.get(name)), "")
    path = path or (f"{environ['HOME']}/{file.home}" if environ.get("HOME") else "")
    text = (read(path) if path else None) or b""
    for line in text.decode(errors="replace").splitlines():
        key, equals, value = (part.strip() for part in line.partition("="))
        if equals and file.kept.fullmatch(key):
            yield key, _expand(value.strip("\"'"), environ)


def _expand(value: str, environ: Mapping[str, str]) -> str:
    """`${NAME}` as such a file may have it."""
    return re.sub(r"\$\{([^}]+)\}", lambda match: environ.get(match[1], match[0]), value)


def _is_proxy(name: str) -> bool:
    return name.upper() in _PROXIES and name.upper() != "NO_PROXY"


def _is_local_proxy(name: str, value: str) -> bool:
    return _is_proxy(name) and _is_loopback(value if "://" in value else f"//{value}")


def _without_users(env: Mapping[str, str]) -> dict[str, str]:
    return {name: _without_user(value, bare=_is_proxy(name)) for name, value in env.items()}


def _without_user(text: str, *, bare: bool = False) -> str:
    """`text` with no name and no password in its addresses; `bare` ones may lack a scheme."""
    if bare and "://" not in text:
        return text.rpartition("@")[2]
    return _USER.sub("", text)


def _without_secrets(content: bytes, path: str) -> bytes:
    file = _settings_files().get(path)
    if file is None:
        return content
    text = "".join(line for line in content.decode().splitlines(keepends=True) if not file.secret.fullmatch(line))
    return _without_user(text).encode()


def _is_loopback(value: str) -> bool:
    try:
        return any(urlsplit(part).hostname in _LOOPBACK for part in value.split() if "//" in part)
    except ValueError:
        return False
