"""A template that is named by a git repository, a commit, and a path in it."""

from __future__ import annotations

from nexusctl.config.document.node import Mapping, Scalar
from nexusctl.config.document.problems import Problems
from nexusctl.config.templates.builtin import Found
from nexusctl.config.templates.git_checkout import Unfetched, check_out
from nexusctl.model.values.did_you_mean import suggest


def find_in_git(place: Mapping, problems: Problems) -> Found | None:
    """The file that `{git: URL, commit: ID, path: FILE}` means. What is wrong is reported."""
    url, commit, path = (place.get(key) for key in ("git", "commit", "path"))
    if not (isinstance(url, Scalar) and isinstance(commit, Scalar) and isinstance(path, Scalar)):
        return None
    trust = url.source.trust
    if not trust.allows_template(url.text):
        hint = f"`--allow-template {url.text}` lets them; {trust.hint}"
        problems.add(url, f"a stranger's files cannot fetch a template from `{url.text}`", hint)
        return None
    try:
        folder = check_out(url.text, commit.text, trust).resolve()
    except Unfetched as error:
        problems.add(url, error.summary, error.hint)
        return None
    file = folder / path.text
    if not file.resolve().is_relative_to(folder) or not file.is_file():
        known = [str(other.relative_to(folder)) for other in folder.rglob("*.yaml")]
        summary = f"there is no file `{path.text}` in commit {commit.text[:12]}"
        problems.add(path, summary, suggest(path.text, known, "files there"))
        return None
    return Found(path=file, display=f"{url.text}@{commit.text[:12]}:{path.text}", within=folder, trust=trust)
