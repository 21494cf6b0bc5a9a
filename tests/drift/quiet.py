"""A stack that uses every field of the schema in at least three variants, on images with and without settings."""

from __future__ import annotations

from typing import Any

WAIT = ["bash", "-c", 'trap "exit 0" TERM; sleep infinity & wait']

FIELDS: dict[str, list[Any]] = {
    "command": [WAIT, "sleep 1000", ["sleep", "1000"]],
    "working_dir": ["/", "/srv/new/folder", "/tmp"],
    "user": ["33:33", 33, "daemon"],
    "env": [
        {},
        {"A": "1", "EMPTY": "", "ODD": "a=b  ~ \" ' $$HOME"},
        {"PATH": "/usr/bin:/bin", "N": 3, "P": "x${secret.pin}"},
    ],
    "env_file": ["one.env", ["one.env", "two.env"], "two.env"],
    "secrets": [["pin"], ["pin", {"secret": "pin", "target": "pin.txt"}], [{"secret": "blob", "target": "a.b"}]],
    "uploads": [
        [{"content": "x\n", "target": "/etc/x.conf"}, {"source": "./src", "target": "/root"}],
        [{"source": "./src", "target": "/srv/app", "owner": "33", "ignore": ["*.log"], "on_change": "restart"}],
        [
            {
                "source": "./src/a b.txt",
                "target": "/srv/files/",
                "mode": "0600",
                "owner": "daemon:daemon",
                "on_change": {"signal": "HUP"},
            }
        ],
        [{"source": "./src", "target": "/tmp"}, {"content": "", "target": "/root/.empty", "mode": "0400"}],
        [{"source": "./src", "target": "/srv/deep"}, {"content": "y", "target": "/srv/deep/under/here"}],
    ],
    "startup": ["true", "echo done > /tmp/started", "cd /tmp && mkdir x\ntouch x/y\n"],
    "depends_on": [["plain"], {"plain": {"condition": "started"}}, ["plain", "loaded"]],
    "health": [
        {"command": ["true"], "interval": "8s"},
        {"command": "test -e /etc/passwd", "timeout": "30s", "retries": 5, "start_period": "500ms"},
        "none",
    ],
    "ports": [[8080], [9091, "9090/udp"], [{"container": 8080}, "8081/udp"]],
    "volumes": [["data:/data"], ["data:/data:ro", "./src:/mnt/src:ro"], ["data:/srv/deep/er/data"]],
    "networks": [["default"], ["back", "default"], ["back"], ["default", "back"]],
    "resources": [{"memory": "32m"}, {"cpus": 0.25, "pids": 64}, {"cpus": 1.5, "memory": "1g", "pids": 2000}, {}],
    "restart": ["always", "on-failure", "unless-stopped", "no"],
    "artifacts": [["/report"], ["/app/out.xml", "/report/"], []],
    "pre_stop": ["true", "sync\nexit 3\n", "sleep 0"],
    "stop_grace_period": [30, "1m", "1500ms"],
    "stop_signal": ["SIGINT", "QUIT", 15],
    "cap_add": [["NET_RAW"], ["CAP_NET_RAW", "SYS_NICE"], []],
    "cap_drop": [["ALL"], ["KILL", "CAP_SETPCAP"], []],
    "hostname": ["web", "db.example", "x-1"],
    "tmpfs": [["/fast"], ["/fast:size=1m,mode=1770", "/fast/er:exec"], "/fast/"],
    "shm_size": ["128m", 2097152, "64m"],
    "ulimits": [{"nofile": 1024}, {"core": {"soft": 0, "hard": -1}, "nproc": 4000}, {}],
    "extra_hosts": [["db:192.0.2.1"], {"db": "192.0.2.2", "x.y": ["192.0.2.1", "::1"]}, ["six=[::1]"]],
    "dns": [["192.0.2.53", "2001:db8::53"], "192.0.2.53", []],
    "on_replace": ["preserve", "discard", "preserve"],
    "start_timeout": ["5m", 120, "1h"],
    "timeout": [10_800, "2h", "90m"],
    "idle_timeout": ["30m", 600, "1h"],
    "keep_until": ["2099-01-31T18:00Z", "2099-01-31", "2099-01-31 18:00:30+02:00"],
    "on_expire": ["pause", "destroy", "stop"],
    "metadata": [{}, {"team": "x"}, {"a/b": "", "c": "ü"}],
    "lifecycle": [
        {"prevent_destroy": False},
        {"ignore": ["env.A", "uploads./etc"]},
        {"ignore": ["resources", "image", "metadata.team"], "prevent_destroy": False},
    ],
    "replicas": [1, 2, 3],
}
"""By field of a sandbox in the schema; each round takes the next variant of every field."""

