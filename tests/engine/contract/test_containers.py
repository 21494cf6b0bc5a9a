from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nexusctl.engine.cancel import CANCELLED
from nexusctl.errors import Conflict, EngineError, NotFound
from nexusctl.model.env_file_text import EnvFileText
from nexusctl.model.plan.plan import LeftBehind
from nexusctl.model.record import encode
from nexusctl.model.stack import Health, Port, Resources
from nexusctl.run.interrupt import Interrupt
from tests.engine.workshop import Workshop, folder, sha256, text


def test_a_created_sandbox_is_observed_with_its_whole_record(shop: Workshop) -> None:
    sandbox = shop.sandbox(
        env={"B": "2", "A": "1"}, uploads=(text("/srv/x", "x"),), health=Health(tcp_port=80), metadata={"team": "b"}
    )
    container_id = shop.create(sandbox)
    live = shop.look(container_id)
    assert (live.sandbox, live.state, live.record, live.exit_code) == ("a", "created", sandbox, None)
    assert live.name == f"{shop.stack}_a"
    assert live.partial


def test_what_an_env_file_gave_is_not_in_the_record_and_is_observed_all_the_same(shop: Workshop) -> None:
    sandbox = shop.sandbox(env={"PIN": EnvFileText("hunter 2=\n3"), "A": "1"})
    assert "hunter" not in encode(sandbox)
    container_id = shop.create(sandbox)
    seen = shop.look(container_id).record
    assert seen == sandbox
    assert isinstance(seen.env["PIN"], EnvFileText)
    assert not isinstance(seen.env["A"], EnvFileText)
    assert shop.create(sandbox) == container_id


def test_creating_the_same_again_takes_over_what_is_there(shop: Workshop) -> None:
    sandbox = shop.sandbox(uploads=(text("/srv/x", "x"),))
    assert shop.create(sandbox) == shop.create(sandbox)


def test_a_name_that_another_sandbox_has_is_a_conflict_that_names_it(shop: Workshop) -> None:
    sandbox = shop.sandbox()
    shop.create(sandbox)
    with pytest.raises(Conflict, match=f"{shop.stack}_a is taken"):
        shop.create(replace(sandbox, env={"OTHER": "1"}))


def test_a_running_sandbox_is_not_taken_over_by_a_second_create(shop: Workshop) -> None:
    sandbox = shop.sandbox()
    shop.start(sandbox)
    with pytest.raises(Conflict):
        shop.create(sandbox)


def test_an_absent_image_is_not_found(shop: Workshop) -> None:
    with pytest.raises(NotFound):
        shop.create(shop.sandbox(image="nowhere/such-image:1"))
    assert shop.observe().sandboxes == ()


