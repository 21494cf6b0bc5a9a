"""What is read of a Dockerfile is what `docker build` makes of it: its settings, and the files in the image."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nexusctl.config.load import load
from nexusctl.importers.dockerfile.dockerfile import read_dockerfile
from nexusctl.importers.draft.draft import Leftovers
from nexusctl.importers.draft.yaml_writer import write_text
from nexusctl.model.stack import Sandbox
from nexusctl.model.trust import OURS
from nexusctl.model.values.checksum import sha256

pytestmark = pytest.mark.engine

PATIENCE = 240
"""Seconds for a build; only a hang meets it."""

FILES = {
    "package.json": "{}", "package-lock.json": "{}", "run.sh": "echo\n", "src/a.py": "a", "src/deep/b.py": "b",
    "src/deep/c.txt": "c", "docs/read.md": "d", "docs/keep.md": "k", "secrets/key.pem": "s", "app/secrets/key.pem": "t",
    "node_modules/x/index.js": "x", ".env": "A=1", "requirements.txt": "", "a b.txt": "blank",
}  # fmt: skip

SETTINGS: Mapping[str, str] = {
    "exec form": 'FROM BASE\nCMD ["sh", "-c", "echo $HOME"]\n',
    "shell form": "FROM BASE\nCMD echo ${HOME:-none} && sleep 1\n",
    "entrypoint and command": 'FROM BASE\nENTRYPOINT ["sh", "-e"]\nCMD ["run.sh"]\n',
    "entrypoint of a shell": "FROM BASE\nENTRYPOINT exec sh run.sh\n",
    "entrypoint and a shell's command": 'FROM BASE\nENTRYPOINT ["env", "A=b"]\nCMD run $X\n',
    "an entrypoint after the command": 'FROM BASE\nCMD ["ls"]\nENTRYPOINT ["sh"]\n',
    "an entrypoint above a command": 'FROM BASE AS one\nCMD ["ls"]\nFROM one\nENTRYPOINT ["sh"]\n',
    "another shell": 'FROM BASE\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nCMD a | b\n',
    "stages": (
        "FROM BASE AS base\nWORKDIR /srv\nENV A=1\nUSER 7\nFROM base AS other\nENV B=2\n"
        "FROM base AS final\nWORKDIR app\nENV C=$A\nCMD ls\n"
    ),
    "stages in capitals": "FROM BASE AS Base\nENV A=1\nfrom base as Final\nENV B=2\n",
    "arguments": (
        "ARG V=1\nARG I=BASE\nFROM ${I}\nARG V\nARG W=$V.2\nENV X=$V Y=${W} Z=${N:-none} "
        "Q=${V:+set}\nARG X=9\nENV O=$X\n"
    ),
    "an argument of another stage": "FROM BASE AS a\nARG V=1\nENV A=$V\nFROM a\nARG V\nENV B=x${V}x\n",
    "folders": "FROM BASE\nENV R=/root D=deep\nWORKDIR $R\nWORKDIR a/$D\nWORKDIR ../b/\n",
    "values": 'FROM BASE\nENV A="b c" B=\'d $e\' C=f\\ g D="h\\"i" E= F="\\$x"\nENV OLD form of $A\nENV G=$A H=x$OLD\n',
    "one instruction sees the values before it": "FROM BASE\nENV A=1\nENV A=2 B=$A\n",
    "lines": '# syntax=docker/dockerfile:1\n\nfrom BASE\nEnV A=1 \\\n  # a comment\n\n  B=2\ncmd ["a", \\\n  "b"]\n',
    "another escape": "# escape=`\nFROM BASE\nENV A=1 `\n  B=2\n",
    "ports": "FROM BASE\nENV P=80\nEXPOSE $P 53/udp 9000-9002 443/tcp\nEXPOSE 80\n",
    "user": "FROM BASE\nARG U=1000\nUSER ${U}:${U}\n",
    "health": (
        "FROM BASE\nHEALTHCHECK --interval=7s --timeout=2s --start-period=1m --retries=4 "
        "CMD curl -f http://localhost || exit 1\n"
    ),
    "health as a list": 'FROM BASE\nHEALTHCHECK CMD ["true", "x"]\n',
    "no health": "FROM BASE\nHEALTHCHECK CMD true\nHEALTHCHECK NONE\n",
    "volumes": 'FROM BASE\nVOLUME /data /more\nVOLUME ["/third"]\n',
    "stop signal": "FROM BASE\nSTOPSIGNAL SIGQUIT\n",
}
COPIES: Mapping[str, tuple[str, str]] = {
    "a file into the folder": ("WORKDIR /srv\nCOPY run.sh .\nCOPY package.json ./\n", ""),
    "a file by another name": ("WORKDIR /srv\nCOPY run.sh bin/start\n", ""),
    "several": ("WORKDIR /srv\nCOPY run.sh package.json /opt/\n", ""),
    "wildcards": ("WORKDIR /srv\nCOPY package*.json ./\nCOPY src/*.py /srv/py/\n", ""),
    "a wildcard for folders": ("WORKDIR /srv\nCOPY src/* ./\n", ""),
    "a folder's content": ("WORKDIR /srv\nCOPY src ./src\nCOPY src /all\n", ""),
    "first the lock, then all": ("WORKDIR /srv\nCOPY package.json package-lock.json ./\nCOPY . .\n", ""),
    "one folder above another": ("WORKDIR /srv\nCOPY . .\nCOPY src ./src\nCOPY src/deep ./src\n", ""),
    "into the root": ("COPY src /\n", ""),
    "the list form": ('COPY ["a b.txt", "/srv/"]\n', ""),
    "variables": ("ENV D=src\nWORKDIR /srv\nCOPY $D/a.py ${D}/\n", ""),
    "ADD of a file": ("ADD run.sh /srv/\n", ""),
    "a folder that is there": ("WORKDIR /srv/app\nCOPY run.sh /srv\nCOPY src /new\nCOPY run.sh /new\n", ""),
    "one above another": ("WORKDIR /srv\nCOPY src .\nCOPY run.sh a.py\n", ""),
    "ignored by name": ("COPY . /srv\n", "node_modules\n.env\n"),
    "ignored at the top only": ("COPY . /srv\n", "secrets\n*.json\n"),
    "ignored anywhere": ("COPY . /srv\n", "**/secrets\n**/*.py\n"),
    "ignored, with a slash": ("COPY . /srv\n", "/docs\nsecrets/\n./src/deep\n"),
    "taken in again": ("COPY . /srv\n", "docs/*\n!docs/keep.md\n"),
    "taken in again below a folder": ("COPY . /srv\n", "docs\n!docs/keep.md\n"),
    "nothing but": ("COPY . /srv\n", "*\n!src\n!package.json\n"),
    "nothing but a file far below": ("COPY . /srv\n", "*\n!src/deep/b.py\n"),
    "left out again": ("COPY . /srv\n", "*\n!src\nsrc/deep\n"),
    "of a folder": ("COPY src /srv\n", "src/deep/*.txt\ndocs\n**/a.py\n"),
    "by a wildcard above": ("COPY src /srv\n", "*/deep\n"),
    "comments": ("COPY . /srv\n", "# docs\n\n  docs  \n"),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_are_those_of_the_image_that_is_built(name: str, tmp_path: Path, build: Any, base_image: str) -> None:
    text = SETTINGS[name].replace("BASE", base_image)
    put(tmp_path, {"Dockerfile": text})
    sandbox, config, below = read(tmp_path), build(tmp_path)["Config"], build.base["Config"]
    wanted = tell_config(config)
    inherited = dict(pair.split("=", 1) for pair in below["Env"] or ())
    # What Docker itself sets where nobody does.
    wanted["env"] = {name: value for name, value in wanted["env"].items() if name != "PATH" or name in inherited}
    assert {**inherited, **sandbox.env} == wanted.pop("env")
    assert tell_sandbox(sandbox) == wanted


@pytest.mark.parametrize("name", COPIES)
def test_files_are_those_of_the_image_that_is_built(name: str, tmp_path: Path, build: Any, base_image: str) -> None:
    text, ignored = COPIES[name]
    # A folder of its own, so that an ignore file is the only thing that leaves something out.
    put(tmp_path, {**FILES, "Dockerfile": f"FROM {base_image}\n{text}", ".dockerignore": ignored})
    sandbox, image = read(tmp_path), build(tmp_path)
    assert uploaded(sandbox) == build.added(image["Id"])


class Builds:
    def __init__(self, base_image: str) -> None:
        self.base = self._inspect(base_image)
        self._made: list[str] = []

    def __call__(self, folder: Path) -> dict[str, Any]:
        command = ["docker", "build", "-q", "--no-cache", str(folder)]
        built = self._run(command, env={**os.environ, "DOCKER_BUILDKIT": "0"}).decode().strip()
        self._made.append(built)
        return self._inspect(built)

    def added(self, image: str) -> dict[str, str]:
        """The files that the image has and its base has not, with the digests of what is in them."""
        below = len(self.base["RootFS"]["Layers"])
        found: dict[str, str] = {}
        with tarfile.open(fileobj=io.BytesIO(self._run(["docker", "save", image]))) as saved:
            (manifest,) = json.load(saved.extractfile("manifest.json"))  # type: ignore[arg-type]
            for layer in manifest["Layers"][below:]:
                with tarfile.open(fileobj=saved.extractfile(layer)) as tar:
                    for entry in tar:
                        if entry.isfile():
                            found[f"/{entry.name}"] = sha256(tar.extractfile(entry).read())  # type: ignore[union-attr]
        return found

    def close(self) -> None:
        for image in self._made:
            subprocess.run(["docker", "rmi", "--force", image], capture_output=True, timeout=PATIENCE, check=False)

    def _inspect(self, image: str) -> dict[str, Any]:
        (found,) = json.loads(self._run(["docker", "image", "inspect", image]))
        return dict(found)

    def _run(self, command: list[str], env: dict[str, str] | None = None) -> bytes:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, env=env, check=False)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        return done.stdout


@pytest.fixture
def build(base_image: str) -> Iterator[Builds]:
    builds = Builds(base_image)
    yield builds
    builds.close()


def put(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def read(folder: Path) -> Sandbox:
    """The sandbox that is written for the Dockerfile in `folder`, as a stack file has it."""
    leftovers = Leftovers()
    drafted = read_dockerfile(folder / "Dockerfile", leftovers, OURS).sandbox()
    assert [
        left for left in leftovers.found if "ENTRYPOINT" not in left.what and "nobody gives" not in left.reason
    ] == []
    uploads = [
        {**up, "source": str(folder / up["source"])} if "source" in up else up for up in drafted.get("uploads", ())
    ]
    # Beside it would be one of the files that are copied.
    file = folder.with_name(f"{folder.name}.yaml")
    file.write_text(write_text({"name": "x", "sandboxes": {"app": {**drafted, "uploads": uploads}}}))
    return load(file).sandboxes["app"]


def uploaded(sandbox: Sandbox) -> dict[str, str]:
    return {
        f"{upload.target}/{file.path}" if file.path else upload.target: file.digest
        for upload in sandbox.uploads
        for file in upload.files
        if file.kind == "file"
    }


def tell_config(config: Mapping[str, Any]) -> dict[str, Any]:
    probe = config.get("Healthcheck") or {}
    times = [probe.get(key, 0) / 1e9 for key in ("Interval", "Timeout", "StartPeriod")]
    return {
        "env": dict(pair.split("=", 1) for pair in config["Env"] or ()),
        "command": [*(config["Entrypoint"] or ()), *shellless(config)],
        "working_dir": config["WorkingDir"],
        "user": config["User"],
        "ports": sorted(config.get("ExposedPorts") or {}),
        "volumes": sorted(config.get("Volumes") or {}),
        "stop_signal": config.get("StopSignal"),
        # Nothing said counts as Docker's own.
        "health": [probe["Test"], times[0] or 30, times[1] or 30, times[2], probe.get("Retries") or 3]
        if probe
        else None,
    }


def shellless(config: Mapping[str, Any]) -> list[str]:
    entrypoint = config["Entrypoint"] or []
    return [] if entrypoint[:2] == ["/bin/sh", "-c"] else list(config["Cmd"] or ())


def tell_sandbox(sandbox: Sandbox) -> dict[str, Any]:
    health = sandbox.health
    probe: Any = ["NONE"] if not sandbox.image_health else None
    told: Any = [probe, 30, 30, 0, 3] if probe else None
    if health:
        words = list(health.command or ())
        test = ["CMD-SHELL", words[2]] if words[:2] == ["/bin/sh", "-c"] else ["CMD", *words]
        told = [test, health.interval, health.timeout, health.start_period or 0, health.retries]
    return {
        "command": list(sandbox.command or ()),
        "working_dir": sandbox.working_dir or "",
        "user": sandbox.user or "",
        "ports": sorted(f"{port.container}/{port.protocol}" for port in sandbox.ports),
        "volumes": sorted(mount.target for mount in sandbox.mounts),
        "stop_signal": sandbox.stop_signal,
        "health": told,
    }
