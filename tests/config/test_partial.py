"""A stack of which one file is missing: only what is wrong in itself is told of the rest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusctl.config.document.node import plain
from nexusctl.config.document.problems import Problems
from nexusctl.config.load import load
from nexusctl.config.read.reader import read_source
from nexusctl.config.read.yaml_parser import compose
from nexusctl.config.templates import builtin as template_found
from nexusctl.errors import InputError
from nexusctl.model.trust import OURS
from tests.config.folder import read_environment, read_inputs

HERE = Path(__file__).parent
CASES = sorted(folder.name for folder in (HERE / "good").iterdir() if (folder / "nexus.yaml").is_file())


def without_each(document: Any, depth: int) -> Iterator[Any]:
    """`document` without each of its entries in turn, to `depth` levels."""
    for key, value in document.items() if isinstance(document, dict) else ():
        yield {other: part for other, part in document.items() if other != key}
        if depth > 1:
            yield from ({**document, key: part} for part in without_each(value, depth - 1))


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_told_that_the_missing_file_may_have_put_right(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "stack"
    shutil.copytree(HERE / "good" / case, folder, symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(template_found, "FOLDER", HERE / "templates")
    for name, value in read_environment().items():
        monkeypatch.setenv(name, value)
    file = folder / "nexus.yaml"
    whole = plain(compose(read_source(file, trust=OURS), Problems()))
    named = whole.pop("include", None) or []
    includes = [*([named] if isinstance(named, str) else named), "./missing.yaml"]
    for left in [whole, *without_each(whole, 4)]:
        file.write_text(json.dumps({**left, "include": includes}))
        with pytest.raises(InputError) as caught:
            load(read_inputs())
        assert [problem.summary for problem in caught.value.diagnostics] == [
            "the `include` path `./missing.yaml` does not exist"
        ], json.dumps(left)
