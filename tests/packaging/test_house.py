"""The house reads as its map says: a class has a name of its own, files are short, rooms have few of them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusctl.model.engine_names import incoming_name, outgoing_name
from nexusctl.model.plan.actions import ACTIONS
from tests.packaging.test_wheel import ROOT

HOUSE = ROOT / "nexusctl"
LONGEST_FILE = 350
MOST_FILES = 16
VERBS = HOUSE / "cli" / "commands"
"""The one room that may hold more: a file for each verb, found by the verb's name."""

FACES = {"Stack": "nexusctl/stack.py"}
"""What others import from `nexusctl` itself is called as what it stands for, though a class within has that name."""


def list_files() -> list[Path]:
    return sorted(HOUSE.rglob("*.py"))


def find_classes(files: list[Path]) -> Iterator[tuple[str, str]]:
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield node.name, path.relative_to(ROOT).as_posix()


def find_namesakes(files: list[Path]) -> dict[str, list[str]]:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, place in find_classes(files):
        if FACES.get(name) != place:
            places[name].append(place)
    return {name: found for name, found in places.items() if len(found) > 1}


def test_no_two_classes_have_one_name() -> None:
    assert find_namesakes(list_files()) == {}


def test_the_face_that_shares_a_name_is_there() -> None:
    found = list(find_classes(list_files()))

    assert [(name, place) for name, place in FACES.items() if (name, place) not in found] == []


def test_no_file_is_longer_than_350_lines() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in list_files()}

    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_room_but_that_of_the_verbs_holds_more_than_sixteen_files() -> None:
    rooms: defaultdict[Path, int] = defaultdict(int)
    for path in list_files():
        rooms[path.parent] += path.name != "__init__.py"

    crowded = {room.relative_to(ROOT).as_posix(): count for room, count in rooms.items() if count > MOST_FILES}
    assert [room for room in crowded if ROOT / room != VERBS] == []


def test_each_room_says_in_a_sentence_what_is_in_it() -> None:
    rooms = {path.parent for path in list_files()}

    assert [room for room in sorted(rooms) if not says_something(room / "__init__.py")] == []


def says_something(path: Path) -> bool:
    return path.exists() and bool(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))))


def test_a_name_that_stands_twice_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.packaging.test_house.ROOT", tmp_path)
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text("def make():\n    class Inner:\n        pass\n")

    assert find_namesakes(sorted(tmp_path.iterdir())) == {"Inner": ["one.py", "two.py"]}


def find_texts(files: list[Path]) -> Iterator[tuple[str, str]]:
    """Each text of the program, pieces of f-strings too, with the file that it stands in."""
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value, path.relative_to(ROOT).as_posix()


def test_the_words_of_an_action_stand_in_one_table() -> None:
    words = {word for action in ACTIONS.values() for word in (action.to, action.will) if word}
    places = {place for text, place in find_texts(list_files()) if text in words}

    assert places == {"nexusctl/model/plan/actions.py"}


def test_what_a_container_is_called_beside_another_is_written_and_read_in_one_place() -> None:
    endings = {incoming_name(""), outgoing_name("")}
    places = {place for text, place in find_texts(list_files()) if text in endings}

    assert places == {"nexusctl/model/engine_names.py"}


def test_the_id_of_a_step_is_made_in_one_place() -> None:
    made = [
        (path.relative_to(ROOT).as_posix(), node.lineno)
        for path in sorted((HOUSE / "plan").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "id" and isinstance(node.value, ast.JoinedStr | ast.BinOp)
    ]

    assert made == []
