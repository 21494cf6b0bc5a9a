"""Which lines of a requirements.txt can be installed where the files that it takes lie beside it: as pip answers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nexusctl.config.build.files.digests import Unfit
from nexusctl.config.build.locks.requirements import read_requirements
from nexusctl.config.build.packages import is_package

WHEEL = "own-1.0-py3-none-any.whl"

TAKEN = {
    "a name": "own",
    "a version": "own == 1.0",
    "several": "own >=1.0, <2",
    "for some machines": 'own ; python_version >= "3"',
    "for no machine": 'nowhere ; python_version < "3"',
    "a wheel beside it": f"./dist/{WHEEL}",
    "a wheel without a dot": f"dist/{WHEEL}",
    "an address of a file from there": f"file:dist/{WHEEL}",
    "in UTF-16": "own\n",
    "with a coding": "# coding: latin-1\nown # \xe4\n",
    "over two lines": "own \\\n  ==1.0",
    "an option of its own": "own --config-settings a=b",
    "a comment": "# ../elsewhere\n\nown # x",
    "other files": "-r more/other.txt",
}

REFUSED = {
    "a name before a path": "own @ ./dist",
    "a name before a path, closely": "own@./dist",
    "a path of the root": "own @ file:///nowhere/x.whl",
    "an address of the root": "file:///nowhere/x.whl",
    "a path that is not there": "./nowhere",
    "a wheel that is not there": "dist/none-1.0-py3-none-any.whl",
    "a wheel by its name alone": "none-1.0-py3-none-any.whl",
    "nothing before a version": "== 1.0",
    "a version that is none": "own == one!",
    "two signs": "own =< 1.0",
    "a name with a blank": "own other",
    "a folder where it lies": "-e ./nowhere",
    "a folder where it lies, in UTF-16": "-e ./nowhere\n",
    "another file that is not there": "-r nowhere.txt",
}


def lay(folder: Path, case: str, text: str) -> Path:
    """A folder with a wheel in it and a file that says `text`, in the encoding that the case names."""
    (folder / "dist").mkdir(parents=True)
    with zipfile.ZipFile(folder / "dist" / WHEEL, "w") as wheel:
        wheel.writestr("own/__init__.py", "")
        wheel.writestr("own-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
        wheel.writestr("own-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("own-1.0.dist-info/RECORD", "")
    (folder / "more").mkdir()
    # A path means what lies where pip runs, and a further file what lies beside the one that names it.
    (folder / "more" / "other.txt").write_text(f"dist/{WHEEL}\n-r third.txt\n")
    (folder / "more" / "third.txt").write_text("own\n")
    encoding = "utf-16" if "UTF-16" in case else "latin-1" if "coding" in case else "utf-8"
    (folder / "requirements.txt").write_bytes(f"--find-links dist\n{text}\n".encode(encoding))
    return folder / "requirements.txt"


ASK = """
import os, sys
from pip._internal.cli.main import main
for folder in sys.argv[1:]:
    child = os.fork()
    if not child:
        os.chdir(folder)
        sys.stdout = sys.stderr = open("said", "w")
        words = ["--dry-run", "--ignore-installed", "--no-index", "--no-input", "-r", "requirements.txt"]
        try:
            status = main(["install", *words])
        except SystemExit as ended:
            status = ended.code
        os._exit(1 if status else 0)
    os.write(1, b"no\\n" if os.waitpid(child, 0)[1] else b"yes\\n")
"""


def ask_pip(*folders: Path) -> list[bool]:
    """Whether pip would install all of the requirements.txt in each of `folders`, there and without an index."""
    argv = [sys.executable, "-c", ASK, *map(str, folders)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=600)
    return [answer == "yes" for answer in done.stdout.split()]


def test_what_pip_can_install_is_taken_with_all_that_it_needs(tmp_path: Path) -> None:
    cases = {**TAKEN, **REFUSED}
    files = {case: lay(tmp_path / "here" / case, case, text) for case, text in cases.items()}
    answers = ask_pip(*(file.parent for file in files.values()))
    assert {case for case, answer in zip(files, answers, strict=True) if answer} == set(TAKEN)
    for case in REFUSED:
        with pytest.raises(Unfit, match=r"^line \d of `(requirements|other).txt`"):
            read_requirements(files[case])
    # Of what goes along pip can do the same elsewhere.
    for case in TAKEN:
        taken = read_requirements(files[case])
        for path in (*taken.files, *taken.installed):
            there = tmp_path / "there" / path.relative_to(tmp_path / "here")
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, there)
    assert all(ask_pip(*(tmp_path / "there" / case for case in TAKEN)))


def test_a_path_of_this_machine_alone_is_refused_where_pip_would_take_it(tmp_path: Path) -> None:
    file = lay(tmp_path / "x", "", f"own @ file://{tmp_path}/x/dist/{WHEEL}")
    assert ask_pip(file.parent) == [True]
    with pytest.raises(Unfit, match=r"line 2 of `requirements.txt` installs a `file:` address"):
        read_requirements(file)


@pytest.mark.parametrize("text", ["a", "a==1.*", "a[x,y]>=1,<2", "a ~= 1.0", "a===1", "A.b_c"])
def test_a_list_takes_what_pip_takes(text: str) -> None:
    assert is_package("pip", text)


@pytest.mark.parametrize("text", ["a==1.*.*", "a=1", "a==", "-e", "a;b", "a @ https://x", "a>=x", 'a; os_name == "x"'])
def test_a_list_refuses_what_pip_refuses_or_what_has_no_place(text: str) -> None:
    assert not is_package("pip", text)
