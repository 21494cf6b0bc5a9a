"""Whether the environment says that what is checked out here comes from a stranger: a pull request of a fork.

What each service documents:

* GitHub Actions: GITHUB_EVENT_NAME, and the event's payload in the file GITHUB_EVENT_PATH
  (docs.github.com/actions/reference/variables-reference). Forgejo and Gitea Actions set the same
  (forgejo.org/docs/latest/user/actions/reference).
* GitLab: CI_MERGE_REQUEST_SOURCE_PROJECT_ID is another than CI_MERGE_REQUEST_PROJECT_ID
  (docs.gitlab.com/ci/variables/predefined_variables).
* Buildkite: BUILDKITE_PULL_REQUEST is a number, and BUILDKITE_PULL_REQUEST_REPO another repository than BUILDKITE_REPO
  (buildkite.com/docs/pipelines/environment-variables).
* CircleCI: CIRCLE_PR_USERNAME and CIRCLE_PR_REPONAME are there for forks only (circleci.com/docs/reference/variables).
* Azure Pipelines: System.PullRequest.IsFork (learn.microsoft.com/azure/devops/pipelines/build/variables).
* Travis CI: TRAVIS_PULL_REQUEST_SLUG is another than TRAVIS_REPO_SLUG (docs.travis-ci.com/user/environment-variables).

Where a pull request is spoken of and nobody can tell whose it is, it counts as a stranger's.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import Any

from nexusctl.model.values.late_regex import late_regex

EVENT_LIMIT = 32 * 1024 * 1024
"""Bytes; GitHub sends no payload of more than 25 MB."""

_OF_PULL_REQUESTS = (
    "pull_request",
    "pull_request_target",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_comment",
)
_AFTER_ANOTHER = "workflow_run"

_NAME = late_regex(r"[\w.-]{1,100}/[\w.-]{1,100}\Z", re.ASCII)


def why_stranger(environ: Mapping[str, str]) -> str:
    """Why the files here are a stranger's, as the rest of a sentence; empty where nothing in `environ` says so."""
    return _on_github(environ) or _on_gitlab(environ) or _elsewhere(environ)


def _on_github(environ: Mapping[str, str]) -> str:
    event = environ.get("GITHUB_EVENT_NAME", "")
    if event not in (*_OF_PULL_REQUESTS, _AFTER_ANOTHER):
        return ""
    payload = _read_event(environ.get("GITHUB_EVENT_PATH", ""))
    if payload is None:
        return f"the event `{event}` has no payload that says whose it is"
    if event == _AFTER_ANOTHER:
        head, base = _inside(payload, "workflow_run", "head_repository"), payload.get("repository")
    else:
        head, base = (_inside(payload, "pull_request", side, "repo") for side in ("head", "base"))
    # Whether `fork` is set says nothing: the repository here may be a fork of another itself.
    theirs, ours = _name(head), _name(base)
    if not theirs or not ours:
        return f"the event `{event}` does not say which repository it comes from"
    return f"the event `{event}` comes from {theirs}, not from {ours}" if theirs.lower() != ours.lower() else ""


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _name(repository: Any) -> str:
    """The full name of a repository, empty for what is none: whoever asks for something may have written it."""
    name = _inside(repository, "full_name")
    return name if isinstance(name, str) and _NAME.match(name) else ""


def _read_event(path: str) -> dict[str, Any] | None:
    """The payload, None where there is none that can be believed."""
    # Only an event of a pull request needs it.
    import json  # noqa: PLC0415 - deferred: start-up time

    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(EVENT_LIMIT + 1)
        payload = json.loads(data) if len(data) <= EVENT_LIMIT else None
    except (OSError, ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def _on_gitlab(environ: Mapping[str, str]) -> str:
    if not (environ.get("CI_MERGE_REQUEST_IID") or environ.get("CI_MERGE_REQUEST_PROJECT_ID")):
        return ""
    source, own = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", ""), environ.get("CI_MERGE_REQUEST_PROJECT_ID", "")
    if source and source == own:
        return ""
    return "the merge request comes from another project than it is for"


def _elsewhere(environ: Mapping[str, str]) -> str:
    asked = "the pull request comes from a fork"
    if environ.get("BUILDKITE") and environ.get("BUILDKITE_PULL_REQUEST", "false") not in ("", "false"):
        return "" if _same_repository(environ) else asked
    if environ.get("CIRCLECI") and (environ.get("CIRCLE_PR_USERNAME") or environ.get("CIRCLE_PR_REPONAME")):
        return asked
    if environ.get("SYSTEM_PULLREQUEST_ISFORK", "").lower() == "true":
        return asked
    if environ.get("TRAVIS") and environ.get("TRAVIS_PULL_REQUEST", "false") not in ("", "false"):
        same = environ.get("TRAVIS_PULL_REQUEST_SLUG", "").lower() == environ.get("TRAVIS_REPO_SLUG", "").lower()
        return "" if same and environ.get("TRAVIS_REPO_SLUG") else asked
    return ""


def _same_repository(environ: Mapping[str, str]) -> bool:
    """One is often called by `git@host:path`, the other by `https://host/path`."""
    names = [environ.get(name, "") for name in ("BUILDKITE_PULL_REQUEST_REPO", "BUILDKITE_REPO")]
    plain = [re.sub(r"\A\w+://|\A[\w.-]+@|(?<=/)[^/@]*@|\.git/?\Z", "", name).replace(":", "/") for name in names]
    return bool(plain[0]) and plain[0].lower() == plain[1].lower()
