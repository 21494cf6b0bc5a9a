"""A plan without access to secrets takes them to be unchanged; with it, a changed one shows as changed."""

from __future__ import annotations

from dataclasses import replace

from nexusctl.engine.memory.engine import MemoryEngine
from nexusctl.model.secret import SecretFile, SecretText, SecretUse, Text
from nexusctl.model.stack import Network, Resources, Sandbox, Stack
from nexusctl.plan.commands.names import Choice
from nexusctl.plan.commands.target import select_changes
from nexusctl.plan.plan import make_plan
from nexusctl.render.plan.plan import render_plan
from tests.plan.worlds import IMAGE, carry_out, new_engine, plan_for


def use(name: str, digest: str = "") -> SecretUse:
    return SecretUse(secret=name, digest=digest)


def stack_of(env: dict[str, Text], files: tuple[SecretFile, ...] = ()) -> Stack:
    sandbox = Sandbox(name="api", group="api", image=IMAGE, env=env, secrets=files)
    return Stack(name="shop", sandboxes={"api": sandbox}, networks={"default": Network(name="default")})


def applied(stack: Stack) -> MemoryEngine:
    engine = new_engine()
    carry_out(engine, plan_for(engine, stack))
    return engine


def url(digest: str) -> SecretText:
    return SecretText(parts=("postgres://app:", use("pin", digest), "@db"))


def test_a_secret_that_was_not_read_is_no_change_and_is_named() -> None:
    engine = applied(stack_of({"URL": url("d1")}, (SecretFile(secret="key", name="key", digest="d2"),)))
    unread = stack_of({"URL": url("")}, (SecretFile(secret="key", name="key"),))
    plan = plan_for(engine, unread)
    assert (plan.changes, plan.unread) == ((), ("key", "pin"))
    assert render_plan(plan) == (
        "No changes: stack shop is as it should be (1 sandbox unchanged; 2 secrets were not read).\n"
    )


def test_secrets_to_be_read_are_named_where_a_sandbox_that_has_some_changes() -> None:
    def stack(api: str, web: str) -> Stack:
        plain = Sandbox(name="web", group="web", image=IMAGE, env={"A": web}, resources=Resources(memory=2**30))
        known = stack_of({"URL": url(""), "A": api})
        return replace(known, sandboxes={**known.sandboxes, "web": plain})

    said = "1 secret will be read at apply: pin."
    assert said in render_plan(plan_for(new_engine(), stack("1", "1")))
    engine = applied(stack("1", "1"))
    assert said in render_plan(plan_for(engine, stack("2", "1")))
    other = plan_for(engine, stack("1", "2"))
    assert other.unread == ("pin",)
    assert render_plan(other).endswith("\n\nPlan: 1 to replace, 1 unchanged.\n")
    chosen = select_changes(other, stack("1", "2"), engine.observe(stack("1", "2")), Choice(targets=("api",)))
    assert "No changes in the part of stack shop that was chosen (1 secret was not read).\n" in render_plan(chosen)


def test_a_changed_value_shows_as_changed_and_never_as_itself() -> None:
    engine = applied(stack_of({"URL": url("d1")}))
    text = render_plan(plan_for(engine, stack_of({"URL": url("d2")})))
    assert '~ env.URL: "postgres://app:[secret pin]@db" -> "postgres://app:[secret pin, changed]@db"  # forces' in text
    assert "d1" not in text
    assert "d2" not in text


def test_another_text_around_a_secret_shows_although_the_secret_was_not_read() -> None:
    engine = applied(stack_of({"URL": url("d1")}))
    moved = SecretText(parts=("postgres://app:", use("pin"), "@db2"))
    text = render_plan(plan_for(engine, stack_of({"URL": moved})))
    assert '~ env.URL: "postgres://app:[secret pin]@db" -> "postgres://app:[secret pin]@db2"' in text


def test_another_secret_in_the_same_place_shows_by_its_name() -> None:
    engine = applied(stack_of({"URL": SecretText(parts=(use("pin", "d1"),))}))
    text = render_plan(plan_for(engine, stack_of({"URL": SecretText(parts=(use("pin2", "d2"),))})))
    assert '~ env.URL: "[secret pin]" -> "[secret pin2]"' in text


def test_a_changed_secret_file_is_put_right_in_the_live_sandbox_and_the_first_one_needs_a_new_one() -> None:
    one, other = (SecretFile(secret="key", name="key", digest=digest) for digest in ("d1", "d2"))
    two = SecretFile(secret="pin", name="pin", digest="d3")
    cases = {((one,), (other,)): "update", ((one,), (one, two)): "update", ((one, two), (one,)): "update"}
    cases |= {((), (one,)): "replace", ((one,), ()): "replace"}
    for (before, after), action in cases.items():
        plan = plan_for(applied(stack_of({}, before)), stack_of({}, after))
        assert [change.action for change in plan.changes] == [action]


def test_only_the_secrets_of_the_chosen_sandboxes_are_to_be_read() -> None:
    stack = stack_of({"PIN": SecretText(parts=(use("pin"),))})
    other = replace(stack.sandboxes["api"], name="web", group="web", env={"KEY": SecretText(parts=(use("key"),))})
    stack = replace(stack, sandboxes={**stack.sandboxes, "web": other})
    engine = new_engine()
    live = engine.observe(stack)
    whole = make_plan(stack, live, engine.in_place)
    assert whole.unread == ("key", "pin")
    assert select_changes(whole, stack, live, Choice(targets=("web",))).unread == ("key",)
