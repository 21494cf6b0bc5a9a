"""Which sandboxes are in: those without profiles, and those of which one profile was asked for."""

from __future__ import annotations

from nexusctl.config.node import Mapping, Node, Scalar, Sequence
from nexusctl.config.problems import note
from nexusctl.config.references import Absent
from nexusctl.config.suggestion import suggest
from nexusctl.errors import Diagnostic, InputError
from nexusctl.model.inputs import Inputs

ALL = "*"


def find_inactive(entries: Mapping, inputs: Inputs) -> dict[str, Absent]:
    """The sandboxes that are left out, each with the reason. Raises `InputError` for a profile that none has."""
    wanted = {*inputs.profiles, *inputs.ambient_profiles}
    profiles = {name: _profiles(node) for name, node in entries.values.items()}
    _refuse_unknown(inputs, {place.text for places in profiles.values() for place in places})
    if ALL in wanted:
        return {}
    return {
        name: _absent(places)
        for name, places in profiles.items()
        if places and not any(place.text in wanted for place in places)
    }


def _profiles(node: Node) -> list[Scalar]:
    value = node.get("profiles") if isinstance(node, Mapping) else None
    items = value.items if isinstance(value, Sequence) else []
    return [item for item in items if isinstance(item, Scalar)]


def _absent(places: list[Scalar]) -> Absent:
    names = " or ".join(f"`{place.text}`" for place in places)
    what = "profile" if len(places) == 1 else "profiles"
    hint = f"call nexusctl with `--profile {places[0].text}`, or give the dependent the same `profiles`"
    return Absent(f"is only there with the {what} {names}", hint, note("its profiles are named here", places[0]))


def _refuse_unknown(inputs: Inputs, known: set[str]) -> None:
    unknown = [name for name in inputs.profiles if name != ALL and name not in known]
    if unknown:
        raise InputError(
            *(
                Diagnostic(f"no sandbox has the profile `{name}`", hint=suggest(name, known, "profiles of this stack"))
                for name in unknown
            )
        )
