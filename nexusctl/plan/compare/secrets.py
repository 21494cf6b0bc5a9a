"""Secrets whose values nobody has read: a plan takes them to be what they were when they were applied. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from nexusctl.model.secret import fill_digest, list_uses, with_digests
from nexusctl.model.stack import Sandbox


def find_unread(sandboxes: Iterable[Sandbox]) -> tuple[str, ...]:
    """The names of the secrets that `sandboxes` use and that have no digest yet, sorted."""
    return tuple(sorted({use.secret for s in sandboxes for use in list_uses(s.env, s.secrets) if not use.digest}))


def list_digests(sandboxes: Iterable[Sandbox]) -> frozenset[str]:
    """The digests of the secrets that `sandboxes` use and that were read."""
    return frozenset(use.digest for s in sandboxes for use in list_uses(s.env, s.secrets) if use.digest)


def assume_unchanged(desired: Sandbox, record: Sandbox) -> Sandbox:
    """`desired` with the digests that `record` has for the secrets that were not read."""
    if not find_unread((desired,)):
        return desired
    known = {use.secret: use.digest for use in list_uses(record.env, record.secrets)}
    return with_read(desired, known)


def with_read(sandbox: Sandbox, digests: Mapping[str, str]) -> Sandbox:
    """`sandbox` with the digests of the secrets that were read."""
    return replace(
        sandbox,
        env={key: with_digests(text, digests) for key, text in sandbox.env.items()},
        secrets=tuple(fill_digest(file, digests) for file in sandbox.secrets),
    )
