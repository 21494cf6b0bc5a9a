"""What a RUN installs by apt, npm or pip, and which of its commands do something else."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from nexusctl.model.values.frozen import dataclass

_HOUSEKEEPING = re.compile(
    r"(?:set [-+][a-z]+(?: [-+]?[a-z]+)*|true|apt(?:-get)? (?:-\S+ )*(?:update|clean|autoclean|autoremove)(?: -\S+)*"
    r"|rm -r?f?r? (?:/var/lib/apt|/var/cache|/tmp/|/var/tmp/|/root/\.(?:cache|npm)|~/\.(?:cache|npm))\S*"
    r"(?: (?:/var/lib/apt|/var/cache|/tmp/|/var/tmp/|/root/\.(?:cache|npm))\S*)*"
    r"|npm cache clean(?: --force| -f)?|pip3? cache purge|export DEBIAN_FRONTEND=\S+)\Z"
)
"""What leaves nothing behind in an image that matters."""
_ASSIGNED = re.compile(r"(?P<name>[A-Za-z_]\w*)=")
_QUIET_VARIABLES = ("DEBIAN_FRONTEND", "PIP_NO_CACHE_DIR", "PIP_DISABLE_PIP_VERSION_CHECK")
_JOINTS = ("&&", ";", "\n")
_COMPOUND = re.compile(r"\b(?:if|for|while|case|until)\b|[|<>`(){}&]|\$\(")

_SAY_NOTHING = {
    "apt": {"-y", "--yes", "--assume-yes", "-q", "-qq", "-qy", "-yq", "-qqy", "-yqq", "--quiet", "-f", "--fix-missing",
            "--no-install-recommends"},
    "pip": {"--no-cache-dir", "--no-cache", "-q", "-qq", "--quiet", "-U", "--upgrade", "--no-input", "--prefer-binary",
            "--disable-pip-version-check", "--root-user-action=ignore", "--break-system-packages", "--no-color",
            "--no-warn-script-location", "--progress-bar=off", "--system", "--compile", "--no-compile"},
    "npm": {"--no-audit", "--no-fund", "--silent", "-s", "--quiet", "-q", "--loglevel=error", "--save", "-S",
            "--progress=false", "--prefer-offline", "--no-progress", "--no-update-notifier", "--save-dev", "-D"},
}  # fmt: skip
_OMITS = {
    "--omit=dev": "dev", "--production": "dev", "--only=production": "dev", "--only=prod": "dev",
    "--production=true": "dev", "--omit=optional": "optional", "--no-optional": "optional",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallCommand:
    """One command that installs. `file` is the requirements.txt that it names; npm's is the lock of `folder`."""

    manager: str
    names: tuple[str, ...] = ()
    file: str = ""
    folder: str = ""
    omit: tuple[str, ...] = ()
    ignore_scripts: bool = False
    recommends: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """A RUN apart: what it `installs`, `made` folders, files that become `executable`, and what is `left`."""

    installs: list[InstallCommand] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    executable: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def read_commands(text: str, folder: str) -> Commands:
    """The commands that a shell would run for `text` in `folder`."""
    found = Commands()
    if _COMPOUND.search(_without_quoted(text.replace("&&", ";").replace(">/dev/null", "").replace("> /dev/null", ""))):
        found.left.append(text)
        return found
    here = folder
    for words in _split(text):
        if words[0] == "cd" and len(words) == 2:
            here = _join(here, words[1])
        elif not _HOUSEKEEPING.match(" ".join(words)):
            _sort(words, here, found)
    return found


def _sort(words: list[str], folder: str, found: Commands) -> None:
    while (match := _ASSIGNED.match(words[0])) and match["name"] in _QUIET_VARIABLES and len(words) > 1:
        words = words[1:]
    if words[0] == "mkdir" and all(word in ("-p", "-v", "-pv") or not word.startswith("-") for word in words[1:]):
        found.made.extend(_join(folder, word) for word in words[1:] if not word.startswith("-"))
    elif words[0] == "chmod" and len(words) > 2 and re.fullmatch(r"[ua]?\+x|0?[75][75][75]", words[1]):
        found.executable.extend(_join(folder, word) for word in words[2:])
    elif install := _read_install(words, folder):
        found.installs.append(install)
    else:
        found.left.append(shlex.join(words))


