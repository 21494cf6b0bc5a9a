"""Reading all the secrets that an apply needs: each once, and all failures at once."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from nexusctl.errors import Diagnostic, InputError, StepError
from nexusctl.model.secret import Secret, SecretFile, SecretRef, SecretUse, SourceKind
from nexusctl.secrets.base import SIZE_LIMIT, SecretSource, Unreadable
from nexusctl.secrets.conceal import make_conceal
from nexusctl.secrets.digest import digest_secret
from nexusctl.secrets.sources import Sources, sources_for


class Readings:
    """The values that one apply has read, and their digests by name; `conceal` leaves them out of a line of text."""

    def __init__(self, stack: str, values: Mapping[str, Secret]) -> None:
        self._values = values
        self.conceal = make_conceal(values.values())
        with ThreadPoolExecutor(max_workers=4) as pool:
            made = pool.map(lambda item: digest_secret(stack, *item), values.items())
            self.digests: Mapping[str, str] = dict(zip(values, made, strict=True))

    def reveal(self, use: SecretUse | SecretFile) -> Secret:
        """The value that belongs to `use`. Raises `StepError` for a former one, of which only the digest is known."""
        if use.secret not in self._values or self.digests[use.secret] != use.digest:
            raise StepError(
                Diagnostic(
                    f"the former value of secret {use.secret} is known only by its digest",
                    hint="put the former value back where it comes from, and apply again",
                )
            )
        return self._values[use.secret]


def read_secrets(stack: str, refs: Mapping[str, SecretRef], sources: Sources | None = None) -> Readings:
    """The values of `refs`, by name, for the stack called `stack`.

    Raises `InputError` with every secret that cannot be read.
    """
    sources = sources or sources_for(refs.values())
    opened: dict[SourceKind, SecretSource] = {}
    values: dict[str, Secret] = {}
    problems: list[Diagnostic] = []
    for name, ref in refs.items():
        if ref.refused:
            problems.append(_describe(name, ref, Unreadable("a stranger's files cannot have it", ref.refused)))
            continue
        if ref.source not in opened:
            opened[ref.source] = sources[ref.source]()
        try:
            values[name] = Secret(_checked(ref, opened[ref.source].read(ref)))
        except Unreadable as error:
            problems.append(_describe(name, ref, error))
    if problems:
        raise InputError(*problems)
    return Readings(stack, values)


def _checked(ref: SecretRef, value: bytes) -> bytes:
    if len(value) > SIZE_LIMIT:
        raise Unreadable("its value is larger than 1 MiB", "a file of that size belongs under `uploads`")
    if ref.trim:
        value = value.removesuffix(b"\n").removesuffix(b"\r")
    if not value:
        raise Unreadable("its value is empty", "give it one where it comes from, or do not use it")
    return value


def _describe(name: str, ref: SecretRef, error: Unreadable) -> Diagnostic:
    return Diagnostic(f"secret {name} cannot be read: {error.summary}", ref.place, excerpt=ref.excerpt, hint=error.hint)
