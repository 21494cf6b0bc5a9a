"""The source `keyring` with a desktop's own keyring, in a session of its own: no display, nothing of the user's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NEEDED = ("dbus-run-session", "gnome-keyring-daemon")

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason="no keyring here: `apt-get install gnome-keyring dbus-daemon`"
)

READ = """
import sys
from nexusctl.errors import InputError
from nexusctl.model.secret import SecretRef, SecretUse
from nexusctl.secrets.reading import read_secrets
ref = SecretRef(name="pin", source="keyring", where="shop", key=sys.argv[1], trim=False)
try:
    readings = read_secrets("shop", {"pin": ref})
except InputError as error:
    sys.exit(error.diagnostics[0].summary)
value = readings.reveal(SecretUse(secret="pin", digest=readings.digests["pin"])).reveal()
sys.stdout.buffer.write(value)
"""

PUT = "import keyring, sys; keyring.set_password('shop', 'deploy', sys.stdin.buffer.read().decode())"

LOCK = "import secretstorage as s; s.get_default_collection(s.dbus_init()).lock()"

OPEN = "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1"
START = "gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1"


def in_session(folder: Path, *script: str, value: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run `script` in a session of its own; its keyring lies in `folder`, and the daemon ends with the session."""
    (folder / "value").write_bytes(value)
    kept = {name: text for name, text in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    env = {**kept, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "READ": READ, "PUT": PUT, "LOCK": LOCK}
    return subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", "\n".join(script), "session", sys.executable],
        env=env, cwd=Path(__file__).parents[2], capture_output=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("value", ["4711", "$x\n'\"`\u00fc\u00f1\u00ef \n", "z" * 65536], ids=["pin", "odd", "long"])
def test_a_value_comes_out_as_it_was_put_in(tmp_path: Path, value: str) -> None:
    put, read = '"$1" -c "$PUT" < "$HOME/value"', '"$1" -c "$READ" deploy'
    done = in_session(tmp_path, OPEN, put, read, value=value.encode())
    assert done.stdout == value.encode(), done.stderr


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    done = in_session(tmp_path, OPEN, '"$1" -c "$READ" deploy')
    assert done.stdout == b""
    assert b"the keyring has nothing for `deploy` of the service `shop`" in done.stderr


def test_one_that_is_locked_and_has_nobody_to_ask_is_said(tmp_path: Path) -> None:
    put, read = '"$1" -c "$PUT" < "$HOME/value"', '"$1" -c "$READ" deploy'
    done = in_session(tmp_path, OPEN, put, '"$1" -c "$LOCK"', read, value=b"canary")
    assert b"the keyring does not open (keyring.backends.SecretService: " in done.stderr
    assert b"canary" not in done.stdout + done.stderr


def test_one_that_nobody_ever_opened_is_said(tmp_path: Path) -> None:
    done = in_session(tmp_path, START, '"$1" -c "$READ" deploy')
    assert b"the keyring does not open (keyring.backends.SecretService: " in done.stderr
