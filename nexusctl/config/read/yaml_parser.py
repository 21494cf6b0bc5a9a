"""The door to YAML: a text becomes a tree of nodes with positions.

The parser's events are used, never its constructor: the constructor forgets positions and source text, lets
duplicate keys pass, and can be made to recurse or to expand aliases without end.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingType
from typing import Any, NoReturn

from nexusctl.config.document.hidden_lines import SENSITIVE
from nexusctl.config.document.node import Mapping, Node, Scalar, Sequence, Source
from nexusctl.config.document.problems import Problems, note
from nexusctl.config.read import libyaml
from nexusctl.model.values.late_regex import late_regex

DEPTH_LIMIT = 64
NODE_LIMIT = 60_000

_BEGINNINGS = {
    "stack file": "begin it with `name: my-stack` and go on with `sandboxes:`",
    "file to include": "begin it with what it adds, such as `sandboxes:`, or include it no more",
    "settings file": "begin it with `defaults:`, or remove it",
    "template file": "begin it with `name: my-template`, `description:` and `extends: base`",
    "policy": "begin it with what agents may do, such as `templates: [node]`, or remove it",
    "variable file": "write a line for each variable: `NAME: value`",
}
"""What stands at the top of a file, by what it is read as."""

_NO_KEY = "put a word before the `:`"

_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_NATURAL_TAGS = ("tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")
UNUSABLE = late_regex("[\0\ud800-\udfff]")


def compose(source: Source, problems: Problems) -> Mapping:
    """The tree of `source`, whose root is a mapping. Raises `InputError` where no tree can be made of it."""
    root = compose_any(source, problems)
    if isinstance(root, Mapping):
        return root
    place = root or Scalar(source, 1, 1, "", False)
    what = "is empty" if root is None or (isinstance(root, Scalar) and root.value is None) else "is not a mapping"
    problems.add(place, f"the {source.kind} {what}", _BEGINNINGS.get(source.kind, _BEGINNINGS["stack file"]))
    problems.raise_any()
    raise AssertionError("a problem was added, so this is not reached")


def compose_any(source: Source, problems: Problems) -> Node | None:
    """The tree of `source`, whatever its root is; None for an empty one. Raises `InputError` as `compose` does."""
    composer = _Composer(source, problems)
    problems.know(source)
    try:
        takes = composer.takes
        for event in libyaml.parse(source.text):
            if take := takes.get(type(event)):
                take(event)
    except libyaml.marked_error() as error:
        _hide_sections(source, problems)
        unclosed = composer.open[-1].node if composer.open else None
        # Most files are YAML.
        from nexusctl.config.read.yaml_errors import explain  # noqa: PLC0415 - deferred: start-up time

        problems.extend([explain(source, error, unclosed)])
        problems.raise_any()
    except RecursionError:
        # The pure Python parser recurses where the C one does not.
        composer.fail(Scalar(source, 1, 1, "", False), "the file is nested too deeply", "nest it less")
    if SENSITIVE in source.text and isinstance(composer.root, Mapping):
        # Most files have nothing sensitive.
        from nexusctl.config.document.hidden_lines import hide_declared  # noqa: PLC0415 - deferred: start-up time

        hide_declared([composer.root])
    return composer.root


def _hide_sections(source: Source, problems: Problems) -> None:
    # Only needed for a file that cannot be read.
    from nexusctl.config.document.hidden_lines import hide_sections, may_hide  # noqa: PLC0415 - deferred: start-up time

    if any(may_hide(known.text) for known in problems.sources.values()):
        hide_sections(source)


def _invisible_end(text: str) -> str | None:
    """The character at the begin or end of `text` that nobody sees, such as a byte order mark; None for none."""
    return next((end for end in (text[0], text[-1]) if not end.isprintable() or end.isspace()), None)


class _Composer:
    """Builds the tree from events with a stack of its own, so that no nesting can exhaust the interpreter's."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.source = source
        self.problems = problems
        self.root: Node | None = None
        self.anchors: dict[str, Node | None] = {}
        self.open: list[_Frame] = []
        self.count = 0
        self.merged = 0
        self.documents = 0
        self.last = 1

    @property
    def takes(self) -> MappingType[type, Callable[[Any], None]]:
        """What takes which event; the others say nothing of interest."""
        events = libyaml.events()
        return {
            events.ScalarEvent: self.take_scalar,
            events.MappingStartEvent: self.start,
            events.SequenceStartEvent: self.start,
            events.MappingEndEvent: self.end,
            events.SequenceEndEvent: self.end,
            events.AliasEvent: self.take_alias,
            events.DocumentStartEvent: self.begin_document,
        }

    def begin_document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            place = Scalar(self.source, event.start_mark.line + 1, event.start_mark.column + 1, "", False)
            self.fail(place, "a second YAML document begins here", "keep one document a file: remove this `---`")

    def take_scalar(self, event: Any) -> None:
        node = self.scalar(event)
        self.counted(node)
        self.place(node, event.anchor)

    def take_alias(self, event: Any) -> None:
        self.place(self.alias(event), None)

    def scalar(self, event: Any) -> Scalar:
        mark, text = event.start_mark, event.value
        bare: bool = event.implicit[0]
        node = Scalar(self.source, mark.line + 1, mark.column + 1, text, bare)
        if event.style or " " in text or "\n" in text:
            # Only these can go on in the next line; a block ends where the line after it begins.
            end = event.end_mark
            node.end = max(node.line, end.line + (end.column > 0))
        self.last = node.end
        if bare and node.end > node.line and " - " in text:
            self.refuse_swallowed(node)
        if "${" in text:
            self.source.refers = True
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self.refuse_tag(node, event.tag)
        if event.style == '"' and UNUSABLE.search(text):
            hint = "remove the escape; binary data goes into a file under `uploads`"
            self.problems.add(node, "this text contains a NUL or half a character, which no program can take", hint)
            # The file system's functions fail on these, and the other problems are still to be found.
            node.text = node.value = UNUSABLE.sub("?", text)
        return node

    def refuse_swallowed(self, node: Scalar) -> None:
        """Report a line that is meant as an item of a list, and is read as more of the text above it."""
        for number in range(node.line + 1, node.end + 1):
            line = self.source.lines[number - 1]
            if line.lstrip().startswith("- "):
                place = Scalar(self.source, number, len(line) - len(line.lstrip()) + 1, "", False)
                hint = "begin it in the column of the `-` above, or put the whole text in quotes"
                self.problems.add(place, "this line goes on with the text above, and is no item of a list", hint)

    def start(self, event: Any) -> None:
        mark = event.start_mark
        kind = Mapping if type(event) is libyaml.events().MappingStartEvent else Sequence
        node = kind(self.source, mark.line + 1, mark.column + 1)
        if event.tag is not None and event.tag not in _NATURAL_TAGS:
            self.refuse_tag(node, event.tag)
        if len(self.open) >= DEPTH_LIMIT:
            self.fail(node, f"the file is nested more than {DEPTH_LIMIT} levels deep", "nest it less")
        self.counted(node)
        if event.anchor:
            self.anchors[event.anchor] = None
        self.open.append(_Frame(node, event.anchor, event.flow_style))

    def end(self, event: Any) -> None:
        frame = self.open.pop()
        node = frame.node
        if frame.flow:
            self.last = event.end_mark.line + 1
        # Without brackets or braces it ends only where something else begins.
        node.end = max(self.last, node.line)
        if isinstance(node, Mapping):
            self.merge(node, frame)
            children = list(node.values.values())
            node.size += len(children)
        else:
            children = node.items
        node.size += sum([child.size for child in children])
        node.height += max([child.height for child in children], default=0)
        if node.size > NODE_LIMIT:
            self.fail(node, f"its aliases expand to more than {NODE_LIMIT:,} values", "use fewer aliases")
        self.place(node, frame.anchor)

    def alias(self, event: Any) -> Node:
        name, mark = event.anchor, event.start_mark
        node = self.anchors.get(name)
        if node is None:
            place = Scalar(self.source, mark.line + 1, mark.column + 1, "", False)
            shown = self.named("the alias", f"*{name}")
            if name in self.anchors:
                self.fail(place, f"{shown} stands inside of what it names", "an alias cannot hold itself")
            hint = "mark the value it means with `&` in this file, or put a text that begins with `*` in quotes"
            self.fail(place, f"{shown} has no anchor before it", hint)
        if len(self.open) + node.height > DEPTH_LIMIT:
            self.fail(node, f"its aliases nest more than {DEPTH_LIMIT} levels deep", "nest it less")
        return node

    def place(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        if not self.open:
            self.root = node
            return
        frame = self.open[-1]
        if isinstance(frame.node, Sequence):
            frame.node.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            self.enter(frame, frame.node, frame.key, node)
            frame.key = None

    def enter(self, frame: _Frame, mapping: Mapping, key: Node, value: Node) -> None:
        if isinstance(key, Scalar) and key.bare and not key.text.isascii() and (found := _invisible_end(key.text)):
            summary = f"this key begins or ends with the invisible character U+{ord(found):04X}"
            self.problems.add(key, summary, "type the key anew, and the spaces before it")
        elif not isinstance(key, Scalar):
            braces = self.source.lines[key.line - 1][: key.column].endswith("{{")
            hint = "write a reference as `${var.NAME}`, and a text with `{{` in quotes" if braces else _NO_KEY
            self.problems.add(key, "a key has to be text, not a list or a mapping", hint)
        elif not isinstance(key.value, str):
            shown = key.text or "null"
            self.problems.add(key, f"the key `{shown}` is not text", f'write it in quotes: "{shown}"')
        elif key.text == "<<" and key.bare:
            if frame.merge is not None:
                self.duplicate(key, value, frame.merge[0])
            frame.merge = (key, value)
        elif key.text in mapping.keys:
            self.duplicate(key, value, mapping.keys[key.text])
        else:
            mapping.keys[key.text] = key
            mapping.values[key.text] = value

    def merge(self, mapping: Mapping, frame: _Frame) -> None:
        """Add what `<<` names; the mapping's own keys win, then the earlier of several."""
        if frame.merge is None:
            return
        key, value = frame.merge
        for base in value.items if isinstance(value, Sequence) else [value]:
            if not isinstance(base, Mapping):
                self.problems.add(key, "`<<` can only merge mappings", "give it an alias of a mapping: `<<: *base`")
                continue
            self.merged += len(base.values)
            if self.merged > NODE_LIMIT:
                self.fail(key, f"its merges expand to more than {NODE_LIMIT:,} values", "use fewer merges")
            mapping.keys = {**base.keys, **mapping.keys}
            mapping.values = {**base.values, **mapping.values}

    def duplicate(self, key: Scalar, value: Node, first: Scalar) -> None:
        hint = "keep one of the two, or join what they hold"
        summary = f"the key `{key.text}` stands twice in this mapping (lines {first.line} and {key.line})"
        self.problems.add(key, summary, hint, note("it was written first here", first))
        self.source.repeated.append((key, value))

    def refuse_tag(self, node: Node, tag: str) -> None:
        shown = self.named("the tag", tag.replace("tag:yaml.org,2002:", "!!"))
        hint = "write the value without a tag, or put a text that begins with `!` in quotes"
        self.problems.add(node, f"{shown} is not known here", hint)

    def named(self, what: str, name: str) -> str:
        """`what` with its name, unless that may be the beginning of something sensitive that lacks its quotes."""
        # Only needed where something is wrong.
        from nexusctl.config.document.template_argument_lines import may_give  # noqa: PLC0415 - deferred: start-up time

        text = self.source.text
        return what if SENSITIVE in text or may_give(text) else f"{what} `{name}`"

    def counted(self, node: Node) -> None:
        self.count += 1
        if self.count > NODE_LIMIT:
            self.fail(node, f"the file holds more than {NODE_LIMIT:,} values", "split it into several stacks")

    def fail(self, place: Node, summary: str, hint: str) -> NoReturn:
        self.problems.add(place, summary, hint)
        _hide_sections(self.source, self.problems)
        self.problems.raise_any()
        raise AssertionError("a problem was added, so this is not reached")


class _Frame:
    """A collection that is still open, with the key that waits for its value."""

    __slots__ = ("anchor", "flow", "key", "merge", "node")

    def __init__(self, node: Mapping | Sequence, anchor: str | None, flow: bool) -> None:
        self.node = node
        self.flow = flow
        self.anchor = anchor
        self.key: Node | None = None
        self.merge: tuple[Scalar, Node] | None = None
