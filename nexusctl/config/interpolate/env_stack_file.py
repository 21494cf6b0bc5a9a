"""What `${env.NAME}`, `${stack.name}` and `${file:./path}` mean."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from nexusctl.config.document.expression import OPENING, Expression, shorten
from nexusctl.config.document.node import Scalar
from nexusctl.config.document.paths import folders_of, host_path, leads_out, nearest_path, strays, why_refused
from nexusctl.config.interpolate.interpolate import (
    NO_REFERENCE,
    Namespace,
    Reported,
    Unresolved,
    one_argument,
    one_word,
)
from nexusctl.model.files_read import note_file
from nexusctl.model.instance import join_name
from nexusctl.model.values.did_you_mean import nearest, suggest
from nexusctl.model.values.links import opened_path

FILE_LIMIT = 1024 * 1024

_UNUSABLE = re.compile("[\0\ud800-\udfff]")


def is_usable(text: str) -> bool:
    """Whether a text from outside can be written anywhere: a NUL or half a character cannot."""
    return not _UNUSABLE.search(text)


def resolve_env(expression: Expression, place: Scalar) -> str:
    """The text of a variable of nexusctl's own environment."""
    name = one_word(expression, "NAME")
    if not place.source.trust.allows_env(name):
        # Whether there is one is not said either.
        hint = f"`--allow-env {name}` lets them; {place.source.trust.hint}"
        raise Unresolved(f"a stranger's files cannot read the variable `{name}` of the environment", hint)
    value = os.environ.get(name)
    if value is None:
        if "-" in name:
            before, after = name.split("-", 1)
            hint = f"write `${{env.{before}:-{after}}}` for what stands in for one that is not set"
            raise Unresolved(f"no variable of the environment can be called `{name}`", hint)
        if name[:1].isdigit():
            hint = "write the name of one: letters, digits and underscores, not beginning with a digit"
            raise Unresolved(f"no variable of the environment can be called `{name}`", hint)
        near = nearest(name, os.environ)
        instead = f"did you mean `{near}`? Or" if near else f"`export {name}=...` before you call nexusctl, or"
        hint = f"{instead} say what stands in for it: `${{env.{name}:-value}}`"
        raise Unresolved(f"the environment has no variable `{name}`", hint)
    if not is_usable(value):
        raise Unresolved(f"the variable `{name}` of the environment is not UTF-8", "set it to a text")
    return value


def stack_scope(find_name: Callable[[], str | None], instance: str) -> Namespace:
    """The namespace `stack`; `find_name` returns the name in its file, None where that is wrong."""

    def resolve(expression: Expression, _: Scalar) -> str:
        word = one_word(expression, "name")
        if word == "instance":
            return instance
        if word != "name":
            raise Unresolved(f"a stack has no `{word}` to refer to", suggest(word, ["name", "instance"], "it has"))
        name = find_name()
        if name is None:
            raise Reported
        return join_name(name, instance)

    return resolve


class TextFiles:
    """The texts of the files that `${file:...}` names, each read once in a load."""

    def __init__(self) -> None:
        self._texts: dict[Path, str] = {}

    def resolve(self, expression: Expression, place: Scalar) -> str:
        name = one_argument(expression, "./path")
        if name != name.strip():
            hint = f"write it without spaces: `${{file:{name.strip()}}}`"
            raise Unresolved(f"`{expression.text}` is no reference", hint, discreet=NO_REFERENCE)
        if OPENING in name:
            hint = "write the path out: a reference cannot stand inside of another"
            raise Unresolved(f"`{shorten(expression.text)}` is no reference", hint, discreet=NO_REFERENCE)
        if name.startswith(("/", "~")):
            hint = "write a path that starts from the folder of this file, such as `${file:./motd.txt}`"
            raise Unresolved(f"`{name}` is not relative to this file", hint)
        if ":-" in name:
            right = f"`${{file:{name.partition(':-')[0]}}}`"
            hint = f"write {right}; the file has to be there, empty where there is nothing to say"
            summary = "nothing can stand in for a file"
            raise Unresolved(f"{summary}, as in `{shorten(expression.text)}`", hint, discreet=(summary, hint))
        path = host_path(place, name)
        if leads_out(place, path):
            hint = "a template from git can only name files of its own commit"
            raise Unresolved(f"`{name}` leads out of the template's repository", hint)
        if why := why_refused(place, path):
            raise Unresolved(f"`{name}` {why}", place.source.trust.hint)
        if real := strays(place, path, name):
            raise _leading_out(name, real)
        if path not in self._texts:
            self._texts[path] = _read(path, name, folders_of(place, name))
        return self._texts[path]


def _leading_out(name: str, real: str) -> Unresolved:
    return Unresolved(f"`{name}` is a link that leads out of its folder, to `{real}`", "put the file itself there")


def _read(path: Path, name: str, within: Sequence[Path]) -> str:
    note_file(path)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            what = "a folder" if stat.S_ISDIR(found.st_mode) else "a socket, pipe or device"
            raise Unresolved(f"`{name}` is {what}", "name a text file")
        with path.open("rb") as file:
            real = opened_path(file)
            if real and not any(real.is_relative_to(folder) for folder in within):
                raise _leading_out(name, str(real))
            data = file.read(FILE_LIMIT + 1)
    except FileNotFoundError:
        raise Unresolved(f"there is no file `{name}`", nearest_path(path)) from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "no file can be called that").lower()
        raise Unresolved(f"the file `{name}` cannot be read: {reason}", "check the path and its permissions") from None
    if len(data) > FILE_LIMIT:
        raise Unresolved(f"the file `{name}` is larger than 1 MiB", "name it under `uploads`, which take larger ones")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Unresolved(f"the file `{name}` is not a UTF-8 text", "name it under `uploads`, which take any file")
    return text
