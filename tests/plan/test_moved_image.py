"""When what a container was created from means another image by now, also where its packages came later, in place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexusctl.model.engine_names import environment_tag
from nexusctl.model.observed.live import Inspection, LiveImage, LiveSandbox, LiveState
from nexusctl.model.plan.plan import Difference
from nexusctl.model.stack import Resources, Sandbox, Stack
from nexusctl.model.uploads_and_packages import Package, PackageSet
from nexusctl.plan.decide.images import find_moved_image
from tests.plan.worlds import IMAGE


def packages(*names: str) -> tuple[PackageSet, ...]:
    return (PackageSet(manager="npm", packages=tuple(Package(name=name) for name in names)),) if names else ()


BORN_WITH = environment_tag(IMAGE, packages("ms"), None)

NOW = Sandbox(name="box", group="box", image=IMAGE, packages=packages("ms", "pg"))

BASE = LiveImage(id="sha256:base", reference=IMAGE)
ENVIRONMENT = LiveImage(id="sha256:env", reference=BORN_WITH, base_id="sha256:base")
MOVED = LiveImage(id="sha256:moved", reference=IMAGE)


def look(sandbox: Sandbox, born: LiveImage, *images: LiveImage, image_id: str = "") -> Difference | None:
    holder = LiveSandbox(
        id="1",
        name="demo_box",
        sandbox="box",
        state="running",
        record=sandbox,
        image_id=image_id or born.id,
        inspection=Inspection(resources=Resources(), restart="no", image=born.reference),
    )
    live = LiveState(stack="demo", sandboxes=(holder,), images={image.reference: image for image in images})
    return find_moved_image(sandbox, Stack(name="demo", sandboxes={"box": sandbox}), live, holder)


@pytest.mark.parametrize("now", [packages("ms", "pg"), packages("ms"), packages()])
@pytest.mark.parametrize("born", [BASE, ENVIRONMENT])
def test_packages_that_came_in_place_do_not_move_an_image(born: LiveImage, now: tuple[PackageSet, ...]) -> None:
    assert look(replace(NOW, packages=now), born, BASE, ENVIRONMENT) is None


@pytest.mark.parametrize("now", [packages("ms", "pg"), packages("ms"), packages()])
def test_a_base_that_moved_is_seen_whatever_came_in_place(now: tuple[PackageSet, ...]) -> None:
    sandbox = replace(NOW, packages=now)
    for found in (look(sandbox, ENVIRONMENT, MOVED, ENVIRONMENT), look(sandbox, BASE, MOVED, image_id=BASE.id)):
        assert found is not None
        assert (found.field, found.effect) == ("image", "replace")


def test_a_base_of_another_name_is_no_move() -> None:
    """Such as that of a recipe which a newer nexusctl has changed."""
    other = replace(BASE, reference="nexusctl/node:of-an-older-recipe")
    assert look(NOW, ENVIRONMENT, MOVED, other, ENVIRONMENT) is None
