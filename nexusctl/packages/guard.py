"""What makes sure that a manager which fetches packages starts no other program: no script of theirs, no git.

Options do not: npm runs `prepare` of packages that come by git, whose settings may name the program to run as git, and
pip builds what comes as source to learn what that needs. So whoever has the user's passwords cannot start anything.
"""

from __future__ import annotations

BLOCKED = 77
"""The exit code of a command that fetches, where packages cannot come without running something."""

LEFT = 76
"""The exit code of a command that has fetched, where something is left to be run."""

NODE = f"""
const children = require("child_process");
const deny = () => {{
  require("fs").writeSync(2, "a package wants to run a program to be fetched\\n");
  process.exit({BLOCKED});
}};
children.ChildProcess.prototype.spawn = deny;
for (const name of ["spawnSync", "execSync", "execFileSync"]) children[name] = deny;
require("module").syncBuiltinESMExports();
"""
"""For `node --require`, which npm's own program gets by NODE_OPTIONS."""

# pip asks a few programs about the machine, and goes on where they are not there. What it has in hand when it wants
# to build is an archive of source, which it has compared with the index's checksum.
PYTHON = f"""
import glob, importlib.util, os, runpy, shutil, sys
pool = sys.argv.pop(1)
if importlib.util.find_spec("pip") is None:
    print("pip is not there")
    sys.exit(127)
if not hasattr(sys, "addaudithook"):
    sys.exit({BLOCKED})
starts = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.forkpty")
harmless = ("rustc", "lsb_release", "ldd", "uname")
blocked = []
def deny(event, said):
    if event not in starts:
        return
    command = said[1] if event == "subprocess.Popen" else ()
    if not (command and not isinstance(command, str) and os.path.basename(str(command[0])) in harmless):
        blocked.append(event)
        for path in glob.glob(os.path.join(os.environ["TMPDIR"], "pip-unpack-*", "*")):
            if path.endswith((".tar.gz", ".zip", ".tar.bz2", ".tgz")):
                shutil.copy(path, pool)
    raise PermissionError(13, "a package wants to run a program to be fetched")
sys.addaudithook(deny)
status = 1
try:
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
    status = 0
except SystemExit as ended:
    status = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
finally:
    sys.stdout.flush()
    os._exit({BLOCKED} if blocked else status or {LEFT})
"""
"""For `python -c` in the place of pip; its first argument is the folder for what it has fetched."""
