"""Commands that take checksums, and what is read of their words."""

from __future__ import annotations

from nexusctl.model.values.cksum import Checksum, checksum_commands, read_checksums


def test_a_command_has_no_more_paths_than_the_kernel_takes_and_none_is_lost() -> None:
    paths = [f"/srv/{'x' * 200}/{number}" for number in range(20_000)]
    commands = list(checksum_commands(paths))
    assert [path for command in commands for path in command[3:]] == paths
    assert max(sum(len(word) + 9 for word in command) for command in commands) < 1024 * 1024
    assert len(commands) < 10


def test_what_no_line_can_hold_is_left_out() -> None:
    paths = ["/a\nb", "relative", "-", "/\udce9", "/é ü", "/-"]
    assert [command[3:] for command in checksum_commands(paths)] == [("/é ü", "/-")]
    assert not list(checksum_commands([]))


def test_lines_that_are_no_checksums_are_passed_over() -> None:
    said = "cksum: /b: Permission denied\n12 3 /a b\n1 2\n99999999999 1 /c\nx 1 /d\n4 5 relative\n6 7 /e"
    assert read_checksums(said) == {"/a b": Checksum(12, 3), "/e": Checksum(6, 7)}
