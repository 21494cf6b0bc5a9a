"""Ranges of addresses."""

from __future__ import annotations


def is_same_range(found: str, desired: str) -> bool:
    """Whether an engine's IPv4 range, empty for none, is the desired one.

    An engine keeps what it was told, such as an address in a range for the range.
    """
    if found == desired or not found:
        return found == desired
    # Few networks that nexusctl did not make are compared.
    from ipaddress import IPv4Network  # noqa: PLC0415 - deferred: start-up time

    return IPv4Network(found, strict=False) == IPv4Network(desired, strict=False)
