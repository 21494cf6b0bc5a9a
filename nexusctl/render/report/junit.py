"""Cases as JUnit's XML, as CI systems read it (https://github.com/testmoapp/junitxml). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from nexusctl.model.plan.case import Case

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no document of XML 1.0 may hold, not even as a reference."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def render_junit(stack: str, cases: Sequence[Case]) -> str:
    """A whole document, with one suite."""
    return "".join(_render(stack, cases))


def _render(stack: str, cases: Sequence[Case]) -> Iterator[str]:
    failed = sum(bool(case.failure) for case in cases)
    skipped = sum(bool(case.skipped) for case in cases)
    seconds = sum(case.seconds for case in cases)
    counts = f'tests="{len(cases)}" failures="{failed}" errors="0" skipped="{skipped}" time="{seconds:.3f}"'
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="nexusctl" {counts}>\n  <testsuite name={_quote(stack)} {counts}>\n'
    for case in cases:
        head = f"    <testcase classname={_quote(f'{stack}.{case.kind}')} name={_quote(case.name)}"
        head += f' time="{case.seconds:.3f}"'
        if case.failure:
            text = escape(_clean("\n".join(case.output)))
            yield f"{head}>\n      <failure message={_quote(case.failure)}>{text}</failure>\n    </testcase>\n"
        elif case.skipped:
            yield f"{head}>\n      <skipped message={_quote(case.skipped)}/>\n    </testcase>\n"
        else:
            yield f"{head}/>\n"
    yield "  </testsuite>\n</testsuites>\n"


def _quote(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", _COLOURS.sub("", text))
