"""An agent's worker: takes jobs (Python files) from a queue that it shares with its siblings, and runs them.

    WORKSPACE/inbox/NAME.py           waiting; anybody may put one here
    WORKSPACE/running/NAME.py.AGENT   taken: the rename decides between two agents that want the same job
    WORKSPACE/done/NAME.txt           what it printed

The jobs that came with this program are queued once, by whichever agent is first.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORKSPACE = Path(os.environ["WORKSPACE"])
JOB_SECONDS = float(os.environ["JOB_SECONDS"])
AGENT = socket.gethostname()
INBOX, RUNNING, DONE, QUEUED = (WORKSPACE / name for name in ("inbox", "running", "done", "queued"))
POLL_SECONDS = 0.5


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for folder in (INBOX, RUNNING, DONE, QUEUED):
        folder.mkdir(parents=True, exist_ok=True)
    queue_jobs(Path(__file__).parent / "jobs")
    print("ready")
    while True:
        job = take_job()
        if job is None:
            time.sleep(POLL_SECONDS)
        else:
            work_on(*job)


def queue_jobs(folder: Path) -> None:
    for job in sorted(folder.glob("*.py")):
        try:
            (QUEUED / job.stem).touch(exist_ok=False)
        except FileExistsError:
            continue
        # Copied beside and renamed, so that nobody takes half a job.
        unfinished = QUEUED / f".{job.name}"
        shutil.copyfile(job, unfinished)
        unfinished.rename(INBOX / job.name)


def take_job() -> tuple[str, Path] | None:
    """The name and the file of a job that no other agent has; None when there is nothing to do."""
    for job in sorted(INBOX.glob("*.py")):
        mine = RUNNING / f"{job.name}.{AGENT}"
        try:
            job.rename(mine)
        except FileNotFoundError:
            continue
        return job.stem, mine
    return None


def work_on(name: str, job: Path) -> None:
    started = time.monotonic()
    # The job's working folder lies in this sandbox, so no sibling can see it.
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as private:
        verdict, output = run(job, private)
    (DONE / f"{name}.txt").write_text(output)
    job.unlink()
    last = (output.strip().splitlines() or ["(no output)"])[-1]
    print(f"{name} {verdict} after {time.monotonic() - started:.1f} s: {last}")


def run(job: Path, folder: str) -> tuple[str, str]:
    command = [sys.executable, str(job)]
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=JOB_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "stopped", f"it took longer than {JOB_SECONDS:.0f} s"
    verdict = "done" if ended.returncode == 0 else f"failed with exit code {ended.returncode}"
    return verdict, ended.stdout + ended.stderr


if __name__ == "__main__":
    main()