def _without_quoted(text: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"`$]*\"", "", text)


def _split(text: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(text.replace("\n", " ; "), posix=True, punctuation_chars="&;")
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        for word in lexer:
            if word in _JOINTS or set(word) <= {";", "&"}:
                if words:
                    yield words
                words = []
            elif word not in (">/dev/null", "2>/dev/null"):
                words.append(word)
    except ValueError:
        yield [text]
        return
    if words:
        yield words


def _read_install(words: Sequence[str], folder: str) -> InstallCommand | None:
    match [name.rpartition("/")[2] for name in words[:1]] + list(words[1:]):
        case ["sudo", *rest]:
            return _read_install(rest, folder) if rest else None
        case ["apt" | "apt-get", *rest] if "install" in rest:
            return _read_apt(rest)
        case ["pip" | "pip3", "install", *rest] | ["python" | "python3", "-m", "pip", "install", *rest]:
            return _read_pip(rest, folder)
        case ["uv", "pip", "install", *rest]:
            return _read_pip(rest, folder)
        case ["npm", "ci" | "install" | "i" | "clean-install" | "add" as verb, *rest]:
            return _read_npm(rest, folder, clean=verb in ("ci", "clean-install"))
    return None


def _read_apt(words: Sequence[str]) -> InstallCommand | None:
    options = [word for word in words if word.startswith("-")]
    names = [word for word in words if not word.startswith("-") and word != "install"]
    if not names or not _SAY_NOTHING["apt"].issuperset(options):
        return None
    return InstallCommand(manager="apt", names=tuple(names), recommends="--no-install-recommends" not in options)


def _read_pip(words: Sequence[str], folder: str) -> InstallCommand | None:
    names, files, waiting = [], [], list(words)
    while waiting:
        word = waiting.pop(0)
        if word in ("-r", "--requirement") and waiting:
            files.append(waiting.pop(0))
        elif match := re.match(r"(?:-r|--requirement=)(\S+)\Z", word):
            files.append(match[1])
        elif word.startswith("-"):
            if word not in _SAY_NOTHING["pip"] and not re.match(r"--(?:default-timeout|timeout|retries)=\d+\Z", word):
                return None
        else:
            names.append(re.sub(r"\s+", "", word))
    if len(files) > 1 or (files and names) or not (files or names):
        return None
    return InstallCommand(manager="pip", names=tuple(names), file=_join(folder, files[0]) if files else "")


def _read_npm(words: Sequence[str], folder: str, *, clean: bool) -> InstallCommand | None:
    omit: dict[str, None] = {}
    names, scripts, waiting = [], False, list(words)
    while waiting:
        word = waiting.pop(0)
        if word in ("--omit", "--only") and waiting:
            word = f"{word}={waiting.pop(0)}"
        if word in _OMITS:
            omit[_OMITS[word]] = None
        elif word == "--ignore-scripts":
            scripts = True
        elif word.startswith("-"):
            if word not in _SAY_NOTHING["npm"]:
                return None
        else:
            names.append(word)
    if clean and names:
        return None
    return InstallCommand(manager="npm", names=tuple(names), folder=folder, omit=tuple(omit), ignore_scripts=scripts)


def _join(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def shell_text(text: str, known: Mapping[str, str | None]) -> str:
    """`text` with those of its variables that the Dockerfile itself sets; the others stay for the shell."""
    return re.sub(
        r"\$(?:(\w+)|\{(\w+)\})",
        lambda match: known[match[1] or match[2]] or "" if (match[1] or match[2]) in known else match[0],
        text,
    )
