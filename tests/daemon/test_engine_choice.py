"""What `engine start` chooses, from facts alone."""

from dataclasses import replace

import pytest

from nexusctl.engine.docker.client.client import Endpoint
from nexusctl.engine.docker.host.cgroups import group_controllers
from nexusctl.engine.docker.host.decide import (
    Await,
    InstallEngine,
    Refuse,
    Situation,
    StartProcess,
    StartUnit,
    Target,
    Use,
    choose,
)
from nexusctl.engine.docker.host.machine_facts import Machine
from nexusctl.engine.docker.host.process import compose_command, compose_config, log_path

BARE = Machine(root=True, dockerd="", distribution="debian", apt=True)
READY = replace(BARE, dockerd="/usr/sbin/dockerd")
OWN = Target(socket="/tmp/own.sock", data_root="/tmp/own", named_by="--host")


def situation(machine: Machine, **more: object) -> Situation:
    return Situation(**{"target": Target(), "machine": machine, **more})  # type: ignore[arg-type]


def refusal(facts: Situation) -> str:
    choice = choose(facts)
    assert isinstance(choice, Refuse)
    return f"{choice.problem.summary} | {choice.problem.hint}"


def test_an_engine_that_answers_is_used_whatever_else_is_there() -> None:
    endpoint = Endpoint(url="unix:///x", source="DOCKER_HOST")
    facts = situation(READY, answering=endpoint, remote="tcp://far", denied=True, running=7)
    assert choose(facts) == Use(endpoint=endpoint)


def test_a_daemon_that_runs_but_does_not_answer_yet_is_waited_for() -> None:
    assert choose(situation(READY, running=7)) == Await(pid=7)


def test_an_installed_dockerd_is_started() -> None:
    assert choose(situation(READY)) == StartProcess(dockerd="/usr/sbin/dockerd", beside=False)


def test_a_second_daemon_is_started_beside_the_first() -> None:
    choice = choose(situation(replace(READY, neighbours=(7,)), target=OWN))
    assert choice == StartProcess(dockerd="/usr/sbin/dockerd", beside=True)


def test_systemd_starts_the_machines_own_engine_but_not_one_beside_it() -> None:
    machine = replace(READY, unit="docker")
    assert choose(situation(machine)) == StartUnit(unit="docker")
    assert isinstance(choose(situation(machine, target=OWN)), StartProcess)


@pytest.mark.parametrize(("distribution", "alike"), [("debian", ()), ("ubuntu", ("debian",)), ("mint", ("ubuntu",))])
def test_debian_and_its_children_get_their_own_package(distribution: str, alike: tuple[str, ...]) -> None:
    choice = choose(situation(replace(BARE, distribution=distribution, alike=alike)))
    assert isinstance(choice, InstallEngine)
    assert choice.commands[0] == ("apt-get", "update")
    assert "docker.io" in choice.commands[1]


def test_another_distribution_is_told_to_install_an_engine_itself() -> None:
    said = refusal(situation(replace(BARE, distribution="alpine", apt=False)))
    assert "alpine" in said
    assert "install Docker Engine the way" in said


def test_an_engine_elsewhere_is_not_started_from_here() -> None:
    said = refusal(situation(READY, target=Target(named_by="DOCKER_HOST"), remote="tcp://far:2375"))
    assert "tcp://far:2375" in said
    assert "take DOCKER_HOST away" in said


def test_a_socket_that_this_user_may_not_open_is_named_with_its_group() -> None:
    assert "usermod -aG docker" in refusal(situation(replace(READY, root=False), denied=True))


@pytest.mark.parametrize(
    ("machine", "target", "command"),
    [
        (replace(READY, unit="docker"), Target(), "sudo systemctl start docker"),
        (READY, Target(), 'sudo env "PATH=$PATH" nexusctl engine start'),
        (READY, OWN, "nexusctl engine start --host unix:///tmp/own.sock --data-root /tmp/own"),
        (BARE, Target(), "sudo apt-get install -y --no-install-recommends docker.io"),
    ],
)
def test_who_is_not_root_gets_the_exact_command(machine: Machine, target: Target, command: str) -> None:
    assert command in refusal(situation(replace(machine, root=False), target=target))


def test_an_engine_of_its_own_shares_no_path_with_the_machines() -> None:
    config, other = compose_config(OWN), compose_config(Target(socket="/tmp/other.sock"))
    assert config["hosts"] == ["unix:///tmp/own.sock"]
    assert config["data-root"] == "/tmp/own"
    assert not {str(value) for value in config.values()} & {str(value) for value in other.values()}
    paths = [str(config[key]) for key in ("data-root", "exec-root", "pidfile")]
    assert not any(path.startswith(("/var/lib/docker", "/var/run/docker")) for path in paths)


def test_the_machines_own_engine_is_started_as_its_own_configuration_says() -> None:
    assert compose_command("/usr/sbin/dockerd", Target(), beside=False) == ["/usr/sbin/dockerd"]


def test_only_an_engine_beside_another_gets_a_network_namespace_of_its_own() -> None:
    alone = compose_command("/usr/sbin/dockerd", OWN, beside=False)
    beside = compose_command("/usr/sbin/dockerd", OWN, beside=True)
    assert alone[:2] == ["/usr/sbin/dockerd", "--config-file"]
    assert beside[:2] == ["unshare", "--net"]
    assert beside[-len(alone) :] == alone


def test_only_the_usual_socket_without_a_data_root_is_the_machines_own_engine() -> None:
    assert Target().usual
    assert Target(socket="/run/docker.sock").usual
    assert not Target(data_root="/tmp/own").usual
    assert log_path(Target()) != log_path(OWN)


def test_enabled_controllers_are_mounted_and_those_of_one_hierarchy_together() -> None:
    rows = ["#subsys_name\thierarchy\tnum_cgroups\tenabled", "cpuset\t0\t1\t1", "cpu\t3\t1\t1"]
    rows += ["cpuacct\t3\t1\t1", "memory\t0\t1\t0", "pids\t0\t1\t1"]
    assert group_controllers("\n".join(rows)) == ["cpuset", "cpu,cpuacct", "pids"]