APART: dict[str, list[dict[str, Any]]] = {
    "kind": [
        {"kind": "task", "command": ["true"]},
        {"kind": "service", "command": WAIT},
        {"kind": "task", "command": "exit 0"},
    ],
    "run": [{"kind": "task", "command": ["true"], "run": run} for run in ("once", "changed", "once")],
    "state": [{"command": WAIT, "state": state} for state in ("stopped", "paused", "running")],
    "networks": [{"command": WAIT, "networks": []}],
    "replicas": [{"command": WAIT, "replicas": 0}],
    "read_only": [{"command": WAIT, "read_only": flag} for flag in (True, False)],
    "for_each": [
        {"command": WAIT, "for_each": each, "env": {"KEY": "${each.key}", "PLAIN": "${sandbox.plain.host}"}}
        for each in ({}, ["a"], {"a": 1, "b": 2})
    ],
    "profiles": [{"command": WAIT, "profiles": names} for names in ([], ["debug"], ["debug", "load"])],
}
"""Variants that do not go with the rest."""

TEMPLATES = """
own.yaml: {description: One, image: PLAIN, defaults: {command: [sleep, '1000'], env: {FROM: template}}}
other.yaml: {description: Two, image: LOADED}
given.yaml: {description: Four, image: PLAIN, parameters: {text: {default: x}, list: {type: list, default: [a]}},
  defaults: {command: '${param.list}', env: {TEXT: 'a ${param.text} $${HOME}'}}}
third.yaml: {description: Three, image: LOADED, defaults: {working_dir: /opt, metadata: {x: z}}}
"""

FILES = {
    "one.env": "ONE=1\nQUOTED='a b'\n",
    "two.env": "TWO=2\nONE=3\n",
    "src/a b.txt": "text\n",
    "src/x.log": "ignored or not\n",
    "src/folder/ünï.txt": "more\n",
    "src/folder/back\\slash": "odd\n",
}

ROUNDS = 6


def make_document(name: str, plain: str, loaded: str, plain_id: str) -> dict[str, Any]:
    """The stack as the content of its file; `loaded` is the image with env, command, user and so on of its own."""
    sandboxes: dict[str, Any] = {"plain": {"image": plain, "command": WAIT}, "loaded": {"image": loaded}}
    for mark, image in (("p", plain), ("l", loaded), ("i", plain_id)):
        for turn in range(ROUNDS if mark != "i" else 1):
            sandboxes[f"all-{mark}{turn}"] = {"image": image, **_take_turn(turn)}
        for field, variants in APART.items():
            for number, variant in enumerate(variants):
                sandboxes[f"{field.replace('_', '-')}-{mark}{number}"] = {"image": image, **variant}
    for number, template in enumerate(("own", "other", "third")):
        sandboxes[f"template-{number}"] = {"template": f"./{template}.yaml"}
    for number, values in enumerate(({}, {"text": "y"}, {"list": ["sleep", "1000"]})):
        sandboxes[f"with-{number}"] = {"template": "./given.yaml", "with": values, "command": WAIT}
    for number, packages in enumerate(([], {}, {"npm": []}, {"npm": {"packages": [], "omit": ["dev"]}})):
        sandboxes[f"packages-{number}"] = {"template": "./own.yaml", "packages": packages}
    secrets = {"pin": {"file": "./one.env"}, "blob": {"file": "./src/a b.txt", "trim": False}}
    return {"name": name, "secrets": secrets, "volumes": {"data": {}}, "networks": {"back": {}}, "sandboxes": sandboxes}


def _take_turn(turn: int) -> dict[str, Any]:
    """The fields shift against each other, so that not the same variants meet each time."""
    return {
        field: variants[(turn + shift * (turn // 3)) % len(variants)]
        for shift, (field, variants) in enumerate(FIELDS.items())
    }
