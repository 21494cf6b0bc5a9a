"""A saved plan is carried out as it was shown, or not at all."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from nexusctl import __version__
from nexusctl.api import planning, saving
from nexusctl.engine.memory import MemoryEngine
from nexusctl.errors import InputError, PlanError
from nexusctl.model.load_request import Inputs
from nexusctl.model.stack import Stack
from nexusctl.plan.commands.basis import Basis
from nexusctl.plan.commands.fingerprint import Fingerprints, take_fingerprints
from nexusctl.plan.commands.names import Choice
from nexusctl.plan.commands.saved import find_moved
from nexusctl.plan.plan import make_plan
from tests.plan.drafts import stack_pairs
from tests.plan.worlds import carry_out, new_engine, plan_for
from tests.saved.workbench import THREE, Workbench

SALT = "00" * 16


def save(bench: Workbench, **words: tuple[str, ...]) -> Basis:
    basis = bench.prepare(**words)
    saving.save_plan(bench.engine, basis, Inputs(files=(bench.file,)), bench.folder / "saved", deep=False)
    return basis


def recall(bench: Workbench) -> Basis:
    return saving.recall_plan(bench.engine, saving.read_plan(bench.folder / "saved"))


def moved(bench: Workbench) -> list[str]:
    before = list(bench.engine.calls)
    with pytest.raises(PlanError) as caught:
        recall(bench)
    assert bench.engine.calls == before, "something was changed"
    (problem,) = caught.value.diagnostics
    return [note.text for note in problem.notes]


def test_where_nothing_moved_the_plan_that_was_shown_comes_back(bench: Workbench) -> None:
    bench.apply()
    bench.write(THREE.replace("3000", "3001"))
    shown = save(bench).plan
    assert not shown.empty
    assert recall(bench).plan == shown


def test_a_plan_that_was_carried_out_does_not_hold_a_second_time(bench: Workbench) -> None:
    save(bench)
    bench.carry_out(recall(bench).plan)
    assert "sandbox db: its container is new" in moved(bench)


def test_another_engine_is_refused_however_much_alike_it_is(bench: Workbench) -> None:
    save(bench)
    bench.engine = Workbench(bench.folder).engine
    assert moved(bench) == ["the engine is another one than it was made for"]


def rewrite(old: str, new: str) -> Callable[[Workbench], None]:
    return lambda bench: bench.write(THREE.replace(old, new))


def remove(bench: Workbench) -> None:
    bench.engine.remove_container(bench.container("api"))


def make_anew(bench: Workbench) -> None:
    remove(bench)
    bench.carry_out(bench.prepare().plan)


def stop(bench: Workbench) -> None:
    bench.engine.stop_container(bench.container("api"))


def rename(bench: Workbench) -> None:
    bench.engine.rename_container(bench.container("api"), "elsewhere")


def amend(bench: Workbench) -> None:
    found = bench.engine.containers[bench.container("api")]
    bench.engine.amend("demo", replace(found.sandbox, metadata={"team": "x"}), found.id)


def disconnect(bench: Workbench) -> None:
    found = bench.engine.containers[bench.container("api")]
    bench.engine.disconnect(found.id, next(iter(found.networks)))


def move_image(bench: Workbench) -> None:
    bench.engine.images["img:1"] = replace(bench.engine.images["img:1"], id="sha256:other")


def lose_network(bench: Workbench) -> None:
    bench.engine.networks.clear()


def lose_volume(bench: Workbench) -> None:
    bench.engine.volumes.clear()


MOVES: dict[str, tuple[Callable[[Workbench], None], str]] = {
    "a value changed": (rewrite("3000", "3001"), "input: env.PORT of api was changed"),
    "a value added": (rewrite('PORT: "3000"', 'PORT: "3000", A: b'), "input: env.A of api was added"),
    "a value gone": (rewrite('env: {PORT: "3000"}', "env: {}"), "input: env.PORT of api was removed"),
    "a dependency gone": (rewrite("depends_on: [api], ", ""), "input: depends_on.api of web was removed"),
    "an uploaded file changed": (
        lambda bench: bench.write(THREE, server="other()"),
        "input: uploads./server.js of api was changed",
    ),
    "a sandbox gone": (rewrite('  web: {image: img:1, depends_on: [api], startup: "true"}', ""), "input: sandbox web"),
    "a volume added": (rewrite("{data: {}}", "{data: {}, more: {}}"), "input: volume more of the stack file was added"),
    "the stack renamed": (rewrite("name: demo", "name: other"), "input: the stack is called other, it was demo"),
    "a container removed": (remove, "sandbox api: its container is gone"),
    "a container replaced": (make_anew, "sandbox api: its container was replaced"),
    "a container stopped": (stop, "sandbox api: the state of its container changed (it was running, now exited)"),
    "a container renamed": (rename, "sandbox api: the name of its container changed"),
    "a record amended": (amend, "sandbox api: the record of its container changed"),
    "a container disconnected": (disconnect, "sandbox api: the networks of its container changed"),
    "an image moved": (move_image, "image img:1 is another one"),
    "a network removed": (lose_network, "network default was removed"),
    "a volume removed": (lose_volume, "volume data was removed"),
}


@pytest.mark.parametrize("case", MOVES)
def test_what_moved_is_named_and_nothing_is_changed(bench: Workbench, case: str) -> None:
    bench.apply()
    bench.engine.remove_container(bench.container("web"))
    save(bench)
    move, phrase = MOVES[case]
    move(bench)
    said = moved(bench)
    assert [text for text in said if text.startswith(phrase)], said


def test_what_moved_outside_of_a_part_does_not_matter_to_it(bench: Workbench) -> None:
    bench.apply()
    bench.write(THREE.replace("4711", "4712"))
    shown = save(bench, targets=("db",)).plan
    stop(bench)
    assert recall(bench).plan.steps == shown.steps


def test_no_value_stands_in_the_file_and_only_its_owner_reads_it(bench: Workbench) -> None:
    bench.apply()
    bench.write(THREE.replace("4711", "0815"))
    save(bench)
    path = bench.folder / "saved"
    text = path.read_text()
    salt = bytes.fromhex(json.loads(text)["body"]["salt"])
    for value in ("4711", "0815"):
        assert f'"{value}' not in text
        for form in (value, json.dumps(value)):
            assert hashlib.sha256(form.encode()).hexdigest()[:24] not in text
            assert hashlib.sha256(salt + form.encode()).hexdigest()[:24] not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_older_file_of_that_name_is_replaced_and_loses_its_mode(bench: Workbench) -> None:
    (bench.folder / "saved").write_text("old")
    (bench.folder / "saved").chmod(0o666)
    save(bench)
    assert stat.S_IMODE((bench.folder / "saved").stat().st_mode) == 0o600
    assert sorted(path.name for path in bench.folder.iterdir()) == ["nexus.yaml", "saved", "server.js"]


def test_a_saved_plan_remembers_all_its_files_wherever_it_is_carried_out(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write(THREE)
    (bench.folder / "over.yaml").write_text('sandboxes: {api: {env: {PORT: "4000"}}}\n')
    monkeypatch.chdir(bench.folder)
    inputs = Inputs(files=(Path("nexus.yaml"), Path("over.yaml")))
    basis = saving.prepare(bench.engine, planning.load(inputs))
    saving.save_plan(bench.engine, basis, inputs, bench.folder / "saved", deep=False)
    monkeypatch.chdir("/")
    saved = saving.read_plan(bench.folder / "saved")
    assert saving.recall_plan(bench.engine, saved).stack.sandboxes["api"].env == {"PORT": "4000"}
    (bench.folder / "over.yaml").write_text('sandboxes: {api: {env: {PORT: "5000"}}}\n')
    with pytest.raises(PlanError) as caught:
        saving.recall_plan(bench.engine, saved)
    assert [note.text for note in caught.value.diagnostics[0].notes] == ["input: env.PORT of api was changed"]


def test_a_place_that_cannot_be_written_is_said(bench: Workbench) -> None:
    with pytest.raises(InputError, match="cannot be saved as"):
        saving.save_plan(
            bench.engine, bench.prepare(), Inputs(files=(bench.file,)), bench.folder / "no" / "such", deep=False
        )


SPOILED: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: "", "it is not a saved plan"),
    "foreign": (lambda text: '{"format_version": 1}', "it is not a saved plan"),
    "a list": (lambda text: "[1]", "it is not a saved plan"),
    "nested too deeply": (lambda text: "[" * 100_000, "it is not a saved plan"),
    "cut": (lambda text: text[:-40], "it is not a saved plan"),
    "altered": (lambda text: text.replace('"deep": false', '"deep": true'), "it is damaged"),
    "newer": (lambda text: text.replace('"format_version": 1', '"format_version": 2'), "its format version is 2"),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_file_that_is_no_saved_plan_is_refused(bench: Workbench, case: str) -> None:
    save(bench)
    spoil, words = SPOILED[case]
    path = bench.folder / "saved"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(InputError, match=words):
        recall(bench)


def test_a_stack_file_in_the_place_of_a_saved_plan_gets_the_option_for_it(bench: Workbench) -> None:
    with pytest.raises(InputError) as caught:
        saving.read_plan(bench.file)
    assert f"a stack file is named with `-f {bench.file}`" in str(caught.value.diagnostics[0].hint)


def test_an_exit_code_that_there_was_none_of_is_called_none(bench: Workbench) -> None:
    bench.apply()
    save(bench)
    bench.engine.stop_container(bench.container("db"))
    with pytest.raises(PlanError) as caught:
        recall(bench)
    assert any("(it was none, now " in note.text for note in caught.value.diagnostics[0].notes)


def test_bytes_that_are_no_text_and_a_missing_file_are_refused(bench: Workbench) -> None:
    (bench.folder / "saved").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="it is not a saved plan"):
        recall(bench)
    with pytest.raises(InputError, match="No such file"):
        saving.read_plan(bench.folder / "none")


def test_the_plan_of_another_nexusctl_is_refused(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    save(bench)
    monkeypatch.setattr(saving, "__version__", "99.0")
    with pytest.raises(InputError, match=f"nexusctl {__version__} wrote it, and this is nexusctl 99.0"):
        recall(bench)


@settings(max_examples=60, deadline=None)
@given(pair=stack_pairs())
def test_what_did_not_move_is_never_said_to_have_moved(pair: tuple[Stack, Stack]) -> None:
    before, after = pair
    engine = new_engine()
    carry_out(engine, plan_for(engine, before))
    first, second = (_prints(after, engine) for _ in range(2))
    assert find_moved(first, second) == ()


def _prints(stack: Stack, engine: MemoryEngine) -> Fingerprints:
    live = engine.observe(stack)
    plan = make_plan(stack, live, engine.in_place)
    return take_fingerprints(Basis(stack=stack, live=live, choice=Choice(), plan=plan), SALT)


def test_what_moves_all_the_time_does_not_count(bench: Workbench) -> None:
    bench.apply()
    bench.write(THREE.replace("3000", "3001"))
    before = bench.prepare()
    noted = replace(before.plan.changes[0], notes=("12 MiB that it has written are lost",))
    after = replace(before, plan=replace(before.plan, changes=(noted, *before.plan.changes[1:])))
    assert find_moved(take_fingerprints(before, SALT), take_fingerprints(after, SALT)) == ()


def test_an_image_that_is_gone_is_named(bench: Workbench) -> None:
    save(bench)
    del bench.engine.images["img:1"]
    assert moved(bench) == ["image img:1 is another one, or was made or removed"]


def test_a_plan_that_comes_out_differently_for_a_reason_outside_is_refused(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.apply()
    bench.write(THREE, server="other()")
    save(bench)
    monkeypatch.setattr(MemoryEngine, "in_place", frozenset())
    assert moved(bench) == ["sandbox api: what is to be done for it comes out differently"]
