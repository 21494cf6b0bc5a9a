"""What other tools and first guesses write, and what to write here instead: keys by where they stand, and words."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingType

from nexusctl.model.values.did_you_mean import nearest
from nexusctl.packages import MANAGERS

# Two short words are soon alike, and what nobody wrote by a slip is not to be taken for somebody else's word.
_SHORTEST = 5
_LIKE = 0.8

_NO_NAME = "write no name: a sandbox is called as its key"
_NO_RIGHTS = "leave it out: no sandbox gets more rights than the others"
_NOT_HERE = "leave it out: nexusctl has nothing like it"
_SIZES = "write `resources: {memory: 512m}`, with the limit that you mean"
_CORES = "write `resources: {cpus: 0.5}`, with the limit that you mean"
_PROBE = "write `health`"
_LIMITS = "write `cpus` and `memory` right below `resources`: each is a limit"
_MORE_FILES = "write `uploads`"
_DEVCONTAINER = "let `nexusctl import devcontainer FILE` write the stack file"
_COMMIT = "write `commit`, with the full id: a branch or a tag can come to mean something else"
_NO_NEED = "leave it out: a variable without a `default` has to be set"
_KUBERNETES = "leave it out: a stack file has `name` and `sandboxes`, with `image`, `env` and `ports` of each"

_IGNORE_SCRIPTS = "write `npm: {packages: [...], ignore_scripts: true}`: only npm and pnpm have it"
_OMIT = "write `npm: {packages: [...], omit: [dev]}`: no other manager has it"

_STACK = {
    "apiversion": _KUBERNETES,
    "containers": "write `sandboxes`, with the name of each as its key",
    "envs": "write `env` inside of a sandbox",
    "environment": "write `env` inside of a sandbox",
    "environments": "write `env` inside of a sandbox",
    "configs": "write `uploads` inside of a sandbox",
    "extends": "write `include` for another stack file; `extends` is for templates",
    "customizations": _DEVCONTAINER,
    "features": _DEVCONTAINER,
    "forwardports": _DEVCONTAINER,
    "images": "write `image` inside of a sandbox",
    "import": "write `include`",
    "imports": "write `include`",
    "includes": "write `include`",
    "inputs": "write `variables`",
    "kind": "leave it out: this file is a stack; inside of a sandbox `kind` is `service` or `task`",
    "locals": "write `variables`, with a `default` for each",
    "metadata": "write `name` for that of the stack, and `metadata` inside of a sandbox",
    "parameters": "write `variables`; `parameters` are for templates",
    "params": "write `variables`",
    "postcreatecommand": _DEVCONTAINER,
    "project": "write `name`",
    "resource": "write `sandboxes`",
    "services": "write `sandboxes`, or let `nexusctl import compose FILE` write it",
    "spec": _KUBERNETES,
    "stack": "write `name`",
    "templates": "write a file `templates/NAME.yaml` beside this one for each; `nexusctl template init` begins one",
    "vars": "write `variables`",
}

_SANDBOX = {
    "annotations": "write `metadata`",
    "args": "write `command`, with the arguments in it",
    "build": "write `image` or `template`, with `packages` and `uploads` for what is built in",
    "capadd": _NO_RIGHTS,
    "capdrop": _NOT_HERE,
    "cmd": "write `command`",
    "configs": _MORE_FILES,
    "containername": _NO_NAME,
    "copy": _MORE_FILES,
    "count": "write `replicas`",
    "cpu": _CORES,
    "cpus": _CORES,
    "cwd": "write `working_dir`",
    "dependencies": "write `depends_on` for other sandboxes, `packages` for libraries",
    "deploy": "write `replicas` and `resources` on the sandbox itself",
    "devices": _NO_RIGHTS,
    "entrypoint": "write `command`",
    "envvars": "write `env`",
    "environment": "write `env`",
    "expose": "write nothing: sandboxes of one stack reach all ports of each other",
    "extends": "write `template`, for a file that several sandboxes start from",
    "extrahosts": "write `extra_hosts`",
    "files": _MORE_FILES,
    "healthcheck": _PROBE,
    "init": "leave it out: every sandbox has an init process; for what runs once write `startup`",
    "installpackages": "write `packages`",
    "instances": "write `replicas`",
    "labels": "write `metadata`",
    "limits": "write `resources`, with `cpus` and `memory` right below it",
    "links": "write `depends_on`: sandboxes of one stack reach each other by name",
    "livenessprobe": _PROBE,
    "logging": "leave it out: the logs of every sandbox are rotated",
    "memlimit": _SIZES,
    "mem": _SIZES,
    "memory": _SIZES,
    "mounts": "write `volumes`",
    "name": _NO_NAME,
    "networkmode": "write `networks`; `[default]` is the private network of the stack",
    "needs": "write `depends_on`",
    "poststart": "write `startup`",
    "privileged": _NO_RIGHTS,
    "readinessprobe": _PROBE,
    "requirements": "write `packages: {pip: {from: requirements.txt}}`",
    "requires": "write `depends_on`",
    "restartpolicy": "write `restart`",
    "scale": "write `replicas`",
    "script": "write `command` for the main program, `startup` for what runs once before it",
    "securityopt": _NO_RIGHTS,
    "setup": "write `startup`",
    "startupprobe": _PROBE,
    "startupscript": "write `startup`",
    "stopgraceseconds": "write `stop_grace_period`",
    "stopperiod": "write `stop_grace_period`",
    "stopsignal": "write `stop_signal`",
    "stoptimeout": "write `stop_grace_period`",
    "stdinopen": "leave it out: `nexusctl exec NAME sh` opens a terminal",
    "tags": "write `metadata`",
    "terminationgraceperiodseconds": "write `stop_grace_period`",
    "tty": "leave it out: `nexusctl exec NAME sh` opens a terminal",
    "ttl": "write `timeout`",
    "type": "write `kind`",
    "vars": "write `env`",
    "volumesfrom": "write `volumes`, with the names of those that both shall have",
    "volumemounts": "write `volumes`",
    "workdir": "write `working_dir`",
    "workingdirectory": "write `working_dir`",
}

_HEALTH = {
    "cmd": "write `command`",
    "disable": "write `health: none` for no probe",
    "endpoint": 'write `http: ":3000/health"`',
    "exec": "write `command`",
    "failurethreshold": "write `retries`",
    "httpget": 'write `http: ":3000/health"`',
    "initialdelayseconds": 'write `start_period`, such as `"30s"`',
    "path": 'write `http: ":3000/health"`, with the port and the path in one',
    "periodseconds": 'write `interval`, such as `"10s"`',
    "port": "write `tcp: 3000`, or `http` with the port and the path in one",
    "startinterval": _NOT_HERE,
    "tcpsocket": "write `tcp: 3000`",
    "test": "write `command`, without `CMD` and `CMD-SHELL`",
    "timeoutseconds": 'write `timeout`, such as `"5s"`',
    "url": 'write `http: ":3000/health"`',
}

_PORTS = {
    "appprotocol": _NOT_HERE,
    "containerport": "write `container`",
    "external": "write `host`",
    "from": "write `host`",
    "hostip": "write `address`",
    "hostport": "write `host`",
    "internal": "write `container`",
    "ip": "write `address`",
    "mode": _NOT_HERE,
    "name": _NOT_HERE,
    "port": "write `container` for the port inside, `host` for that of this machine",
    "published": "write `host`",
    "target": "write `container`",
    "targetport": "write `container`",
    "to": "write `container`",
    "type": "write `protocol`",
}

_VOLUMES = {
    "destination": "write `target`",
    "dst": "write `target`",
    "from": "write `volume` for a volume of the stack, `bind` for a folder of this machine",
    "host": "write `bind`",
    "hostpath": "write `bind`",
    "mountpath": "write `target`",
    "name": "write `volume`",
    "path": "write `target`",
    "readonly": "write `read_only`",
    "ro": "write `read_only: true`",
    "source": "write `volume` for a volume of the stack, `bind` for a folder of this machine",
    "src": "write `volume` for a volume of the stack, `bind` for a folder of this machine",
    "to": "write `target`",
    "type": "leave it out: `volume` and `bind` say which it is",
}

_UPLOADS = {
    "chmod": "write `mode`",
    "chown": "write `owner`",
    "contents": "write `content`",
    "data": "write `content`",
    "dest": "write `target`",
    "destination": "write `target`",
    "dst": "write `target`",
    "exclude": "write `ignore`",
    "excludes": "write `ignore`",
    "file": "write `source`",
    "from": "write `source`",
    "gid": "write `owner`, as `user:group`",
    "host": "write `source`",
    "path": "write `source` for what is here, `target` for where it goes",
    "permissions": "write `mode`",
    "src": "write `source`",
    "text": "write `content`",
    "to": "write `target`",
    "uid": "write `owner`",
    "user": "write `owner`",
}

_PACKAGES = {
    "ignorescripts": _IGNORE_SCRIPTS,
    "omit": _OMIT,
    "packages": "write the list itself behind the name of the manager: `pip: [flask]`",
}

_BY_PLACE: MappingType[str, MappingType[str, str]] = {
    "stack": _STACK,
    "sandbox": _SANDBOX,
    "health": _HEALTH,
    "ports": _PORTS,
    "volumes": _VOLUMES,
    "uploads": _UPLOADS,
    "packages": _PACKAGES,
    "resources": {
        "limits": _LIMITS,
        "requests": _LIMITS,
        "reservations": _LIMITS,
        "ram": "write `memory`",
        "processes": "write `pids`",
    },
    "template": {
        "branch": _COMMIT,
        "file": "write `path`",
        "ref": _COMMIT,
        "repo": "write `git`",
        "repository": "write `git`",
        "rev": _COMMIT,
        "sha": _COMMIT,
        "tag": _COMMIT,
        "url": "write `git`",
        "version": _COMMIT,
    },
    "depends_on": {"optional": "write `required: false`", "when": "write `condition`"},
    "stack.networks": {
        "driver": "leave it out: the networks of a stack are bridges",
        "ipam": "write `subnet`, `gateway` and `ip_range` beside the network's other settings",
        "name": "write no name: the key is one; a network that somebody else made is `external`",
    },
    "stack.volumes": {
        "options": "write `driver_opts`",
        "name": "write no name: the key is one; a volume that somebody else made is `external`",
    },
    "stack.secrets": {
        "environment": "write `env`",
        "from": "write where it comes from as the key, such as `env: DB_PASSWORD` or `file: ./password.txt`",
        "external": "write where it comes from, such as `env: DB_PASSWORD`: nothing makes secrets on the engine",
        "path": "write the path behind `vault` or `file`, whichever it comes from",
        "value": "write no value: a stack file says only where a secret comes from, such as `env: DB_PASSWORD`",
    },
    "stack.variables": {
        "choices": "write `allowed`",
        "enum": "write `allowed`",
        "nullable": _NO_NEED,
        "options": "write `allowed`",
        "regex": "write `pattern`",
        "required": _NO_NEED,
        "secret": "write `sensitive`",
        "validation": "write `allowed` or `pattern`",
        "value": "write `default`",
        "values": "write `allowed`",
    },
}

_WORDS = {
    "array": "list",
    "bool": "boolean",
    "daemon": "service",
    "deployment": "service",
    "dict": "map",
    "double": "number",
    "false": "no",
    "float": "number",
    "int": "integer",
    "job": "task",
    "list": "list",
    "map": "map",
    "mapping": "map",
    "never": "no",
    "object": "map",
    "oneshot": "task",
    "service_completed_successfully": "completed",
    "service_healthy": "healthy",
    "service_started": "started",
    "set": "list",
    "str": "string",
    "text": "string",
    "true": "always",
    "tuple": "list",
}


def advise(key: str, place: str) -> str:
    """What to do about `key`, which nexusctl does not know at `place`; empty where nobody else has such a key."""
    return _known(place).get(_bare(key), "")


def _known(place: str) -> MappingType[str, str]:
    known = _BY_PLACE.get(place, {})
    if place != "packages":
        return known
    words = {w: f"write `{name}`{more}" for name, manager in MANAGERS.items() for w, more in manager.stands_for.items()}
    return {**known, **words}


def advise_misspelt(key: str, place: str, own: Iterable[str]) -> str:
    """The same for a key that others have nearly so; empty where one of our `own` is as near."""
    return _find_near(_bare(key), _known(place), map(_bare, own))


def translate(word: str, own: Iterable[str] = ()) -> str:
    """The word that stands here for one of other tools, which may be misspelt; empty where one of our `own` is meant,
    or there is none."""
    bare = word.lower().partition("(")[0]
    return _WORDS.get(bare, "") or _find_near(bare, _WORDS, own)


def _bare(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


def _find_near(word: str, known: MappingType[str, str], own: Iterable[str]) -> str:
    if len(word) < _SHORTEST:
        return ""
    ours = set(own)
    near = nearest(word, [*ours, *(key for key in known if key not in ours)], _LIKE)
    return known[near] if near and near not in ours else ""
