"""Packages: one more of them in a sandbox, and the same seven in a hundred."""

from __future__ import annotations

import json
import os
import shlex
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import daemon
from contestants import COMMAND, Compose, Nexusctl, find_nexusctl, require_compose, run
from figure import Against, Figure, Setting, Stopwatch, cleared, note, turns

from nexusctl.engine.docker.images.host_trust import FOLDER, read_trust

SEVEN = ["express", "jsonwebtoken", "bcrypt", "pg", "dotenv", "cors", "helmet"]
BEFORE, ADDED = ["express", "cors"], "dotenv"


class _Ours(Nexusctl):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting.folder, setting.stack, {})
        self._images: set[str] = set()

    def want(self, packages: Iterable[str], working_dir: str, count: int = 1) -> None:
        sandbox = {"template": "node", "packages": {"npm": list(packages)}, "working_dir": working_dir}
        self.write({f"app-{number}": {**sandbox, "command": COMMAND} for number in range(count)})

    def apply(self) -> int:
        pid = super().apply()
        found = daemon.find_labelled("containers/json", f"dev.nexusctl.stack={self.stack}")
        self._images |= {one["Image"] for one in found if one["Image"].startswith("nexusctl/env:")}
        return pid

    def destroy(self) -> None:
        """Its environments go too, so that the next round installs again."""
        super().destroy()
        while self._images:
            # It may have been made by an apply that changed it in place, and have no such image.
            with suppress(RuntimeError):
                daemon.call("DELETE", f"/images/{self._images.pop()}")


class _Theirs(Compose):
    def __init__(self, setting: Setting, image: str) -> None:
        self._context = setting.folder / "context"
        self._context.mkdir()
        _lend_trust(self._context / "trust")
        self._image = image
        super().__init__(
            setting.folder, setting.stack, {"app-0": {"build": {"context": str(self._context)}, "command": COMMAND}}
        )

    def want(self, packages: Iterable[str], working_dir: str) -> None:
        wanted = {"private": True, "dependencies": dict.fromkeys(packages, "*")}
        (self._context / "package.json").write_text(json.dumps(wanted))
        lines = [
            f"FROM {self._image}",
            "COPY trust /trust",
            f"COPY package.json {working_dir}/",
            f"RUN cd {working_dir} && . /trust/env && npm install --no-audit --no-fund",
        ]
        (self._context / "Dockerfile").write_text("\n".join(lines) + "\n")

    def apply(self, *options: str) -> None:
        self.build()
        super().apply(*options)

    def destroy(self) -> None:
        self.destroy_with_images()


def measure_one_more(setting: Setting) -> list[Figure]:
    """A package beside those that are there."""
    require_compose()
    watch = Stopwatch()
    image = _make_node_image(setting)
    contestants = [_Ours(setting), _Theirs(setting, image)]
    kept = set()
    for who in turns("one package", contestants, setting.rounds):
        # A folder that was never used makes an environment that was never built.
        working_dir = _fresh_folder()
        with cleared(who.destroy):
            who.want(BEFORE, working_dir)
            who.apply()
            before = who.find_containers()
            who.want([*BEFORE, ADDED], working_dir)
            watch.take(who.name, "apply", who.apply)
            after = who.find_containers()
            daemon.read_file(after["app-0"], f"{working_dir}/node_modules/{ADDED}/package.json")
            if who.name == "nexusctl":
                kept.add(before == after)
    return [
        Figure(
            what="one npm package added",
            remark="in the running sandbox" if kept == {True} else "sandbox replaced",
            ours=watch.of("nexusctl", "apply"),
            against=(Against("`build` and `up -d`", watch.of("compose", "apply"), 0.5),),
        )
    ]


def measure_sharing(setting: Setting) -> list[Figure]:
    """Many with the same packages, beside the same without a first time and one install alone."""
    _make_node_image(setting)
    ours, watch, count = _Ours(setting), Stopwatch(), setting.many
    builders: set[int] = set()
    together = []
    for number in range(setting.rounds):
        note(f"{count} with the same packages, round {number + 1} of {setting.rounds}")
        working_dir, alone = _fresh_folder(), _fresh_folder()
        with cleared(ours.destroy), daemon.BuilderWatch() as builds:
            pids: list[int] = []
            ours.want(SEVEN, working_dir, count)
            watch.take("nexusctl", "first", lambda pids=pids: pids.append(ours.apply()))
            builders.add(builds.count(pids[0]))
            Nexusctl.destroy(ours)
            watch.take("nexusctl", "again", ours.apply)
        with cleared(ours.destroy):
            ours.want(SEVEN, alone)
            watch.take("nexusctl", "one first", ours.apply)
            Nexusctl.destroy(ours)
            watch.take("nexusctl", "one again", ours.apply)
        acts = {act: watch.of("nexusctl", act)[-1] for act in ("again", "one first", "one again")}
        together.append(acts["again"] + acts["one first"] - acts["one again"])
    installed = ", ".join(str(one) for one in sorted(builders))
    return [
        Figure(
            what=f"{count} sandboxes with the same {len(SEVEN)} npm packages, first time",
            remark=f"installed {installed} time{'' if installed == '1' else 's'}",
            ours=watch.of("nexusctl", "first"),
            against=(Against(f"apply {count} + one install", together, 1.1),),
        )
    ]


def _fresh_folder() -> str:
    return f"/bench-{uuid.uuid4().hex[:12]}"


def _make_node_image(setting: Setting) -> str:
    """The image of the template `node`; made where it is missing, so that making it is not counted."""
    file = setting.folder / "node.yaml"
    name = f"{setting.stack}-node"
    file.write_text(json.dumps({"name": name, "sandboxes": {"one": {"template": "node", "command": COMMAND}}}))
    try:
        run([find_nexusctl(), "apply", "--yes", "-f", str(file)])
        (found,) = daemon.find_labelled("containers/json", f"dev.nexusctl.stack={name}")
    finally:
        run([find_nexusctl(), "destroy", "--yes", "-f", str(file)])
    return str(found["Image"])


def _lend_trust(folder: Path) -> None:
    """What nexusctl lends to its installs (certificates, proxies, indexes), as files that a Dockerfile can copy."""
    trust = read_trust(os.environ, _read)
    folder.mkdir()
    for path, content in trust.files.items():
        (folder / Path(path).name).write_bytes(content)
    lines = [f"export {name}={shlex.quote(value.replace(FOLDER, '/trust'))}" for name, value in trust.env.items()]
    (folder / "env").write_text("\n".join([*lines, ""]))


def _read(path: str) -> bytes | None:
    with suppress(OSError):
        return Path(path).expanduser().read_bytes()
    return None
