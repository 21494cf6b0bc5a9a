"""The newest record of a container among its amendments and its own label. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusctl.engine import labels
from nexusctl.model.record import NewerRecord, RecordError, decode
from nexusctl.model.stack import Sandbox

Marks = Mapping[str, str]


def read_newest(sources: Sequence[Marks]) -> tuple[Marks, Sandbox | None, str]:
    """The labels among `sources`, the newest first, whose record can be read, with that; else the first, and why not.

    A damaged one is passed over: whoever finds an older one then is not sure of it. What only a newer nexusctl
    understands is not, because the sandbox is what it says.
    """
    problem = ""
    for marks in sources:
        text = marks.get(labels.RECORD, "")
        try:
            if text:
                return marks, decode(text), ""
            problem = problem or "it has none"
        except NewerRecord as error:
            return sources[0], None, problem or str(error)
        except RecordError as error:
            problem = problem or str(error)
    return sources[0], None, problem
