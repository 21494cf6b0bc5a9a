"""Where secrets come from, and where they may go. Their values are none of this room's business."""

from __future__ import annotations

import os
from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from pathlib import Path

from nexusctl.config.build.units import seconds
from nexusctl.config.document.declared import Declared
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.paths import folders_of, host_path, locate, strays, why_refused
from nexusctl.config.document.problems import Problems
from nexusctl.config.document.unique import keep_first
from nexusctl.model.secret import FOLDER, SOURCES, SecretFile, SecretRef, SourceKind
from nexusctl.model.values.did_you_mean import suggest
from nexusctl.model.values.late_regex import late_regex

TIMEOUT = 30.0

_FILE_NAME = late_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")

# Which sources each option is for; `trim` is for all.
_OPTIONS: MappingType[str, tuple[SourceKind, ...]] = {
    "key": ("age", "vault", "keyring"),
    "mount": ("vault",),
    "address": ("vault",),
    "namespace": ("vault",),
    "timeout": ("command", "vault"),
}


def build_secrets(document: Mapping, problems: Problems) -> dict[str, SecretRef]:
    """The declared secrets by name, each with its source."""
    refs = {}
    for name, node in document.section("secrets").items():
        source = next((kind for kind in SOURCES if isinstance(node, Mapping) and kind in node.values), None)
        if isinstance(node, Mapping) and source is not None:
            _refuse_strange_options(name, node, source, problems)
            refs[name] = _build_ref(name, node, source, problems)
    return refs


def _build_ref(name: str, node: Mapping, source: SourceKind, problems: Problems) -> SecretRef:
    place, value = node.keys[source], node.values[source]
    timeout, where = node.get("timeout"), _where(node, source, problems)
    refused = ""
    if place.source.trust.untrusted:
        # Only what comes from a stranger needs it.
        from nexusctl.config.build.untrusted import why_withheld  # noqa: PLC0415 - deferred: start-up time

        refused = why_withheld(source, where, place)
    return SecretRef(
        name=name,
        source=source,
        where=where,
        key=node.text("key") or name,
        options={key: text for key in ("mount", "address", "namespace") if (text := node.text(key))},
        within=_confine(value, source, problems),
        refused=refused,
        command=_words(node.get("command")),
        timeout=seconds(timeout) if isinstance(timeout, Scalar) else TIMEOUT,
        trim=(node.text("trim") or "").lower() != "false",
        place=place.source.location(place.line, place.column),
        excerpt=place.source.excerpt(place.line),
    )


def _where(node: Mapping, source: SourceKind, problems: Problems) -> str:
    """The encrypted file belongs to the stack file and has to be there; other files only where there is access."""
    value = node.values[source]
    if not isinstance(value, Scalar):
        return ""
    if source == "age":
        return str(locate(value, "age", problems) or "")
    return str(host_path(value)) if source == "file" else value.text


def _confine(value: Node, source: SourceKind, problems: Problems) -> str:
    """The folder that a file has to lie in when it is read, which may be much later."""
    if source != "file" or not isinstance(value, Scalar):
        return ""
    path = host_path(value)
    if why := why_refused(value, path):
        problems.add(value, f"the `file` path `{value.text}` {why}", value.source.trust.hint)
        return str(Path(os.devnull))
    if real := strays(value, path):
        summary = f"the `file` path `{value.text}` is a link that leads out of its folder, to `{real}`"
        problems.add(value, summary, "put the file here, or write that path itself if it is meant")
    real = os.path.realpath(path)
    within = next((folder for folder in folders_of(value) if Path(real).is_relative_to(folder)), None)
    return str(within or "")


def _words(node: Node | None) -> tuple[str, ...]:
    return tuple(item.text for item in node.items if isinstance(item, Scalar)) if isinstance(node, Sequence) else ()


def _refuse_strange_options(name: str, node: Mapping, source: SourceKind, problems: Problems) -> None:
    for key, sources in _OPTIONS.items():
        if key in node.values and source not in sources:
            quoted = [f"`{kind}`" for kind in sources]
            kinds = " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
            problems.add(
                node.keys[key], f"`{key}` is for {kinds}, and the secret `{name}` comes from `{source}`", "remove it"
            )


def build_secret_files(sandbox: Mapping, declared: Declared, problems: Problems) -> tuple[SecretFile, ...]:
    """The secrets that a sandbox gets as files; `declared` are the names of the stack's secrets."""
    listed = sandbox.get("secrets")
    items = listed.items if isinstance(listed, Sequence) else []
    built = ((_build_file(item, declared, problems), item) for item in items)
    files = keep_first(built, lambda file: file.name, _same_file, problems)
    if files:
        _refuse_covered(sandbox, problems)
    return tuple(file for file, _ in files)


def _same_file(file: SecretFile) -> tuple[str, str]:
    return f"two secrets become the file `{file.path}`", "give one another `target`"


def _build_file(node: Node, declared: Declared, problems: Problems) -> SecretFile | None:
    place = node.get("secret") if isinstance(node, Mapping) else node
    if not isinstance(place, Scalar):
        return None
    if place.text not in declared:
        hint = _absent_hint(place.text, declared)
        deleted = declared.deletions(place.text)
        problems.add(place, f"there is no secret `{place.text}` in this stack", hint, *deleted)
        return None
    target = node.get("target") if isinstance(node, Mapping) else None
    if not isinstance(target, Scalar):
        return SecretFile(secret=place.text, name=place.text)
    name = target.text.removeprefix(f"{FOLDER}/")
    if not _FILE_NAME.match(name):
        hint = f"write a file name; where a program wants another path, link it to `{FOLDER}/{place.text}`"
        problems.add(target, f"a secret becomes a file right in `{FOLDER}`, and not `{target.text}`", hint)
        return None
    return SecretFile(secret=place.text, name=name)


def _absent_hint(name: str, declared: Declared) -> str:
    if declared:
        return suggest(name, declared, "secrets of this stack")
    return f"declare it at the top: `secrets: {{{name}: {{env: {name.upper().replace('-', '_')}}}}}`"


def _refuse_covered(sandbox: Mapping, problems: Problems) -> None:
    """What else goes where the secrets are mounted, which is read-only and in memory."""
    for section in ("uploads", "volumes"):
        listed = sandbox.get(section)
        for item in listed.items if isinstance(listed, Sequence) else ():
            for target in _targets(item):
                if f"{target.rstrip('/')}/".startswith(f"{FOLDER}/"):
                    what = "uploaded to" if section == "uploads" else "mounted at"
                    hint = "choose another target"
                    problems.add(item, f"nothing can be {what} `{target}`, where the secrets are", hint)


def _targets(item: Node) -> Iterator[str]:
    if isinstance(item, Mapping):
        yield item.text("target") or ""
    elif isinstance(item, Scalar):
        yield item.text.split(":")[1] if ":" in item.text else ""
