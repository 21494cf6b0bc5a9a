"""What is to follow after an upload, as it is written; no record holds it, so it stands in no meaning of a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nexusctl.config.load import load
from nexusctl.model.record import decode, encode
from nexusctl.model.uploads_and_packages import Reaction
from nexusctl.plan.compare.fields import compare


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("restart", Reaction(restart=True)),
        ("nothing", None),
        ("{signal: HUP}", Reaction(signal="SIGHUP")),
        ("{signal: SIGUSR1}", Reaction(signal="SIGUSR1")),
        ("{exec: nginx -s reload}", Reaction(command=("/bin/sh", "-c", "nginx -s reload"))),
        ("{exec: [nginx, -s, reload]}", Reaction(command=("nginx", "-s", "reload"))),
    ],
)
def test_a_consequence_is_a_word_or_names_a_signal_or_a_command(
    written: str, meant: Reaction | None, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    uploads = f"[{{content: x, target: /a, on_change: {written}}}, {{source: file, target: /b, on_change: {written}}}]"
    (tmp_path / "nexus.yaml").write_text(f"name: s\nsandboxes: {{a: {{image: debian, uploads: {uploads}}}}}\n")
    sandbox = load(tmp_path / "nexus.yaml").sandboxes["a"]
    assert [upload.on_change for upload in sandbox.uploads] == [meant, meant]
    # An import finds it in the record, and to a plan it makes no difference.
    assert [upload.on_change for upload in decode(encode(sandbox)).uploads] == [meant, meant]
    unsaid = replace(sandbox, uploads=tuple(replace(upload, on_change=None) for upload in sandbox.uploads))
    assert (unsaid == sandbox, compare(unsaid, sandbox, frozenset())) == (True, ())
