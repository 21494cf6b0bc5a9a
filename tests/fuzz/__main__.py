"""`python -m tests.fuzz [SECONDS]`: in equal parts any bytes, documents by a grammar, engines that say anything, and
objects and records that somebody has forged.

What breaks a promise ends it with exit code 1; the input then lies in the folder that is named.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parents[1]
KEYS = "name sandboxes image template env uploads packages depends_on health ports volumes networks variables secrets"
MORE = "include profiles for_each replicas lifecycle outputs with extends parameters"
WORDS = (
    *(f"{word}:" for word in f"{KEYS} {MORE}".split()),
    *("${var.", "${env.", "${secret.", "${sandbox.", "${file:./motd.txt}", "${each.key}", "${stack.name}", "$${", ":-"),
    *("&a", "*a", "<<:", "!!int", "|", ">", "- ", "{", "}", "[", "]", "kind: task", "null", "+env:", ":?", "base.yaml"),
)


def main(seconds: int) -> int:
    with tempfile.TemporaryDirectory(prefix="nexusctl-corpus-") as folder:
        corpus = _gather(Path(folder))
        found = Path(tempfile.mkdtemp(prefix="nexusctl-fuzz-found-"))
        words = Path(folder) / "words.txt"
        words.write_text("".join(f'"{word}"\n' for word in WORDS))
        options = [f"-max_total_time={seconds // 4}", f"-dict={words}", f"-artifact_prefix={found}/", "-max_len=4096"]
        limits = ["-timeout=20", "-rss_limit_mb=1024", "-print_final_stats=1"]
        code, output = _run(["tests.fuzz.target", str(corpus), *options, *limits], seconds // 4 + 120)
        print(
            "\n".join(line for line in output.splitlines() if re.match(r"stat::|Done|ERROR|.*Exception|.*Error", line))
        )
        if code:
            print(f"{output[-3000:]}\nthe input lies in {found}")
            return 1
        shutil.rmtree(found)
    failed = False
    for module in ("tests.fuzz.grammar", "tests.fuzz.answers", "tests.fuzz.forged"):
        code, output = _run([module, str(seconds // 4)], seconds + 300)
        print(output[-3000:].strip())
        failed = failed or code != 0
    return 1 if failed else 0


def _gather(folder: Path) -> Path:
    """Every stack file of the tests as a beginning."""
    corpus = folder / "corpus"
    corpus.mkdir()
    files = (*TESTS.glob("config/**/nexus.yaml"), *TESTS.parent.glob("stacks/**/nexus.yaml"))
    for number, file in enumerate(sorted(files)):
        shutil.copyfile(file, corpus / str(number))
    return corpus


def _run(arguments: list[str], patience: float) -> tuple[int, str]:
    """Run a module in a process group of its own, which is ended whole; its exit code and what it said."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=TESTS.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=patience)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, output


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 900))
