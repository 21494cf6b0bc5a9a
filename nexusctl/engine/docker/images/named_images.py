"""The images that a stack and its sandboxes name, each asked for by its name.

A list of all images takes an engine as long as there are images, and it looks at all of them for a filtered one, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from nexusctl.engine import labels
from nexusctl.engine.docker.bodies.image_names import familiar
from nexusctl.engine.docker.client.client import Wire
from nexusctl.engine.docker.objects.pending_changes import is_tag
from nexusctl.errors import EngineError, NotFound
from nexusctl.model.engine_names import environment_tag, image_reference, recipe_tag
from nexusctl.model.observed.live import LiveImage, LiveSandbox
from nexusctl.model.stack import Sandbox, Stack

Listed = Mapping[str, Any]

AT_ONCE = 8
"""Images that are asked for at the same time."""


class AskedImages:
    """What an engine has said of single images, as a list would have said it; lives as long as one look.

    With `every` all images are listed instead, and nobody is asked.
    """

    def __init__(self, wire: Wire, *, every: bool = False) -> None:
        self._wire = wire
        self._by_name: dict[str, Listed | None] = {}
        self._all: list[Listed] | None = wire.get("/images/json") if every else None

    def ask(self, names: Iterable[str]) -> dict[str, Listed]:
        """Those of `names`, which may be ids, that there are, by these. Raises `EngineError`."""
        if self._all is not None:
            return {}
        wanted = dict.fromkeys(name for name in names if name)
        unknown = [name for name in wanted if name not in self._by_name]
        for start in range(0, len(unknown), AT_ONCE):
            self._by_name |= self._look(unknown[start : start + AT_ONCE])
        return {name: found for name in wanted if (found := self._by_name[name]) is not None}

    def list_known(self) -> list[Listed]:
        """Each that has been asked for so far, once."""
        if self._all is not None:
            return self._all
        return list({str(found["Id"]): found for found in self._by_name.values() if found is not None}.values())

    def _look(self, names: Collection[str]) -> dict[str, Listed | None]:
        with ExitStack() as asked:
            reads = {name: asked.enter_context(self._wire.ask_ahead(f"/images/{name}/json")) for name in names}
            found: dict[str, Listed | None] = {}
            for name, read in reads.items():
                try:
                    image = read()
                except NotFound:
                    image = None
                except EngineError as error:
                    # An engine has no image of a name that it takes for none.
                    if error.status != 400:
                        raise
                    image = None
                found[name] = None if image is None else _as_listed(image)
            return found


def _as_listed(image: Listed) -> Listed:
    config = image.get("Config") or {}
    return {
        "Id": image["Id"],
        "RepoTags": image["RepoTags"] or [],
        "RepoDigests": image["RepoDigests"] or [],
        "Labels": config.get("Labels") or {},
    }


def list_claimants(containers: Iterable[Listed], stack: str) -> Iterator[str]:
    """The ids of images of listed containers that may be a stack's by their image's labels alone.

    Who runs an image that was made of a sandbox gives its container another name than nexusctl would. Those that say
    that they are of `stack` are all looked at.
    """
    for entry in containers:
        owner = (entry["Labels"] or {}).get(labels.STACK)
        names = [str(name).lstrip("/") for name in entry["Names"] or ()]
        if owner == stack or (owner and not any(name.startswith((f"{owner}_", "nexusctl")) for name in names)):
            yield str(entry.get("ImageID", ""))


def read_named(
    asked: AskedImages, stack: Stack, sandboxes: Collection[LiveSandbox], also: Iterable[str] = ()
) -> dict[str, LiveImage]:
    """The images that `stack`, `sandboxes` or `also` name or run from, by the engine's reference and by the stack's."""
    specs = [*stack.sandboxes.values(), *(found.record for found in sandboxes if found.record)]
    born = {found.inspection.image for found in sandboxes if found.inspection}
    listed = {found.image for found in sandboxes}
    wanted = {image_reference(name) for name in {*born, *listed, *also} if name and not name.startswith("sha256:")}
    for spec in specs:
        wanted |= _list_candidates(spec, stack)
    asked.ask(found.image_id for found in sandboxes)
    known = {name: entry for entry in asked.list_known() for name in _list_names(entry)}
    missing = {reference for reference in wanted if familiar(reference) not in known}
    found = asked.ask(sorted(missing))
    # An environment is as old as what it was made from, if that has a name still.
    asked.ask(sorted({(entry["Labels"] or {}).get(labels.IMAGE_BASE, "") for entry in asked.list_known()}))
    return read_images(asked.list_known(), stack, found)


def _list_candidates(sandbox: Sandbox, stack: Stack) -> set[str]:
    """The references that its container may be made from."""
    bases = [image_reference(sandbox.image)]
    template = stack.templates.get(sandbox.template or "")
    while template is not None and template.recipe is not None:
        bases.append(recipe_tag(template))
        template = stack.templates.get(template.recipe.base or "")
    if not sandbox.packages:
        return set(bases)
    return {*bases, *(environment_tag(base, sandbox.packages, sandbox.working_dir) for base in bases[:2])}


def read_images(
    entries: Collection[Listed], stack: Stack, answered: Mapping[str, Listed] | None = None
) -> dict[str, LiveImage]:
    """Every tagged image by the engine's reference, and by the way that `stack` writes it.

    `answered` are those that the engine has found by what was written.
    """
    found: dict[str, LiveImage] = {}
    for entry in entries:
        for tag in _list_tags(entry):
            found[familiar(tag)] = _read_image(entry, tag)
    for sandbox in stack.sandboxes.values():
        written = image_reference(sandbox.image)
        if image := found.get(familiar(written)) or _find_by_id(found, entries, written):
            found[written] = image
        elif answered and written in answered and not written.startswith("sha256:"):
            found[written] = _read_image(answered[written], written)
    return found


def _list_tags(entry: Listed) -> list[str]:
    tags = (*(entry["RepoTags"] or ()), *(entry["RepoDigests"] or ()))
    return [tag for tag in tags if not tag.startswith("<none>") and not is_tag(tag)]


def _list_names(entry: Listed) -> Iterator[str]:
    yield str(entry["Id"])
    yield from map(familiar, _list_tags(entry))


def _find_by_id(images: Mapping[str, LiveImage], entries: Iterable[Listed], written: str) -> LiveImage | None:
    """The image of that id, which need not have any name."""
    if not written.startswith("sha256:"):
        return None
    named = (image for image in images.values() if image.id == written)
    nameless = (_read_image(entry, written) for entry in entries if entry["Id"] == written)
    return next(named, None) or next(nameless, None)


def _read_image(entry: Listed, name: str) -> LiveImage:
    marks = entry["Labels"] or {}
    named = (digest.partition("@") for digest in entry["RepoDigests"] or ())
    digests = {repository: digest for repository, _, digest in named}
    return LiveImage(
        id=entry["Id"],
        reference=familiar(name),
        base_id=marks.get(labels.IMAGE_BASE, ""),
        digest=digests.get(name.partition("@")[0].rpartition(":")[0], ""),
        packages=marks.get(labels.IMAGE_PACKAGES, ""),
        trees=marks.get(labels.IMAGE_TREES, ""),
    )
