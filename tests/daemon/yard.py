"""A stack on an engine of one's own, to which anything may be done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.daemon.test_engine_daemon import Second

PRUNES = ("volume prune -f", "container prune -f", "system prune -af --volumes")


class Yard:
    """An engine of one's own, on which somebody prunes, and a folder with a stack file."""

    def __init__(self, place: Second, image: str) -> None:
        self.place, self.image, self.folder = place, image, place.folder

    def docker(self, *words: str) -> str:
        done = subprocess.run(["docker", "-H", self.place.url, *words], text=True, capture_output=True, check=True)
        return done.stdout

    def prune(self) -> None:
        for words in PRUNES:
            self.docker(*words.split())

    def begin(self, *words: str) -> subprocess.Popen[str]:
        program = Path(sys.executable).parent / "nexusctl"
        return subprocess.Popen(
            [program, *words],
            cwd=self.folder,
            env={**os.environ, "DOCKER_HOST": self.place.url},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def nexusctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        with self.begin(*words) as begun:
            out, err = begun.communicate()
        return subprocess.CompletedProcess([*words], begun.returncode, out, err)

    def write(self, text: str) -> None:
        (self.folder / "nexus.yaml").write_text(text.replace("IMAGE", self.image))

    def succeed(self, *words: str) -> str:
        done = self.nexusctl(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr
