"""Where the networks of a stack have their addresses."""

from __future__ import annotations

from ipaddress import IPv4Network

from nexusctl.config.document.node import Mapping, Scalar
from nexusctl.config.document.problems import Problems


def check_addresses(document: Mapping, problems: Problems) -> None:
    """Report ranges and addresses that are none, lie outside of their subnet, or are in two networks."""
    subnets: dict[str, IPv4Network] = {}
    for name, values in document.section("networks").items():
        if not isinstance(values, Mapping):
            continue
        subnet = _read_range(values, "subnet", problems)
        for key in ("gateway", "ip_range"):
            found = _read_range(values, key, problems)
            if key in values.values and "subnet" not in values.values:
                problems.add(values.keys[key], f"`{key}` of network `{name}` is in no `subnet`", "write `subnet`, too")
            elif found and subnet and not found.subnet_of(subnet):
                summary = f"`{key}` of network `{name}` is not in its subnet {subnet}"
                problems.add(values.values[key], summary, f"choose one of {subnet[0]} to {subnet[-1]}")
        for other, taken in subnets.items():
            if subnet and subnet.overlaps(taken):
                summary = f"the networks `{other}` and `{name}` share addresses: {taken} and {subnet}"
                problems.add(values.values["subnet"], summary, "give each a range of its own")
        if subnet:
            subnets[name] = subnet


def _read_range(values: Mapping, key: str, problems: Problems) -> IPv4Network | None:
    """The range under `key`; an address is one of a single address."""
    node = values.values.get(key)
    if not isinstance(node, Scalar):
        return None
    try:
        found = IPv4Network(node.text, strict=False)
    except ValueError:
        problems.add(node, f"`{node.text}` is no {_KINDS[key]}", f"write one such as `{_EXAMPLES[key]}`")
        return None
    if str(found) != node.text and key != "gateway":
        problems.add(node, f"`{node.text}` is an address in a range, and no range", f"write `{found}`")
    return found


_KINDS = {"subnet": "IPv4 range", "ip_range": "IPv4 range", "gateway": "IPv4 address"}

_EXAMPLES = {"subnet": "10.20.0.0/24", "ip_range": "10.20.0.128/25", "gateway": "10.20.0.1"}
