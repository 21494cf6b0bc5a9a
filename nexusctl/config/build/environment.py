"""Environment variables, from `env` and from files of KEY=VALUE lines."""

from __future__ import annotations

import re

from nexusctl.config.document.derived import MixedText
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems
from nexusctl.config.read.dotenv import EnvFiles
from nexusctl.model.env_file_text import EnvFileText
from nexusctl.model.secret import SecretRef, SecretText, SecretUse, Text
from nexusctl.model.values.late_regex import late_regex

# The kernel takes at most 131,072 bytes for `KEY=value` and the NUL behind it; a longer one fails only at start.
LONGEST = 131_071

# Words that YAML 1.1 reads as true or false and YAML 1.2 as text: only quotes say which is meant.
_AMBIGUOUS = late_regex(r"(?:yes|no|on|off|y|n)\Z", re.IGNORECASE)


def build_env(
    name: str, sandbox: Mapping, files: EnvFiles, secrets: dict[str, SecretRef], problems: Problems
) -> dict[str, Text]:
    """The variables of the sandbox `name`; those in `env` win over those in `files`. Their secrets go to `secrets`."""
    env: dict[str, Text] = {}
    for path in _paths(sandbox.get("env_file")):
        for key, value in files.read(path, problems).items():
            if _fits(key, value.text, value, problems):
                env[key] = EnvFileText(value.text)
    for key, text in build_texts(sandbox, "env", problems).items():
        node = sandbox.section("env")[key]
        if _fits(key, text, node, problems):
            env[key] = _with_secrets(name, node, secrets) if isinstance(node, MixedText) else text
    return env


def _with_secrets(sandbox: str, node: MixedText, secrets: dict[str, SecretRef]) -> SecretText:
    secrets.update({secret_name(part, sandbox): part for part in node.parts if isinstance(part, SecretRef)})
    parts: list[str | SecretUse] = []
    for part in node.parts:
        # Texts in a row are one, or the way in which somebody wrote them would count as a change.
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        elif part != "":
            parts.append(SecretUse(secret=secret_name(part, sandbox)) if isinstance(part, SecretRef) else part)
    return SecretText(parts=tuple(parts))


def secret_name(ref: SecretRef, sandbox: str = "") -> str:
    """A name that no secret of a stack can have, as a variable may be called like one.

    Each `sandbox` gives its own value to a parameter of its template.
    """
    names = {"variable": f"var.{ref.name}", "parameter": f"{sandbox}.with.{ref.name}"}
    return names.get(ref.source, ref.name)


def build_texts(sandbox: Mapping, key: str, problems: Problems) -> dict[str, str]:
    """A mapping of texts as the file writes them; a bare word that could also mean true or false is reported."""
    texts = {}
    for name, node in sandbox.section(key).items():
        if not isinstance(node, Scalar):
            continue
        if node.bare and _AMBIGUOUS.match(node.text):
            hint = f'write "{node.text}" in quotes for the text, or true or false'
            problems.add(node, f"`{node.text}` for `{name}` can mean a text or a truth value", hint)
        texts[name] = node.text
    return texts


def _paths(node: Node | None) -> list[Scalar]:
    nodes = node.items if isinstance(node, Sequence) else [node]
    return [item for item in nodes if isinstance(item, Scalar)]


def _fits(key: str, text: str, place: Node, problems: Problems) -> bool:
    # Counting bytes is only worth it where the number of characters comes near.
    if 4 * len(text) + len(key) < LONGEST or len(text.encode()) + len(key) + 1 <= LONGEST:
        return True
    hint = "put it into a file under `uploads` and name the file here"
    problems.add(place, f"the value of `{key}` is longer than the {LONGEST:,} bytes that Linux takes", hint)
    return False
