"""What is said of one point."""

from __future__ import annotations

from typing import Literal

from nexusctl.model.values.frozen import dataclass

Status = Literal["pass", "warn", "info", "not_applicable"]
"""`info` is for people to judge, or cannot be told; `not_applicable` is a point that does not apply."""

UNTOLD = "not told by the engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`finding` says what is there, `advice` what to type, empty where there is nothing to. `field` is the place."""

    status: Status
    finding: str = ""
    advice: str = ""
    field: str = ""


PASS = Verdict(status="pass")


def warn(finding: str, advice: str = "", field: str = "") -> Verdict:
    return Verdict(status="warn", finding=finding, advice=advice, field=field)


def info(finding: str, advice: str = "", field: str = "") -> Verdict:
    return Verdict(status="info", finding=finding, advice=advice, field=field)


def passed(finding: str) -> Verdict:
    return Verdict(status="pass", finding=finding)


def never(reason: str) -> Verdict:
    """It does not apply."""
    return Verdict(status="not_applicable", finding=reason)
