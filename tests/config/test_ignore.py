"""What `ignore` leaves out of an upload, and what a plan passes over in a sandbox: both as git itself answers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexusctl.config.build.files.digests import Digests, Unfit
from nexusctl.model.uploads_and_packages import Upload
from nexusctl.model.values.gitignore import find_malformed
from nexusctl.plan.compare.ignored_files import IgnoredFiles

FILES = (
    *("a.py", "b.txt", "c.PY", ".env", ".env.example", "README.md", "main.go", "!odd", "#odd", "a b", "tail ", "x\\y"),
    *("[z", "z", "-", "]", "é", "日", "foo.js", "foo", "app.log", "app/a.py", "app/main.go", "app/.env", "app/b/c.py"),
    *("app/secrets/key.pem", "app/secrets/public/k.pub", "secrets/key.pem", "secrets/.gitkeep", "src/a.py"),
    *(
        "src/b.txt",
        "src/lib/a.py",
        "src/lib/deep/er/a.py",
        "lib/a.py",
        "src/foo/bar",
        "src/foo/x/bar",
        "foobar/bar",
        "foob/x/bar",
    ),
    *("node_modules/a/index.js", "app/node_modules/b/node_modules/c/index.js", "build/out", "app/build/out", "x/build"),
    *("logs/a.log", "logs/keep.log", "logs/2024/a.log", "docs/a.md", "docs/b/a.md", "docs/b/c.txt", "dist/a/b/c/d"),
    *("a/b", "a/x/b", "a/x/y/b", "a/c/b/c", "b/a/b", "ab/ba/ab", "data/x.csv", "data/keep/x.csv", "data/keep/y.txt"),
    *("venv/bin/python", ".venv/bin/python", "__pycache__/a.pyc", "app/__pycache__/a.pyc", "tmp/.keep", "tmp/x/.keep"),
)

IDIOMS = {
    "only some kinds of files": ["*", "!*/", "!*.py"],
    "a folder of secrets, and one that is taken in again": ["secrets/", "!app/"],
    "everything but one folder": ["/*", "!/src/"],
    "everything but one folder deeper": ["/*", "!/src/", "/src/*", "!/src/lib/"],
    "a file below a folder that is left out stays out": ["logs/", "!logs/keep.log"],
    "what is in a folder but for one file": ["logs/*", "!logs/keep.log"],
    "all below a folder but for one file": ["logs/**", "!logs/**/", "!logs/keep.log"],
    "a folder at any depth": ["node_modules/"],
    "a folder at the top alone": ["/build/"],
    "a file or a folder of one name": ["build"],
    "environments but for the example": [".env*", "!.env.example"],
    "any depth in the middle": ["a/**/b"],
    "any depth at the beginning": ["**/__pycache__/**"],
    "any depth at the end": ["docs/**"],
    "two stars that are one": ["foo**/bar", "src/l**b"],
    "signs that are meant": ["\\!odd", "\\#odd", "a\\ b", "tail\\ ", "x\\\\y", "\\[z"],
    "comments, blank lines and blanks at the end": ["# *", "", "*.log   ", "   "],
    "sets of signs": ["[a-c].*", "*.[jJ][sS]", "[![:alnum:]_.]", "[[]z", "?.PY", "???"],
    "keep only a mark of each folder": ["**/*", "!**/", "!.gitkeep", "!.keep"],
}
"""Nineteen of them, as people write them."""


class Tree:
    """A folder with all of `FILES`, which git and nexusctl look at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tree"
        for name in FILES:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        self._patterns = folder / "patterns"
        nowhere = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_DIR": str(folder / "git")}
        self._env = {**os.environ, **nowhere, "GIT_WORK_TREE": str(self.folder)}
        self._git("init", "-q")
        self.digests = Digests()

    def _git(self, *words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=self.folder, env=self._env, check=True, capture_output=True, text=True
        ).stdout

    def ask_git(self, patterns: list[str]) -> set[str]:
        self._patterns.write_bytes("\n".join(patterns).encode() + b"\n")
        return set(self._git("ls-files", "-z", "-o", "-X", str(self._patterns)).split("\0")[:-1])

    def list_uploaded(self, patterns: list[str]) -> set[str]:
        entries = self.digests.tree(self.folder, tuple(patterns), None)
        return {entry.path for entry in entries if entry.kind == "file"}

    def list_counted(self, patterns: list[str]) -> set[str]:
        """The files that count as added where a sandbox has them."""
        ignored = IgnoredFiles([Upload(target="/x", files=(), ignore=tuple(patterns))])
        return {name for name in FILES if not ignored.match(f"/x/{name}", "file")}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("ignore"))


@pytest.mark.parametrize("idiom", IDIOMS)
def test_what_people_write_into_a_gitignore_means_the_same(tree: Tree, idiom: str) -> None:
    patterns = IDIOMS[idiom]
    expected = tree.ask_git(patterns)
    assert expected < set(FILES)
    assert tree.list_uploaded(patterns) == expected
    assert tree.list_counted(patterns) == expected


_names = st.sampled_from(sorted({part for name in FILES for part in name.split("/")}))
_pieces = st.one_of(
    st.sampled_from(["*", "**", "?", "a", "b", "py", ".", "foo", "s", "é", " ", "\\", "\\a", "[ab]", "[!a]", "[^b-y]"]),
    st.sampled_from(["[[:alpha:]]", "[]]", "[]-a]", "[a-]", "[\\]]", "[", "[z", "[[:no:]]", "[[:a]", "[/]", "!"]),
    st.text(st.sampled_from("ab.*?[]!^-\\:é"), max_size=4),
)
_parts = st.one_of(
    _names,
    st.just("**"),
    st.just("*"),
    st.lists(_pieces, min_size=1, max_size=4).map("".join),
    st.tuples(_names, _pieces).map(lambda pair: pair[0][:2] + pair[1]),
)
_patterns = st.tuples(
    st.sampled_from(["", "", "", "!", "\\!", "#", " "]),
    st.sampled_from(["", "", "/", "**/", "//"]),
    st.lists(_parts, min_size=1, max_size=4).map("/".join),
    st.sampled_from(["", "", "/", "/**", "/*", " ", "\\ ", "\r", "\t", "//", "\\"]),
).map("".join)
_everything = st.sampled_from(["*", "/*", "**", "!*/", "!*", "*/", "**/*", "!/*/", "!*.py"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_patterns, _everything), min_size=1, max_size=6))
def test_any_list_of_patterns_means_the_same_as_for_git(tree: Tree, patterns: list[str]) -> None:
    expected = tree.ask_git(patterns)
    assert tree.list_counted(patterns) == expected
    if problems := list(find_malformed(patterns)):
        assert tree.ask_git([line for line, _ in problems]) == set(FILES)
        with pytest.raises(Unfit, match="cannot be read"):
            tree.list_uploaded(patterns)
    else:
        assert tree.list_uploaded(patterns) == expected
