"""`import stack` makes the file anew: every field of the schema comes back, stands as its value, or is listed."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from nexusctl.api.importing.importing import write
from nexusctl.config.load import load, load_template
from nexusctl.importers.draft.draft import Draft
from nexusctl.importers.live.stack import find_wanted, read_recorded
from nexusctl.model.env_file_text import put_back
from nexusctl.model.record import decode, encode
from nexusctl.model.stack import Sandbox, Stack
from tests.docs.fields import Schema, walk
from tests.docs.pages import ROOT

FILES = {
    "src/a": "a", "src/b": "b", "one": "1", "some.env": "A=b\n", "part.yaml": "sandboxes: {b: {image: i}}\n",
    "requirements.txt": "flask==3.0.0\n", "folder/x": "x", "package.json": "{}", "package-lock.json": "{}",
    "pnpm-lock.yaml": "lockfileVersion: '9.0'\nimporters:\n  .: {}\n",
    "pyproject.toml": '[project]\nname = "x"\nversion = "1"\n',
    "uv.lock": 'version = 1\nrequires-python = ">=3.9"\n',
}  # fmt: skip

ONE = {"source": "one", "target": "/x"}
TREE = {"source": "src", "target": "/srv"}
HTTP = {"port": 80, "path": "/up"}
# What a sandbox says so that the field at this path is said, and differs from its default.
WRITTEN: Mapping[str, Any] = {
    "image": {"image": "other:1"},
    "template": {"template": "node"},
    "kind": {"kind": "task"},
    "run": {"kind": "task", "run": "always"},
    "command": {"command": "sleep 1"},
    "working_dir": {"working_dir": "/app"},
    "user": {"user": "node"},
    "env": {"env": {"A": "b"}},
    "packages": {"packages": {"pip": ["flask==3.0.0"]}},
    "packages.npm": {"packages": {"npm": ["ms@2"]}},
    "packages.npm[].name": {"packages": {"npm": [{"name": "ms"}]}},
    "packages.npm[].version": {"packages": {"npm": [{"name": "ms", "version": "2"}]}},
    "packages.npm.packages": {"packages": {"npm": {"packages": ["ms@2"]}}},
    "packages.npm.packages[].name": {"packages": {"npm": {"packages": [{"name": "ms"}]}}},
    "packages.npm.packages[].version": {"packages": {"npm": {"packages": [{"name": "ms", "version": "2"}]}}},
    "packages.npm.ignore_scripts": {"packages": {"npm": {"packages": ["ms"], "ignore_scripts": True}}},
    "packages.npm.omit": {
        "working_dir": "/app",
        "packages": {"npm": {"from": "package-lock.json", "omit": ["peer", "dev"]}},
    },
    "packages.pip": {"packages": {"pip": ["flask"]}},
    "packages.pip[].name": {"packages": {"pip": [{"name": "flask"}]}},
    "packages.pip[].version": {"packages": {"pip": [{"name": "flask", "version": "==3.0.0"}]}},
    "packages.pnpm": {"packages": {"pnpm": ["ms@2"]}},
    "packages.pnpm[].name": {"packages": {"pnpm": [{"name": "ms"}]}},
    "packages.pnpm[].version": {"packages": {"pnpm": [{"name": "ms", "version": "2"}]}},
    "packages.pnpm.packages": {"packages": {"pnpm": {"packages": ["ms@2"]}}},
    "packages.pnpm.packages[].name": {"packages": {"pnpm": {"packages": [{"name": "ms"}]}}},
    "packages.pnpm.packages[].version": {"packages": {"pnpm": {"packages": [{"name": "ms", "version": "2"}]}}},
    "packages.pnpm.ignore_scripts": {"packages": {"pnpm": {"packages": ["ms"], "ignore_scripts": True}}},
    "packages.pnpm.from": {"working_dir": "/app", "packages": {"pnpm": {"from": "pnpm-lock.yaml"}}},
    "packages.uv.from": {"working_dir": "/app", "packages": {"uv": {"from": "uv.lock"}}},
    "packages.uv": {"packages": {"uv": ["flask"]}},
    "packages.uv[].name": {"packages": {"uv": [{"name": "flask"}]}},
    "packages.uv[].version": {"packages": {"uv": [{"name": "flask", "version": "==3.0.0"}]}},
    "packages.apt": {"packages": {"apt": ["jq"]}},
    "packages.apt[].name": {"packages": {"apt": [{"name": "jq"}]}},
    "packages.apt[].version": {"packages": {"apt": [{"name": "jq", "version": "1.6"}]}},
    "packages[].name": {"template": "node", "packages": [{"name": "ms"}]},
    "packages[].version": {"template": "node", "packages": [{"name": "ms", "version": "2"}]},
    "uploads": {"uploads": [TREE]},
    "uploads[].target": {"uploads": [ONE]},
    "uploads[].mode": {"uploads": [{**ONE, "mode": "0600"}]},
    "uploads[].owner": {"uploads": [{**ONE, "owner": "node"}]},
    "uploads[].ignore": {"uploads": [{**TREE, "ignore": ["b"]}]},
    "uploads[].on_change": {"uploads": [{**ONE, "on_change": "restart"}]},
    "uploads[].on_change.signal": {"uploads": [{**ONE, "on_change": {"signal": "HUP"}}]},
    "uploads[].on_change.exec": {"uploads": [{**ONE, "on_change": {"exec": "nginx -s reload"}}]},
    "startup": {"startup": "true"},
    "depends_on": {"depends_on": ["other"]},
    "depends_on.NAME.condition": {"depends_on": {"other": {"condition": "healthy"}}},
    "depends_on.NAME.required": {"depends_on": {"other": {"condition": "started", "required": False}}},
    "depends_on.NAME.restart": {"depends_on": {"other": {"condition": "started", "restart": True}}},
    "health": {"health": {"command": "true"}},
    "health.command": {"health": {"command": ["true", "x"]}},
    "health.http": {"health": {"http": HTTP}},
    "health.http.port": {"health": {"http": {"port": 81}}},
    "health.http.path": {"health": {"http": HTTP}},
    "health.tcp": {"health": {"tcp": 80}},
    **{f"health.{name}": {"health": {"tcp": 80, name: 7}} for name in ("interval", "timeout", "retries")},
    "health.start_period": {"health": {"tcp": 80, "start_period": "7s"}},
    "ports": {"ports": [80]},
    "ports[].container": {"ports": [{"container": 80}]},
    "ports[].host": {"ports": [{"container": 80, "host": 8080}]},
    "ports[].address": {"ports": [{"container": 80, "address": "0.0.0.0"}]},
    "ports[].protocol": {"ports": [{"container": 80, "protocol": "udp"}]},
    "volumes": {"volumes": ["data:/data"]},
    "volumes[].volume": {"volumes": [{"volume": "data", "target": "/data"}]},
    "volumes[].bind": {"volumes": [{"bind": "./folder", "target": "/data"}]},
    "volumes[].target": {"volumes": [{"volume": "data", "target": "/other"}]},
    "volumes[].read_only": {"volumes": [{"volume": "data", "target": "/data", "read_only": True}]},
    "networks": {"networks": ["back"]},
    "networks.NAME.aliases": {"networks": {"back": {"aliases": ["one"]}}},
    "resources": {"resources": {"memory": "64m"}},
    "resources.cpus": {"resources": {"cpus": 0.5}},
    "resources.memory": {"resources": {"memory": "65m"}},
    "resources.pids": {"resources": {"pids": 64}},
    "resources.storage": {"resources": {"storage": "5m"}},
    "restart": {"restart": "always"},
    "state": {"state": "stopped"},
    "artifacts": {"artifacts": ["/report"]},
    "stop_grace_period": {"stop_grace_period": "30s"},
    "stop_signal": {"stop_signal": "SIGINT"},
    "pre_stop": {"pre_stop": "true"},
    "cap_add": {"cap_add": ["NET_RAW"]},
    "cap_drop": {"cap_drop": ["KILL"]},
    "hostname": {"hostname": "web"},
    "read_only": {"read_only": True},
    "tmpfs": {"tmpfs": ["/fast:size=1m"]},
    "shm_size": {"shm_size": "65m"},
    "ulimits": {"ulimits": {"nofile": 1024}},
    "ulimits.NAME.soft": {"ulimits": {"nofile": {"soft": 1, "hard": 2}}},
    "ulimits.NAME.hard": {"ulimits": {"nofile": {"soft": 1, "hard": -1}}},
    "extra_hosts": {"extra_hosts": {"db": "192.0.2.1"}},
    "dns": {"dns": ["192.0.2.53"]},
    "on_replace": {"on_replace": "preserve"},
    "start_timeout": {"health": {"tcp": 80}, "start_timeout": "30s"},
    "timeout": {"timeout": "2h"},
    "idle_timeout": {"idle_timeout": "2h"},
    "keep_until": {"keep_until": "2099-01-31 18:00:00Z"},
    "on_expire": {"on_expire": "destroy"},
    "metadata": {"metadata": {"team": "x"}},
    "lifecycle": {"lifecycle": {"prevent_destroy": True}},
    "lifecycle.prevent_destroy": {"lifecycle": {"prevent_destroy": True}},
    "lifecycle.ignore": {"lifecycle": {"ignore": ["env"]}},
    "replicas": {"replicas": 2},
    "for_each": {"for_each": ["x", "y"]},
    # What these bring stands there itself.
    "env_file": {"env_file": ["some.env"]},
    "uploads[].source": {"uploads": [ONE]},
    "uploads[].content": {"uploads": [{"content": "hello", "target": "/x"}]},
    "packages.pip.from": {"working_dir": "/app", "packages": {"pip": {"from": "requirements.txt"}}},
    "secrets": {"secrets": ["pin"]},
    "secrets[].secret": {"secrets": [{"secret": "pin", "target": "other"}]},
    "secrets[].target": {"secrets": [{"secret": "pin", "target": "other"}]},
}

# The same for the whole file.
OF_THE_STACK: Mapping[str, Any] = {
    "name": {"name": "another"},
    "volumes": {"volumes": {"data": None}},
    "networks": {"networks": {"back": None}},
    "networks.NAME.internal": {"networks": {"back": {"internal": True}}},
    "networks.NAME.enable_ipv6": {"networks": {"back": {"enable_ipv6": True}}},
    "networks.NAME.subnet": {"networks": {"back": {"subnet": "10.9.8.0/24"}}},
    "networks.NAME.gateway": {"networks": {"back": {"subnet": "10.9.8.0/24", "gateway": "10.9.8.7"}}},
    "networks.NAME.ip_range": {"networks": {"back": {"subnet": "10.9.8.0/24", "ip_range": "10.9.8.128/25"}}},
    "networks.NAME.labels": {"networks": {"back": {"labels": {"team": "x"}}}},
    "volumes.NAME.driver": {"volumes": {"data": {"driver": "other"}}},
    "volumes.NAME.driver_opts": {"volumes": {"data": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}}}},
    "volumes.NAME.labels": {"volumes": {"data": {"labels": {"team": "x"}}}},
    "networks.NAME.shared": {"networks": {"back": {"shared": True}}},
    "volumes.NAME.shared": {"volumes": {"data": {"shared": True}}},
    "defaults": {"defaults": {"resources": {"memory": "66m"}}},
    "include": {"include": ["part.yaml"]},
    "variables": {"variables": {"x": {"default": "1"}}},
    **{f"variables.NAME.{key}": {"variables": {"x": {"default": "1", key: value}}} for key, value in {
        "type": "string", "default": "2", "description": "d", "allowed": ["1"], "pattern": "1",
    }.items()},
}  # fmt: skip

# By the words in the list that tells of it.
LISTED: Mapping[str, str] = {
    "outputs": "outputs", **{f"outputs.NAME.{key}": "outputs" for key in ("value", "description", "sensitive")},
    "profiles": "profiles",
}  # fmt: skip

# Where a test with an engine, a repository or secrets holds it, or where there is nothing to hold.
ELSEWHERE: Mapping[str, str] = {
    "version": "says nothing of a stack",
    "with": "test_stack.py: what a template was given stands as what it brought",
    **{f"template.{key}": "test_stack.py" for key in ("git", "commit", "path")},
    "variables.NAME.sensitive": "test_stack.py",
    **dict.fromkeys(("volumes.NAME.external", "networks.NAME.external"), "test_stack.py"),
    "secrets": "test_stack.py: each is listed, and a variable of the environment stands for it",
    **{f"secrets.NAME.{key}": "as `secrets`" for key in (
        "env", "file", "age", "vault", "command", "keyring", "key", "mount", "address", "namespace", "timeout", "trim",
    )},
    "packages.npm.from": "test_stack.py",
    "packages.apt.from": "apt knows no lock files",
    **dict.fromkeys(("moved", "moved[].from", "moved[].to"), "what has moved is called by its new name"),
    "uploads[].outside": "the source lies beside the new file",
    "volumes[].host_access": "test_nothing_lost.py",
}  # fmt: skip


def schema() -> Schema:
    found: Schema = json.loads((ROOT / "schemas" / "stack.schema.json").read_text())
    return found


def test_every_field_of_the_schema_has_a_place() -> None:
    whole = schema()
    sandbox = {path for path, _ in walk(whole, whole["$defs"]["sandbox"]["properties"], "")}
    rest = {key: value for key, value in whole["properties"].items() if key != "sandboxes"}
    stack = {path for path, _ in walk(whole, rest, "")}
    assert sandbox - WRITTEN.keys() - LISTED.keys() - ELSEWHERE.keys() == set()
    assert stack - OF_THE_STACK.keys() - LISTED.keys() - ELSEWHERE.keys() == set()
    assert {*WRITTEN, *OF_THE_STACK, *LISTED, *ELSEWHERE} - sandbox - stack == set(), "none that there is not"


@pytest.mark.parametrize("path", WRITTEN)
def test_what_a_sandbox_says_comes_back(path: str, tmp_path: Path) -> None:
    before, after, _ = make_anew(tmp_path, document(WRITTEN[path]))
    plain = load_document(tmp_path / "plain", document({}))
    assert everything(before) != everything(plain), "the sample says nothing"
    assert everything(after) == everything(before)


@pytest.mark.parametrize("path", OF_THE_STACK)
def test_what_the_stack_says_comes_back_or_stands_as_its_value(path: str, tmp_path: Path) -> None:
    before, after, _ = make_anew(
        tmp_path, {**document({"env": {"A": "b"}, "networks": ["back"]}), **OF_THE_STACK[path]}
    )
    assert everything(after) == everything(before)


@pytest.mark.parametrize("path", LISTED)
def test_what_no_record_has_is_listed(path: str, tmp_path: Path) -> None:
    _, _, draft = make_anew(tmp_path, document({}))
    assert any(LISTED[path] in leftover.what for leftover in draft.leftovers)


def document(said: Any) -> dict[str, Any]:
    first = {"image": "i", **copy.deepcopy(said)}
    if "template" in first:
        del first["image"]
    return {
        "name": "shop",
        "volumes": {"data": None},
        "networks": {"back": None},
        "secrets": {"pin": {"env": "PIN"}},
        "sandboxes": {"a": first, "other": {"image": "i", "health": {"tcp": 80}}},
    }


def load_document(folder: Path, said: Any) -> Stack:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    (folder / "nexus.yaml").write_text(json.dumps(said))
    return load(folder / "nexus.yaml")


def make_anew(folder: Path, said: Any) -> tuple[Stack, Stack, Draft]:
    """The stack of a file, that of the file which is made of its records, and the draft of that."""
    before = load_document(folder / "before", said)
    recorded = replace(
        before,
        sandboxes={name: record(sandbox) for name, sandbox in before.sandboxes.items()},
        templates={}, outputs={}, secrets={}, inactive=(), sensitive=frozenset(),
    )  # fmt: skip
    contents = {place: read(before.sandboxes[place[0]], place[1]) for place in find_wanted(recorded)}
    templates = {name: load_template(name) for name in {s.template for s in recorded.sandboxes.values()} if name}
    draft = read_recorded(recorded, templates, contents)
    (folder / "after").mkdir()
    # A folder of this host is named as it was.
    write(draft, folder / "after" / "nexus.yaml")
    return before, load(folder / "after" / "nexus.yaml"), draft


def record(sandbox: Sandbox) -> Sandbox:
    """What an engine tells of it: the record, with the values of env files that the container has."""
    kept = decode(encode(sandbox))
    return replace(kept, env=put_back(kept.env, {k: v for k, v in sandbox.env.items() if isinstance(v, str)}))


def read(sandbox: Sandbox, place: str) -> tuple[bytes, str]:
    """What lies at `place` in the sandbox once it is made."""
    for upload in sandbox.uploads:
        for file in upload.files:
            if place == (f"{upload.target}/{file.path}" if file.path else upload.target):
                path = Path(upload.source or "") / file.path if file.path else Path(upload.source or "")
                data = upload.content.encode() if upload.content is not None else path.read_bytes()
                return data, hashlib.sha256(data).hexdigest()
    data = FILES[place.rpartition("/")[2]].encode()
    return data, hashlib.sha256(data).hexdigest()


def everything(stack: Stack) -> Any:
    """All of a stack but where its files lie on this machine."""
    sandboxes = {name: without_places(asdict(sandbox)) for name, sandbox in sorted(stack.sandboxes.items())}
    networks = {name: asdict(network) for name, network in stack.networks.items() if used(stack, name)}
    volumes = {name: asdict(volume) for name, volume in stack.volumes.items()}
    return stack.name, sandboxes, networks, volumes


def used(stack: Stack, network: str) -> bool:
    return any(network in sandbox.networks for sandbox in stack.sandboxes.values())


def without_places(value: Any) -> Any:
    if isinstance(value, dict):
        left = {"content", "lock_folder", "lock_texts", "real", *(["source"] if "files" in value else [])}
        return {key: without_places(item) for key, item in value.items() if key not in left}
    if isinstance(value, list | tuple):
        return [without_places(item) for item in value]
    return value
