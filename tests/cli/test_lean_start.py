"""The process of a command starts without modules that it makes no use of, and whoever asks for them has them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = ("ast", "concurrent.futures", "difflib", "inspect", "logging", "platform", "urllib.parse", "uuid")


def say(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_needs_no_engine_loads_none_of_them(tmp_path: Path) -> None:
    file = tmp_path / "nexus.yaml"
    file.write_text("name: lean\nsandboxes:\n  box: {image: debian, health: {http: ':80/'}, ports: ['80']}\n")
    for words in (["--version"], ["exec", "box"], ["validate", "-f", str(file)]):
        program = f"""
import sys
import nexusctl.cli.lean_start
from nexusctl.cli.main import main
sys.argv[1:] = {words}
main()
print("loaded:", *sorted({{*{HEAVY + (() if words[0] == "validate" else ("datetime",))}}} & sys.modules.keys()))
"""
        assert say(program).splitlines()[-1] == "loaded:", words


def test_whoever_asks_for_one_has_the_real_one() -> None:
    program = """
import nexusctl.cli.lean_start
import dataclasses, datetime, gettext, inspect, ipaddress, ntpath, pathlib, urllib.parse, uuid
import click
assert inspect.signature(lambda one, *, two: 0).parameters.keys() == {"one", "two"}
assert click.UUID.convert(str(made := uuid.uuid4()), None, None) == made
assert isinstance(click.UUID.convert(made, None, None), uuid.UUID)
assert gettext.NullTranslations
assert click.DateTime().convert("2026-01-02", None, None) == datetime.datetime(2026, 1, 2)
assert pathlib.Path("/a b").as_uri() == "file:///a%20b"
assert ipaddress.ip_address("::1").is_loopback
assert urllib.parse.urlsplit("http://[::1]:80/").hostname == "::1"
assert pathlib.PureWindowsPath("c:\\\\a\\\\b").name == "b"
assert ntpath.join("a", "b") == "a\\\\b"
assert click.core.inspect.isfunction(click.echo)

@dataclasses.dataclass
class Point:
    x: int
    y: int = 2

assert Point.__doc__ == "Point(x: int, y: int = 2)", Point.__doc__
print("fine")
"""
    assert say(program) == "fine"


def test_help_of_several_lines_is_as_clean_as_it_was() -> None:
    program = '''
import nexusctl.cli.lean_start
import click

@click.command()
@click.option("--one", help="  one line ")
@click.option("--two", help="""
    first

      second
    """)
def run(): ...

print([parameter.help for parameter in run.params])
'''
    plain = program.replace("import nexusctl.cli.lean_start\n", "")
    assert say(program) == say(plain)


def test_what_another_release_asks_for_while_it_is_imported_is_there() -> None:
    program = """
import nexusctl.cli.lean_start as lean
with lean._standing_in({"wave": {}}):
    import wave
    opened = wave.open
import wave
assert opened is wave.open
print("fine")
"""
    assert say(program) == "fine"
