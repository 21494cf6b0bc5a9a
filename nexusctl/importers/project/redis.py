"""The Redis that a project needs, where there is a template of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from nexusctl.config.templates.builtin import template_names
from nexusctl.importers.project.program import Program

NAME = "redis"
_DRIVERS = frozenset({"redis", "ioredis", "bull", "bullmq", "connect-redis"})
_URL = "redis://redis:6379/0"
_PARTS = (
    (re.compile(r"(?:.*_)?REDIS_?(?:.*_)?(?:URL|URI|DSN)\Z"), _URL),
    (re.compile(r"(?:.*_)?REDIS_?(?:HOST|HOSTNAME)\Z"), NAME),
    (re.compile(r"(?:.*_)?REDIS_?PORT\Z"), "6379"),
    (re.compile(r"(?:.*_)?REDIS_?(?:PASSWORD|PASS)\Z"), ""),
)
_BROKERS = re.compile(r"(?:CELERY_)?(?:BROKER_URL|RESULT_BACKEND)\Z")


def needs_redis(program: Program) -> str:
    """The package that says so, empty for none, or where there is no template."""
    found = sorted(_DRIVERS & program.packages) if NAME in template_names() else []
    return found[0] if found else ""


def redis_variables(program: Program, example: Mapping[str, str], read: Collection[str]) -> dict[str, str]:
    """Where it is, under the names by which the project asks for it; what is a broker to it may be another."""
    names = dict.fromkeys(["REDIS_URL", *example, *sorted(read)])
    found = {name: value for name in names for pattern, value in _PARTS if pattern.match(name)}
    brokers = {name for name in {*example, *read} if _BROKERS.match(name) and "celery" in program.packages}
    plain = {name for name in brokers if example.get(name, "redis:").startswith("redis:")}
    return {**found, **dict.fromkeys(sorted(plain), _URL)}
