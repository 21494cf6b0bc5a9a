"""A manager that ends well without what it was asked for has failed. pip, dpkg and Node are those of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nexusctl.model.uploads_and_packages import Package, PackageSet, UploadFile
from nexusctl.packages import MANAGERS
from nexusctl.packages.promised import OF_DEBIAN, OF_PNPM
from tests.packages.indexes import wheel

PROJECT = '[build-system]\nrequires = []\nbuild-backend = "make"\nbackend-path = ["."]\n'
# A project that builds without anything else.
BACKEND = """
import os, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(os.path.join(folder, "here-1.0.0-py3-none-any.whl"), "w") as file:
        file.writestr("here.py", "")
        file.writestr("here-1.0.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: here\\nVersion: 1.0.0\\n")
        file.writestr("here-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr("here-1.0.0.dist-info/RECORD", "")
    return "here-1.0.0-py3-none-any.whl"
"""
REQUIREMENTS = """\
# What it needs.
Nx_One[more] >= 1, < 2 ; python_version > "3"  # the first
never-there; python_version < "3"
nx-two == \\
    1.0.0
-r more.txt
"""
CASES = {
    "a name": ["nx-one"],
    "a version": ["NX.one==1.0.0", "nx-two>=1"],
    "a file": "nx-one\nnx-two\n",
    "its own words": REQUIREMENTS,
    "a wheel": "./dist/nx_two-1.0.0-py3-none-any.whl\n",
    "a folder": "./here\n",
    "a name and an address": "here @ file://ROOT/here\n",
}


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


def install(venv: Path, folder: Path, asked: list[str] | str, **settings: str) -> subprocess.CompletedProcess[str]:
    index = folder / "dist"
    index.mkdir(exist_ok=True)
    for name in ("nx-one", "nx-two"):
        file = f"{name.replace('-', '_')}-1.0.0-py3-none-any.whl"
        (index / file).write_bytes(wheel(name.replace("-", "_"), name.replace("-", "_"), {}))
    (folder / "more.txt").write_text("nx-one\n")
    if isinstance(asked, list):
        rows = (text.partition("=") if "==" in text else text.partition(">") for text in asked)
        chosen = PackageSet(
            manager="pip", packages=tuple(Package(name=name, version=sign + rest) for name, sign, rest in rows)
        )
    else:
        (folder / "here").mkdir(exist_ok=True)
        (folder / "here" / "pyproject.toml").write_text(PROJECT + '[project]\nname = "here"\nversion = "1.0.0"\n')
        (folder / "here" / "make.py").write_text(BACKEND)
        (folder / "r.txt").write_text(asked.replace("ROOT", str(folder)))
        files = (UploadFile(path="r.txt", digest="0" * 64, mode=0o644),)
        chosen = PackageSet(manager="pip", lock_name="r.txt", lock_files=files)
    command = MANAGERS["pip"].install(chosen, str(folder / "r.txt"))
    env = {
        "PATH": f"{venv}/bin:{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **settings,
    }
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False)


def test_what_pip_was_asked_for_is_looked_for(venv: Path, tmp_path: Path) -> None:
    # Told to do nothing by its settings, it ends well.
    for case, asked in CASES.items():
        idle = install(venv, tmp_path, asked, PIP_DRY_RUN="1")
        assert "Would install" in idle.stdout, idle.stdout + idle.stderr
        assert (case, idle.returncode) == (case, 1)
        assert MANAGERS["pip"].explain(idle.stdout + idle.stderr).package
    done = install(venv, tmp_path, "".join(asked for asked in CASES.values() if isinstance(asked, str)))
    assert done.returncode == 0, done.stdout + done.stderr
    done = install(venv, tmp_path, ["NX.one==1.0.0", "nx-two>=1", "here"])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="no dpkg here")
def test_what_apt_was_asked_for_is_looked_for() -> None:
    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        script = f'{OF_DEBIAN}\nask_promised "$@"'
        return subprocess.run(["/bin/sh", "-ec", script, "sh", *words], capture_output=True, text=True, check=False)

    show = ["dpkg-query", "-W", "-f", "${Package}=${Version} ${Architecture}\\n", "bash"]
    said, architecture = subprocess.run(show, capture_output=True, text=True, check=True).stdout.split()
    # `awk` is only provided by others.
    assert ask("bash", said, f"libc6:{architecture}", "awk").returncode == 0
    for absent in ("never-there", "never-there=1.0", "bash-"):
        done = ask("bash", absent)
        assert (done.returncode, MANAGERS["apt"].explain(done.stderr).package) == (1, absent)


@pytest.mark.skipif(not shutil.which("node"), reason="no Node.js here")
def test_what_pnpm_was_asked_for_is_looked_for(tmp_path: Path) -> None:
    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["/bin/sh", "-ec", f'{OF_PNPM}\nask_promised "$@"', "sh", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    said = (
        '{"dependencies": {"a": "1", "@t/b": "2"}, "devDependencies": {"d": "1"}, "optionalDependencies": {"o": "1"}}'
    )
    (tmp_path / "package.json").write_text(said)
    for name in ("a", "@t/b"):
        (tmp_path / "node_modules" / name).mkdir(parents=True)
        (tmp_path / "node_modules" / name / "package.json").write_text("{}")
    assert ask("add", "a@^1", "@t/b@2", "--ignore-scripts").returncode == 0
    for words, absent in ((("add", "a", "@t/c@1"), "@t/c"), (("install", "--frozen-lockfile"), "d")):
        done = ask(*words)
        assert (done.returncode, MANAGERS["pnpm"].explain(done.stderr).package) == (1, absent)
    (tmp_path / "node_modules/d").mkdir()
    (tmp_path / "node_modules/d/package.json").write_text("{}")
    assert ask("install", "--frozen-lockfile").returncode == 0
