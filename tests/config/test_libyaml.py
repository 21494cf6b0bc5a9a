"""The C parser by itself says what PyYAML says, and leaves PyYAML as it was."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

TEXTS = [
    "a: 1\nb: [x, 'y', \"z\"]\n",
    "# only a comment\n",
    "a: &x {b: c}\nd: *x\n<<: *x\n",
    "a: |\n  text\n  more\nb: >-\n  folded\n",
    "---\na: !!str 1\n...\n---\nb\n",
    "a: 'open\n",
    "a: [1, 2\n",
    "\tb: c\n",
    "a: \x01\n",
    "",
]

_OWN = """
import json, sys
import nexusctl.__main__
from nexusctl.config.read import libyaml

def said(text):
    events = []
    try:
        for event in libyaml.parse(text):
            events.append(repr(event))
    except libyaml.marked_error() as error:
        events.append(f"{type(error).__name__} {error.problem_mark.line} {error.problem}")
    except Exception as error:
        events.append(type(error).__name__)
    return events

found = [said(text) for text in json.load(sys.stdin)]
alone = "yaml" not in sys.modules
import yaml
print(json.dumps([found, alone, yaml.safe_load("a: 1"), yaml.load("b: [2]", Loader=yaml.CSafeLoader)]))
"""


def test_it_says_what_the_whole_library_says_and_leaves_that_one_usable() -> None:
    pytest.importorskip("yaml._yaml")
    ran = subprocess.run(
        [sys.executable, "-c", _OWN], input=json.dumps(TEXTS), capture_output=True, text=True, check=True, timeout=60
    )
    found, alone, whole, c_whole = json.loads(ran.stdout)
    assert found == [_said(text) for text in TEXTS]
    assert alone
    assert (whole, c_whole) == ({"a": 1}, {"b": [2]})


def _said(text: str) -> list[str]:
    events = []
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            events.append(repr(event))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else None
        events.append(f"{type(error).__name__} {line} {error.problem}")
    except Exception as error:
        events.append(type(error).__name__)
    return events
