"""A plan for a pull request: a document of Markdown in which nothing of the plan is more than text."""

from __future__ import annotations

import json
import re

import pytest

from nexusctl.model.plan.plan import Change, Difference, Omission, Plan, Step
from nexusctl.render.plan.markdown import MOST_BYTES, render_markdown

STEPS = (Step(id="x", subject="x"),)


def differing(field: str, before: object, after: object) -> Difference:
    return Difference(field=field, before=before, after=after, cause="changed", effect="replace")


def plan(*changes: Change) -> Plan:
    return Plan(stack="shop", changes=changes, steps=STEPS, unchanged=("db",))


def test_each_change_folds_to_a_line_with_its_fields_below() -> None:
    change = Change(
        action="update", kind="sandbox", name="api", cause="changed",
        differences=(differing("env.PORT", "1", "2"), differing("env.NEW", None, "x"), differing("env.OLD", "y", None)),
        notes=("a note",),
    )  # fmt: skip
    assert render_markdown(plan(change)) == (
        "### Stack <code>shop</code>: 1 to update in place, 1 unchanged\n"
        "\n<details><summary><code>~ sandbox api</code> <code>will be updated in place</code></summary>\n"
        "\n```diff\n"
        '! env.PORT: "1" -> "2"  # forces the replacement\n+ env.NEW: "x"  # forces the replacement\n'
        '- env.OLD: "y"  # forces the replacement\n(a note)\n'
        "```\n</details>\n"
    )


def test_a_plan_without_changes_is_a_line_and_what_else_there_is_to_say() -> None:
    left = Omission(action="create", kind="sandbox", name="b", reason="not chosen")
    assert render_markdown(Plan(stack="shop")) == "### Stack <code>shop</code>: no changes\n"
    assert "b (to create): not chosen" in render_markdown(Plan(stack="shop", omitted=(left,)))


@pytest.mark.parametrize(
    "hostile",
    [
        "```\n</details><script>", "`````", "@everyone <img src=x> [a](javascript:b)", "</summary></code>", "\x1b[31m",
        "~~~\n# head", "a\nb",
    ],
)  # fmt: skip
def test_nothing_of_a_plan_is_read_as_markdown_or_html(hostile: str) -> None:
    change = Change(
        action="replace", kind="sandbox", name="api", cause="changed", reason=hostile, notes=(hostile,),
        differences=(differing(f"uploads./{hostile}", hostile, hostile * 2), differing("command", [hostile], None)),
    )  # fmt: skip
    text = render_markdown(plan(change))
    assert "\x1b" not in text
    outside, fences = [], []
    fence = ""
    for line in text.splitlines():
        if not fence and (opened := re.match(r"`{3,}", line)):
            fence = opened.group()
            fences.append(fence)
        elif fence and re.fullmatch(rf"`{{{len(fence)},}}\s*", line):
            fence = ""
        elif not fence:
            outside.append(line)
    assert not fence
    assert len(fences) == 1
    rest = re.sub(r"<code>[^<]*</code>", "", "\n".join(outside))
    assert re.findall(r"</?\w+>", rest) == ["<details>", "<summary>", "</summary>", "</details>"]
    assert "@" not in rest
    assert "javascript" not in rest


def test_it_fits_into_a_comment_whatever_there_is() -> None:
    long = tuple(differing(f"env.V{number}", "ü" * 90, "€" * 90) for number in range(400))
    changes = [
        Change(action="update", kind="sandbox", name=f"box-{number}-{'x' * 50}", cause="changed", differences=long)
        for number in range(1200)
    ]
    text = render_markdown(plan(*changes))
    assert len(text.encode()) <= MOST_BYTES == 60 * 1024
    assert text.count("<details>") == text.count("</details>") > 1
    missing = re.search(r"(\d+) more had no place here", text)
    assert missing
    assert text.count("<code>~ sandbox") + int(missing.group(1)) == 1200
    assert "... and 340 more fields" in text


SECRETS = [
    ("env.POSTGRES_PASSWORD", "hunter2hunter2"),
    ("env.DATABASE_URL", "postgresql://app:hunter2hunter2@db/app"),
    ("env.KEY", "ghp_hunter2hunter2hunter2"),
    ("command", ["serve", "--token", "hunter2hunter2"]),
    ("startup", "export API_TOKEN=hunter2hunter2\nrun"),
    ("health.command", ["curl", "-H", "password=hunter2hunter2"]),
]


@pytest.mark.parametrize(("field", "value"), SECRETS)
def test_no_value_that_looks_like_a_secret_is_shown(field: str, value: object) -> None:
    other = json.loads(json.dumps(value).replace("hunter2", "hunter3"))
    for before, after in ((value, other), (None, value), (value, None)):
        change = Change(
            action="update", kind="sandbox", name="api", cause="changed", differences=(differing(field, before, after),)
        )
        text = render_markdown(plan(change))
        assert "hunter" not in text
        assert "[not shown" in text
