"""Secrets: where a value comes from, where it is used, and the value itself, which never shows.

A stack and a record know a secret by its name and by a digest of its value. The value is read for an apply, and
lives as a `Secret` between the room that reads it and the engine call that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any, Literal, NoReturn, get_args

from nexusctl.errors import Diagnostic, Location, StepError
from nexusctl.model.values.frozen import dataclass
from nexusctl.model.values.late_regex import late_regex

SourceKind = Literal["env", "file", "age", "vault", "command", "keyring", "variable", "parameter"]

# Those of a sensitive variable and of a sensitive parameter are declared by themselves.
SOURCES: tuple[SourceKind, ...] = tuple(kind for kind in get_args(SourceKind) if kind not in ("variable", "parameter"))

NAME = late_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")

REDACTED = "[redacted]"
SAFE = "nexus.secrets.json"
"""Where `${ENCRYPTED:NAME}` looks, beside the stack file, and what `nexusctl secrets` works on."""

FOLDER = "/run/secrets"
"""Where a sandbox finds its secrets as files."""


class Secret:
    """A value that prints as `[redacted]`, whoever prints it; only `reveal` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The value, for the engine call that needs it and for the digest."""
        return self._value

    def __repr__(self) -> str:
        return REDACTED

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never written anywhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """What a stack file says of one secret: its name, and where its value comes from. The value is not in it.

    `where` and `key` mean what the source says: a variable's name, a file's absolute path, a path in a vault, and what
    to take from there. `options` are the source's own, such as the address of a vault. `command` is a program with its
    arguments. `timeout` is in seconds. With `trim` one line end at the end of the value is left out. A file has to
    lie in the folder `within`, where one is given, when it is read. `refused` says what to do where it is not read at
    all, as a stranger's file asks for it. `given` is there
    where whoever made the reference has the value already, as for a sensitive variable or parameter. `excerpt` is the
    line at `place`.
    """

    name: str
    source: SourceKind
    where: str = ""
    key: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    timeout: float = 30.0
    trim: bool = True
    refused: str = field(default="", compare=False, metadata={"recorded": False})
    within: str = field(default="", compare=False, metadata={"recorded": False})
    given: Secret | None = field(default=None, compare=False, metadata={"recorded": False})
    place: Location | None = field(default=None, compare=False, metadata={"recorded": False})
    excerpt: str | None = field(default=None, compare=False, metadata={"recorded": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretUse:
    """A secret as a part of a text. `digest` tells one value from another; it is empty before the value was read."""

    secret: str
    digest: str = ""

    def __str__(self) -> str:
        return f"[secret {self.secret}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretText:
    """A text with secrets in it, in order: texts that anybody may read, and uses."""

    parts: tuple[str | SecretUse, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """A secret as the file `name` in `/run/secrets`. `digest` as in `SecretUse`."""

    secret: str
    name: str
    digest: str = ""

    @property
    def path(self) -> str:
        return f"{FOLDER}/{self.name}"


Text = str | SecretText
Reveal = Callable[[SecretUse | SecretFile], Secret]
"""The value that belongs to a use. Raises `StepError` where it is known by its digest only."""

Conceal = Callable[[str], str]
"""A line of text without any value that was read."""


def withhold(use: SecretUse | SecretFile) -> NoReturn:
    """The `Reveal` of whoever has read no secrets."""
    raise StepError(Diagnostic(f"the value of secret {use.secret} was not read", hint="`nexusctl apply` reads it"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """The values that were read, for those who need them, and for those who must not show them."""

    reveal: Reveal = withhold
    conceal: Conceal = str


NOTHING_READ = Disclosure()


def list_uses(env: Mapping[str, Text], files: tuple[SecretFile, ...]) -> Iterator[SecretUse | SecretFile]:
    """Every use of a secret in the variables and files of a sandbox."""
    for text in env.values():
        if isinstance(text, SecretText):
            yield from (part for part in text.parts if isinstance(part, SecretUse))
    yield from files


def with_digests(text: Text, digests: Mapping[str, str]) -> Text:
    """`text` with the digests of the secrets that `digests` names, where it has none yet."""
    if isinstance(text, str):
        return text
    return SecretText(parts=tuple(p if isinstance(p, str) else fill_digest(p, digests) for p in text.parts))


def fill_digest(use: Any, digests: Mapping[str, str]) -> Any:
    """A `SecretUse` or `SecretFile` with the digest that `digests` has for it, where it has none yet."""
    return use if use.digest else replace(use, digest=digests.get(use.secret, ""))


def reveal_text(text: Text, reveal: Reveal) -> bytes:
    """`text` with its secrets in their places."""
    if isinstance(text, str):
        return text.encode()
    return b"".join(part.encode() if isinstance(part, str) else reveal(part).reveal() for part in text.parts)
