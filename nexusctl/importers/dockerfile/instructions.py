"""The instructions of a Dockerfile, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from nexusctl.config.document.node import Scalar, Source
from nexusctl.model.values.frozen import dataclass

_INSTRUCTION = re.compile(r"\s*(?P<word>[A-Za-z]+)(?:\s+(?P<rest>.*))?\Z", re.DOTALL)
_ESCAPE = re.compile(r"#\s*escape\s*=\s*(?P<character>[\\`])\s*\Z", re.IGNORECASE)
_DIRECTIVE = re.compile(r"#\s*[A-Za-z]+\s*=")
_FLAG = re.compile(r"--(?P<name>[a-z-]+)(?:=(?P<value>\S*))?(?:\s+|\Z)")
_HEREDOC = re.compile(r"<<(?P<dash>-?)(?P<quote>[\"']?)(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P=quote)")
_TAKES_HEREDOC = ("RUN", "COPY", "ADD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heredoc:
    """`literal` is True where no variables are put into `text`."""

    name: str
    text: str
    literal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: its word in capitals, its `--flags`, and what follows them, with lines that go on joined."""

    word: str
    flags: Sequence[tuple[str, str]]
    rest: str
    place: Scalar
    heredocs: Mapping[str, Heredoc] = field(default_factory=dict)

    def flag(self, name: str) -> str:
        return next((value for flag, value in self.flags if flag == name), "")

    @property
    def shown(self) -> str:
        """What messages call it."""
        return f"{self.word} {self.rest.split(maxsplit=1)[0] if self.rest else ''}".strip()


def read_instructions(source: Source) -> list[Instruction]:
    """The instructions of a Dockerfile in their order, without comments and empty lines."""
    escape, lines = _read_escape(source.lines), enumerate(source.lines, 1)
    found: list[Instruction] = []
    begun, text = 0, ""
    for number, line in lines:
        if line.lstrip().startswith("#") or not line.strip():
            continue
        begun = begun or number
        bare = line.rstrip()
        if bare.endswith(escape):
            text += bare[:-1]
            continue
        if instruction := _read(text + bare, Scalar(source, begun, 1, line, False), lines):
            found.append(instruction)
        begun, text = 0, ""
    if begun and (instruction := _read(text, Scalar(source, begun, 1, text, False), lines)):
        found.append(instruction)
    return found


def _read(text: str, place: Scalar, lines: Iterator[tuple[int, str]]) -> Instruction | None:
    match = _INSTRUCTION.match(text)
    if not match:
        return None
    word, rest, flags = match["word"].upper(), (match["rest"] or "").strip(), []
    # Those of a HEALTHCHECK are options as well, and ENV or CMD have none.
    while word in {"FROM", "RUN", "COPY", "ADD", "HEALTHCHECK"} and (flag := _FLAG.match(rest)):
        flags.append((flag["name"], flag["value"] or ""))
        rest = rest[flag.end() :]
    heredocs = _HEREDOC.finditer(rest) if word in _TAKES_HEREDOC else ()
    texts = {name["name"]: _read_heredoc(name, lines) for name in heredocs}
    return Instruction(word=word, flags=flags, rest=rest, place=place, heredocs=texts)


def _read_heredoc(begin: re.Match[str], lines: Iterator[tuple[int, str]]) -> Heredoc:
    text = []
    for _, line in lines:
        shown = line.lstrip("\t") if begin["dash"] else line
        if shown == begin["name"]:
            break
        text.append(f"{shown}\n")
    return Heredoc(name=begin["name"], text="".join(text), literal=bool(begin["quote"]))


def _read_escape(lines: Sequence[str]) -> str:
    """The character that lets a line go on; a directive for another one stands above everything else."""
    for line in lines:
        if match := _ESCAPE.match(line.strip()):
            return match["character"]
        if not _DIRECTIVE.match(line.strip()):
            break
    return "\\"
