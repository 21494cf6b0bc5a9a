"""Which sandboxes are in: those without profiles, and those of which one profile was asked for."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as MappingType

from nexusctl.config.build.dependencies import AbsentSandbox
from nexusctl.config.build.sandbox import LoadContext, build_networks
from nexusctl.config.build.secrets import build_secret_files
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.document.problems import Problems, note
from nexusctl.errors import Diagnostic
from nexusctl.model.load_request import Inputs
from nexusctl.model.values.did_you_mean import suggest

ALL = "*"


def find_inactive(entries: Mapping, inputs: Inputs, problems: Problems) -> dict[str, AbsentSandbox]:
    """The sandboxes that are left out, each with the reason. A profile that none has is reported."""
    wanted = {*inputs.profiles, *inputs.ambient_profiles}
    profiles = {name: _profiles(node) for name, node in entries.values.items()}
    unknown = [name for name in inputs.profiles if name not in (ALL, *_names(profiles))]
    nodes = entries.values.values()
    if not any(isinstance(node, Mapping) and "profiles" in node.dropped for node in nodes):
        problems.extend(_unknown(name, _names(profiles)) for name in unknown)
    if unknown or ALL in wanted:
        return {}
    return {
        name: _absent(places)
        for name, places in profiles.items()
        if places and not any(place.text in wanted for place in places)
    }


def check_inactive(own: Mapping, key: Scalar, names: Collection[str], around: LoadContext) -> None:
    """Report what a sandbox that is left out says of others, of networks and secrets that there are none of.

    Its files are not looked at: they may well be on no machine but those that its profile is for.
    """
    problems = around.problems
    problems.sandbox = key.text
    build_networks(own, around.networks, problems)
    build_secret_files(own, around.declared_secrets, problems)
    named = own.get("depends_on")
    places = named.keys.values() if isinstance(named, Mapping) else named.items if isinstance(named, Sequence) else ()
    for place in places:
        # A member of a group has its number or key behind the name of that.
        if isinstance(place, Scalar) and not any(f"{place.text}-".startswith(f"{name}-") for name in names):
            problems.add(place, f"there is no sandbox `{place.text}`", suggest(place.text, names, "sandboxes"))


def _profiles(node: Node) -> list[Scalar]:
    value = node.get("profiles") if isinstance(node, Mapping) else None
    items = value.items if isinstance(value, Sequence) else []
    return [item for item in items if isinstance(item, Scalar)]


def _absent(places: list[Scalar]) -> AbsentSandbox:
    names = " or ".join(f"`{place.text}`" for place in places)
    what = "profile" if len(places) == 1 else "profiles"
    hint = f"call nexusctl with `--profile {places[0].text}`, or give the dependent the same `profiles`"
    return AbsentSandbox(f"is only there with the {what} {names}", hint, note("its profiles are named here", places[0]))


def _names(profiles: MappingType[str, list[Scalar]]) -> set[str]:
    return {place.text for places in profiles.values() for place in places}


def _unknown(name: str, known: set[str]) -> Diagnostic:
    return Diagnostic(f"no sandbox has the profile `{name}`", hint=suggest(name, known, "profiles of this stack"))
