"""Digests of secrets: they tell a changed value, and are too slow to make for guessing a short one."""

from __future__ import annotations

import hashlib

from nexusctl.model.secret import Secret

COST = 2**15
"""scrypt's N, with r = 8: 32 MiB and about a tenth of a second for each guess."""


def digest_secret(stack: str, name: str, secret: Secret) -> str:
    """The digest of the secret `name` of `stack`: the same on every machine, another for every other name.

    All sandboxes of a stack that use a secret share its digest, so it is made once however many there are. That they
    share the value is no news to anybody who can read their records.
    """
    salt = f"nexusctl secret\0{stack}\0{name}".encode()
    return f"scrypt:{hashlib.scrypt(secret.reveal(), salt=salt, n=COST, r=8, p=1, maxmem=2**26, dklen=16).hex()}"
