"""The labels that nexusctl writes, and what each says.

Images pass their labels on to containers, so the ones on images have names of their own.
"""

from __future__ import annotations

PREFIX = "dev.nexusctl."

RESERVED = (PREFIX, "com.docker.")
"""What labels begin with that are not a user's."""

STACK = PREFIX + "stack"
"""On containers, networks, volumes: the stack's name. Identity is this label, never the object's name."""

SANDBOX = PREFIX + "sandbox"
"""On containers and amendments: the sandbox's instance name."""

RECORD = PREFIX + "record"
"""On containers and amendments: the whole applied spec, see `model/record.py`."""

BIRTH_NAME = PREFIX + "birth-name"
"""On containers that get their final name only when everything declared was done."""

NAMED = PREFIX + "named"
"""On containers that have their stack's name in networks which others share; older ones lack it."""

BIRTH = PREFIX + "birth"
"""On containers: what no other container has, and no image that somebody makes of one says of its containers."""

CAPABILITIES = PREFIX + "capabilities"
"""On containers that have not all capabilities of the engine's default; older ones lack it."""

MAKER = PREFIX + "maker"
"""On containers and amendments: USER@HOST of the nexusctl that made it; empty where it held no lock, and older ones
lack it."""

BRANCH = PREFIX + "branch"
"""On containers: the git branch that `--instance auto` has named their instance after; older ones lack it."""

ROLE = PREFIX + "role"
"""On everything: sandbox, builder, courier, network, volume, amendment, note, end, hold, extension, past,
secrets, lock, cache."""

NETWORK = PREFIX + "network"
VOLUME = PREFIX + "volume"
"""On networks and volumes: the name in the stack file."""

OWN_VOLUMES = PREFIX + "own-volumes"
"""On containers: those volumes, by their names in the stack file and apart by spaces, that were the stack's when it was
made, and no external ones; older ones lack it."""

IPV6 = PREFIX + "enable-ipv6"
"""On networks: `true` or `false`, as the stack file says; older ones lack it."""

FIXED = PREFIX + "fixed-subnet"
"""On networks: `true` where the stack file names the range."""

ADOPTED = PREFIX + "adopted"
"""On adoptions: `network:ID` or `volume:NAME`, which the stack has taken over from somebody else."""

CONTAINER = PREFIX + "container"
SEQUENCE = PREFIX + "sequence"
"""On amendments: the container that it amends, and its number; the highest counts."""

SECRETS = PREFIX + "secrets"
"""On containers with secrets as files, on their deeds and on couriers: the folder that holds them; empty for none."""

PACKAGE_FACTS = PREFIX + "package-facts"
"""On amendments: what the managers said after they installed something in the container, see
`docker/images/package_inventory.py`."""

HOLD = PREFIX + "hold."
"""On holds: the prefix of state, user, since and, where its lifetime was over, of cause."""

LIFETIME = "lifetime"
IDLE = "idle"
KILL = "kill"
"""Those causes."""

EXTENSION = PREFIX + "extension."
"""On extensions: the prefix of until, user and since."""

PAST = PREFIX + "past"
"""On pasts: what was done to the container and is over by now, as JSON."""

LOCK = PREFIX + "lock."
"""On locks: the prefix of owner, user, host, pid, command, since."""

IMAGE_BASE = PREFIX + "image.base-id"
"""On images: the id of the image that it was made from."""

IMAGE_PACKAGES = PREFIX + "image.packages"
"""On images: the packages that the managers named after installing, as JSON."""

IMAGE_TREES = PREFIX + "image.trees"
"""On images that only a lock needs: what the managers have of locks of their own, as JSON."""

IMAGE_INVENTORY = PREFIX + "image.inventory"
"""On images: everything that the managers knew of after installing, as JSON; empty on containers, where it is long."""

IMAGE_TAG = PREFIX + "image.tag"
"""On images: the tag that it was made for."""

BUILDER = PREFIX + "builder"
"""On builders, and on images that only a lock needs: host, pid and birth of the process that needs it, as JSON.

Empty on the other images that builders make.
"""


def read_number(text: str) -> int:
    """A number as we write them: digits, and no more than a process has; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def read_seconds(text: str) -> int:
    """Seconds since 1970 as we write them; 0 where it is no time that has a date."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


EXIT_CODE = "exitCode"
"""What events of the engine call an exit code. They tell labels as well, and one of this name hides what it says."""
