"""PyYAML's C parser without the rest of PyYAML, for start-up time.

Only the parser's events are used here. Importing `yaml` whole compiles the regular expressions of a reader, a resolver
and a constructor in Python that nobody calls, which takes a sixth of a no-op plan. A process that is nexusctl's own
therefore loads the C extension by itself, with stand-ins for the modules of which it wants the name of an error.
Anywhere else, and where PyYAML is built in another way, `yaml` is imported as usual.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

_LOADING = allocate_lock()
"""Of the built-in module, as `threading` takes longer to import than a short file to read."""

_NEEDED = ("error", "tokens", "events", "nodes")
_MARKED = {"scanner": "Scanner", "parser": "Parser", "composer": "Composer", "constructor": "Constructor"}
_UNMARKED = {
    "reader": "Reader", "emitter": "Emitter", "serializer": "Serializer", "representer": "Representer",
    "resolver": "Resolver",
}  # fmt: skip


def _library() -> tuple[Any, Any, Any]:
    """The module of the events, that of the errors, and the class that parses."""
    # Whoever came while another thread loads it would find a half of it.
    with _LOADING:
        return _load()


@cache
def _load() -> tuple[Any, Any, Any]:
    return (_load_alone() if _is_own_process() else None) or _load_whole()


def events() -> Any:
    """The module of the classes of events."""
    return _library()[0]


def marked_error() -> type[Exception]:
    """What is raised for a text that is no YAML; it knows where."""
    found: type[Exception] = _library()[1].MarkedYAMLError
    return found


def parse(text: str) -> Iterator[Any]:
    """The events of `text`. Raises what `marked_error` says, at the event that cannot be read."""
    parser = _library()[2](text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


def _is_own_process() -> bool:
    """Whether nobody else in this process can want PyYAML: it is the `nexusctl` script, or `python -m nexusctl`."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return "nexusctl.__main__" in sys.modules or (spec is not None and spec.name == "nexusctl.__main__")


def _load_whole() -> tuple[Any, Any, Any]:
    import yaml  # noqa: PLC0415 - deferred: start-up time

    # The C parser is some thirty times faster; PyYAML is also packaged without it.
    return yaml.events, yaml.error, getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _load_alone() -> tuple[Any, Any, Any] | None:
    spec = PathFinder.find_spec("yaml")
    if "yaml" in sys.modules or spec is None or not spec.submodule_search_locations:
        return None
    package = ModuleType("yaml")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["yaml"] = package
    try:
        parts = {name: import_module(f"yaml.{name}") for name in _NEEDED}
        for names, base in ((_MARKED, parts["error"].MarkedYAMLError), (_UNMARKED, parts["error"].YAMLError)):
            for name, stem in names.items():
                _stand_in(package, name, type(f"{stem}Error", (base,), {}))
        parser = import_module("yaml._yaml").CParser
    except (ImportError, AttributeError):
        # A PyYAML without the extension, or one that wants more of the package.
        return None
    finally:
        # Whoever imports PyYAML after all gets the whole of it, with the classes that the extension knows.
        for name in ("yaml", *(f"yaml.{name}" for name in (*_MARKED, *_UNMARKED))):
            sys.modules.pop(name, None)
    return parts["events"], parts["error"], parser


def _stand_in(package: ModuleType, name: str, error: type[Exception]) -> None:
    module = ModuleType(f"yaml.{name}")
    setattr(module, error.__name__, error)
    setattr(package, name, module)
    sys.modules[module.__name__] = module
