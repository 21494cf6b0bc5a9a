"""Uploaded files changed: one, in a new image and a new container there, and many beside a new sandbox with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import daemon
from contestants import COMMAND, Compose, Nexusctl, require_compose
from figure import Against, Figure, Setting, Stopwatch, cleared, note, turns

FILES = 20
MANY = 10_000
PER_FOLDER = 100
TARGET = "/srv/app"


class _Ours(Nexusctl):
    def __init__(self, setting: Setting, folder: Path) -> None:
        uploads = [{"source": str(folder), "target": TARGET}]
        super().__init__(
            setting.folder, setting.stack, {"app": {"image": setting.image, "command": COMMAND, "uploads": uploads}}
        )


class _Theirs(Compose):
    def __init__(self, setting: Setting, folder: Path) -> None:
        (folder.parent / "Dockerfile").write_text(f"FROM {setting.image}\nCOPY {folder.name} {TARGET}\n")
        super().__init__(
            setting.folder, setting.stack, {"app": {"build": {"context": str(folder.parent)}, "command": COMMAND}}
        )

    def apply(self, *options: str) -> None:
        self.build()
        super().apply(*options)

    def destroy(self) -> None:
        self.destroy_with_images()


def measure_upload(setting: Setting) -> list[Figure]:
    require_compose()
    watch = Stopwatch()
    folder = setting.folder / "context" / "app"
    folder.mkdir(parents=True)
    for number in range(FILES):
        (folder / f"module-{number}.js").write_text(f"// {number}\n" * 100)
    contestants: Sequence[_Ours | _Theirs] = [_Ours(setting, folder), _Theirs(setting, folder)]
    changed, kept = folder / "module-0.js", set()
    with cleared(*(who.destroy for who in contestants)):
        for who in contestants:
            who.apply()
        for number, who in enumerate(turns("one file", contestants, setting.rounds)):
            before = who.find_containers()["app"]
            content = f"// change {number}\n"
            changed.write_text(content)
            watch.take(who.name, "apply", who.apply)
            after = who.find_containers()["app"]
            _require_content(who.name, after, content)
            if who.name == "nexusctl":
                kept.add(before == after)
    return [
        Figure(
            what=f"one of {FILES} uploaded files changed",
            remark="in the running sandbox" if kept == {True} else "the container was not kept",
            ours=watch.of("nexusctl", "apply"),
            against=(Against("`build` and `up -d`", watch.of("compose", "apply"), 0.2),),
        )
    ]


def measure_many_files(setting: Setting, count: int = MANY) -> list[Figure]:
    watch = Stopwatch()
    folder = setting.folder / "app"
    ours = _Ours(setting, folder)
    with cleared(ours.destroy):
        for number in range(setting.rounds):
            note(f"many files, round {number + 1} of {setting.rounds}")
            _write_all(folder, count, f"{number}, new")
            watch.take("nexusctl", "first apply", ours.apply)
            before = ours.find_containers()
            _write_all(folder, count, f"{number}, changed")
            watch.take("nexusctl", "plan", ours.look)
            watch.take("nexusctl", "apply", ours.apply)
            if ours.find_containers() != before:
                raise RuntimeError("the container was not kept")
            _require_content("nexusctl", before["app"], f"// 0 {number}, changed\n", "0/module-0.js")
            ours.destroy()
    what = f"{count:,} of {count:,} uploaded files changed"
    against = Against("a new sandbox with them", watch.of("nexusctl", "first apply"), 1.5)
    return [
        Figure(what=f"plan: {what}", ours=watch.of("nexusctl", "plan"), limit=1.0),
        Figure(what=f"apply: {what}", ours=watch.of("nexusctl", "apply"), against=(against,)),
    ]


def _write_all(folder: Path, count: int, mark: str) -> None:
    for number in range(count):
        file = folder / str(number // PER_FOLDER) / f"module-{number}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"// {number} {mark}\n")


def _require_content(name: str, container: str, content: str, path: str = "module-0.js") -> None:
    found = daemon.read_file(container, f"{TARGET}/{path}").decode()
    if found != content:
        raise RuntimeError(f"{name}: the file in its container is {found[:40]!r} and not {content!r}")