def test_starting_twice_is_starting_once(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    shop.engine.start_container(container_id)
    live = shop.look(container_id)
    assert (live.state, live.partial) == ("running", False)


def test_stopping_twice_is_stopping_once(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    shop.engine.stop_container(container_id)
    shop.engine.stop_container(container_id)
    assert shop.look(container_id).state == "exited"
    assert shop.engine.condition(container_id).exit_code == 143


def test_a_task_tells_its_exit_code(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(kind="task", command=("sh", "-c", "exit 7")))
    assert shop.await_exit(container_id).state == "exited"
    live = shop.look(container_id)
    assert (live.state, live.exit_code) == ("exited", 7)


def test_removing_twice_is_removing_once(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    shop.engine.remove_container(container_id)
    shop.engine.remove_container(container_id)
    assert shop.observe().sandboxes == ()


def test_an_unknown_container_is_not_found(shop: Workshop) -> None:
    for call in (shop.engine.condition, shop.engine.start_container, shop.engine.stop_container):
        with pytest.raises(NotFound):
            call("f" * 64)


def test_a_sandbox_under_its_birth_name_is_partial_until_it_is_renamed(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(), birth_name=f"{shop.stack}_a_new")
    live = shop.look(container_id)
    assert (live.name, live.partial) == (f"{shop.stack}_a_new", True)
    shop.engine.rename_container(container_id, f"{shop.stack}_a")
    live = shop.look(container_id)
    assert (live.name, live.partial) == (f"{shop.stack}_a", False)


def test_renaming_twice_is_renaming_once(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox())
    shop.engine.rename_container(container_id, f"{shop.stack}_b")
    shop.engine.rename_container(container_id, f"{shop.stack}_b")
    assert shop.look(container_id).name == f"{shop.stack}_b"


def test_renaming_to_a_taken_name_is_a_conflict_that_names_it(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox("a"))
    shop.create(shop.sandbox("b"))
    with pytest.raises(Conflict, match=f"{shop.stack}_b is taken"):
        shop.engine.rename_container(container_id, f"{shop.stack}_b")


def test_a_port_without_a_host_port_gets_a_free_one(shop: Workshop) -> None:
    network = shop.join()
    found = []
    for name in ("a", "b"):
        container_id = shop.start(shop.sandbox(name, ports=(Port(container=80),)), networks=(network,))
        (port,) = shop.look(container_id).ports
        assert (port.container, port.address, port.protocol) == (80, "127.0.0.1", "tcp")
        found.append(port.host)
    assert None not in found
    assert len(set(found)) == 2


def test_a_port_without_a_host_port_gets_the_one_that_is_wished_while_that_is_free_and_starts_in_any_case(
    shop: Workshop,
) -> None:
    network, free = shop.join(), Port(container=80)
    first = shop.start(shop.sandbox("a", ports=(free,)), networks=(network,))
    wished = shop.engine.condition(first).ports
    assert wished == shop.look(first).ports
    for _ in range(3):
        shop.engine.remove_container(first)
        sandbox = shop.sandbox("a", ports=(free,))
        place = replace(shop.place(sandbox, networks=(network,)), ports=wished)
        first = shop.engine.create_container(shop.stack, sandbox, place)
        shop.engine.start_container(first)
        assert shop.engine.condition(first).ports == wished
        assert shop.look(first).record == sandbox
    beside = shop.sandbox("b", ports=(free,))
    second = shop.engine.create_container(
        shop.stack, beside, replace(shop.place(beside, networks=(network,)), ports=wished)
    )
    shop.engine.start_container(second)
    (other,) = shop.engine.condition(second).ports
    assert other.host not in (None, wished[0].host)
    shop.engine.stop_container(second, 0)
    assert shop.engine.condition(second).ports == ()


def test_a_host_port_that_is_taken_stops_the_start_and_nothing_else(shop: Workshop) -> None:
    network = shop.join()
    first = shop.start(shop.sandbox("a", ports=(Port(container=80),)), networks=(network,))
    taken = shop.look(first).ports[0].host
    second = shop.create(shop.sandbox("b", ports=(Port(container=80, host=taken),)), networks=(network,))
    with pytest.raises(EngineError, match="allocated"):
        shop.engine.start_container(second)
    assert shop.look(second).state == "created"


def test_a_nul_in_a_variable_lets_it_be_created_and_not_started(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox(env={"A": "x\0y"}))
    with pytest.raises(EngineError):
        shop.engine.start_container(container_id)
    assert shop.look(container_id).partial


def test_a_variable_that_is_too_long_lets_it_be_started_and_ends_it(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(env={"A": "x" * 131_072}))
    assert shop.await_exit(container_id).exit_code not in (0, None)


def test_limits_change_in_place_and_can_be_lifted(shop: Workshop) -> None:
    limited = Resources(cpus=0.5, memory=64 << 20, pids=100)
    container_id = shop.start(shop.sandbox(resources=limited, restart="always"))
    seen = shop.look(container_id, deep=True).inspection
    assert seen is not None
    assert (seen.resources, seen.restart) == (limited, "always")
    for wanted in (Resources(cpus=1, memory=128 << 20, pids=50), Resources(), limited):
        shop.engine.update_limits(container_id, wanted, "no")
        seen = shop.look(container_id, deep=True).inspection
        assert seen is not None
        assert (seen.resources, seen.restart) == (wanted, "no")


def test_a_task_is_never_restarted(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox(kind="task", restart="always"))
    seen = shop.look(container_id, deep=True).inspection
    assert seen is not None
    assert seen.restart == "no"


def test_uploads_are_there_when_the_sandbox_starts(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(uploads=(text("/srv/deep/down/x", "one"), text("/tmp/y", "two"))))
    assert shop.digest(container_id, "/srv/deep/down/x") == sha256("one")
    assert shop.digest(container_id, "/tmp/y") == sha256("two")


def test_uploads_replace_and_remove_files_of_a_running_sandbox(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox(uploads=(text("/srv/x", "one"), text("/srv/y", "two"))))
    shop.engine.upload(container_id, [text("/srv/x", "three"), text("/srv/new/z", "four")], ["/srv/y", "/srv/absent"])
    found = [shop.digest(container_id, path) for path in ("/srv/x", "/srv/new/z", "/srv/y")]
    assert found == [sha256("three"), sha256("four"), None]


@pytest.mark.parametrize("running", [True, False])
def test_what_lies_at_a_place_that_is_cleared_goes_with_all_in_it(shop: Workshop, running: bool) -> None:
    make = shop.start if running else shop.create
    container_id = make(shop.sandbox(uploads=(text("/srv/x/y/z", "one"), text("/srv/x/kept", "two"))))
    shop.engine.upload(container_id, [text("/srv/x/y", "three")], clear=["/srv/x/y"])
    if not running:
        shop.engine.start_container(container_id)
    found = [shop.digest(container_id, path) for path in ("/srv/x/y", "/srv/x/y/z", "/srv/x/kept")]
    assert found == [sha256("three"), None, sha256("two")]


def test_files_are_not_removed_from_a_sandbox_that_does_not_run(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox())
    with pytest.raises(Conflict, match="running"):
        shop.engine.upload(container_id, (), ["/etc/hostname"])


def test_a_script_gives_its_exit_code_and_output(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    outcome = shop.engine.run_script(container_id, "echo hello; exit 5")
    assert (outcome.exit_code, outcome.output) == (5, "hello\n")


def test_a_probe_passes_or_not_as_its_command_does(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    assert shop.engine.probe(container_id, Health(command=("true",))).exit_code == 0
    assert shop.engine.probe(container_id, Health(command=("false",))).exit_code == 1


def test_nothing_is_run_in_a_sandbox_that_does_not_run(shop: Workshop) -> None:
    container_id = shop.create(shop.sandbox())
    with pytest.raises(Conflict):
        shop.engine.run_script(container_id, "true")


@pytest.mark.parametrize(("command", "health"), [(("true",), "healthy"), (("false",), "unhealthy")])
def test_a_health_probe_is_seen_in_the_condition_and_in_the_list(
    shop: Workshop, command: tuple[str, ...], health: str
) -> None:
    probe = Health(command=command, interval=0.1, timeout=60, retries=1)
    container_id = shop.start(shop.sandbox(health=probe))
    shop.await_condition(container_id, lambda condition: condition.health == health)
    assert shop.look(container_id).health == health


def test_what_a_sandbox_has_written_is_measured_for_those_that_are_asked_about(shop: Workshop) -> None:
    written = shop.create(shop.sandbox(uploads=(text("/srv/x", "x" * 5000),)))
    shop.create(shop.sandbox("other"))
    found = shop.engine.overview.measure([written, "0" * 64])
    assert list(found) == [written]
    assert 5000 <= found[written] < 10_000
    assert shop.engine.overview.measure([]) == {}


def test_what_a_sandbox_has_written_is_carried_over_but_for_what_is_left_behind(shop: Workshop) -> None:
    paths = ("/srv/kept", "/srv/left/x", "/srv/node_modules/y", "/srv/both")
    old = shop.start(shop.sandbox(uploads=tuple(text(path, "old") for path in paths)))
    shop.engine.stop_container(old)
    new = shop.create(shop.sandbox("b", uploads=(text("/srv/both", "new"),)))
    shop.engine.carry_over(old, new, LeftBehind(whole=("/srv/left", "node_modules", "/srv/both")))
    shop.engine.start_container(new)
    digests = [shop.digest(new, path) for path in paths]
    assert digests == [sha256("old"), None, None, sha256("new")]


def test_a_folder_of_the_new_one_stays_as_it_is_and_a_hollow_one_is_carried_only_with_something_in_it(
    shop: Workshop, tmp_path: Path
) -> None:
    before = folder(tmp_path / "before", "/srv/own", 0o700, "full/x", "hollow/z")
    old = shop.start(shop.sandbox(uploads=(before,)))
    shop.engine.stop_container(old)
    new = shop.create(shop.sandbox("b", uploads=(folder(tmp_path / "after", "/srv/own", 0o755),)))
    left = LeftBehind(whole=("/srv/own/hollow/z",), entries=("/srv/own",), hollow=("/srv/own/full", "/srv/own/hollow"))
    shop.engine.carry_over(old, new, left)
    shop.engine.start_container(new)
    modes = [shop.mode(new, path) for path in ("/srv/own", "/srv/own/full", "/srv/own/full/x", "/srv/own/hollow")]
    assert modes == [0o755, 0o755, 0o644, None]


def test_what_nobody_wants_any_more_is_killed_and_says_so(shop: Workshop) -> None:
    container_id = shop.start(shop.sandbox())
    asked = Interrupt()
    asked.request()
    for outcome in (
        shop.engine.run_command(container_id, ("sleep", "100"), cancel=asked),
        shop.engine.run_script(container_id, "sleep 100", cancel=asked),
    ):
        assert (outcome.exit_code, outcome.timed_out) == (CANCELLED, False)
    assert shop.engine.run_command(container_id, ("true",)).exit_code == 0
