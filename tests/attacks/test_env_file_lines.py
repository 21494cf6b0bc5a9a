"""An env file's line is sensitive, however wrong it is: no door shows more of it than a name, in JSON neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.stranger import MARK, run, said

WRONG = {
    "unclosed double quote": f'A=1\nKEY="{MARK} x\nB=2\n',
    "unclosed single quote": f"A=1\nKEY='{MARK} x\n",
    "words behind a quote": f'A=1\nKEY="a" {MARK}\n',
    "key in quotes over lines": f'A=1\nKEY="-----BEGIN KEY-----\n{MARK}abc/def\n{MARK}ab==\n-----END KEY-----"\nB=2\n',
    "key without quotes": f"A=1\nKEY=-----BEGIN KEY-----\nMII{MARK}/x\n{MARK}ab==\n{MARK}a=\n-----END KEY-----\nB=2\n",
    "a colon": f"A=1\npassword: {MARK}\n",
    "no name": f"A=1\n{MARK} {MARK}=1\n",
    "a name in quotes": f"A=1\n'{MARK}'=1\n",
    "a value that is too long": f"A=1\nKEY={MARK * 30_000}\n",
}
DOORS = {
    "validate": ["validate"],
    "json": ["validate", "--json"],
    "origin": ["config", "--origin"],
    "compose": ["import", "compose", "compose.yaml", "--stdout"],
    "compose json": ["import", "compose", "compose.yaml", "-f", "new.yaml", "--json"],
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("wrong", WRONG)
def test_no_line_of_an_env_file_is_shown(tmp_path: Path, wrong: str, door: str) -> None:
    (tmp_path / "it.env").write_text(WRONG[wrong])
    (tmp_path / ".env").write_text(WRONG[wrong])
    (tmp_path / "nexus.yaml").write_text("name: x\nsandboxes: {a: {image: debian, env_file: it.env}}\n")
    (tmp_path / "compose.yaml").write_text("services: {b: {image: debian, env_file: [it.env]}}\n")
    done = run(tmp_path, *DOORS[door])
    assert MARK not in said(done)
    assert "Traceback" not in said(done)
