"""From the text of a configuration file to what it says, key by key, with the lines where it says it.

Values stay text as they were written, so that a password of digits keeps its zeros; what they mean is the business of
:mod:`apiml_ws.core.config_values`.  Keys may be nested, dotted (``server.port: 1``) or both, as Spring accepts them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from apiml_ws.core.config_problem import Problem, Source, problem
from apiml_ws.core.config_values import Said

_STANDARD: Final = "tag:yaml.org,2002:"
_NULL: Final = f"{_STANDARD}null"

# What quotes were forgotten around: found, allowed.  The text itself may be a password and is not repeated.
_TAGGED: Final = ("a tag (!name)", "quotes around a value that begins with !")
_ALIASED: Final = ("an alias that no anchor (&name) stands before", "quotes around a value that begins with *")


@dataclass(frozen=True, slots=True)
class Given:
    """That a source says ``said`` of a key, whose name is spelled so."""

    name: str
    said: Said
    source: Source


def read_yaml(text: str, file: str) -> tuple[list[Given], list[Problem]]:
    """What the text says, in its order, and what is wrong with it as YAML."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        return [], [_not_yaml(error, text, file)]
    walk = _Walk(file)
    walk.root(root)
    return walk.givens, walk.problems


@dataclass(slots=True)
class _Walk:
    """A walk over the tree of nodes; ``path`` holds the nodes that it is inside of, since an alias may make a ring."""

    file: str
    givens: list[Given] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    path: list[Node] = field(default_factory=list)

    def root(self, node: Node | None) -> None:
        if isinstance(node, MappingNode):
            self._section("", node)
        elif node is not None and node.tag != _NULL:
            self._complain(node, "(file)", "something else than a section", "keys and values")

    def _section(self, prefix: str, node: MappingNode) -> None:
        lines: dict[str, int] = {}
        self.path.append(node)
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._complain(key, prefix or "(file)", "a key that is a list or a section", "names of keys")
            elif key.value in lines:
                found = f"the key again, first on line {lines[key.value]}"
                self._complain(key, _join(prefix, key.value), found, "each key once")
            else:
                lines[key.value] = _line(key)
                self._entry(_join(prefix, key.value), key, value)
        self.path.pop()

    def _entry(self, name: str, key: ScalarNode, value: Node) -> None:
        if isinstance(value, MappingNode) and value.value:
            self._below(name, key, value)
        elif isinstance(value, SequenceNode):
            self._list(name, key, value)
        elif not value.tag.startswith(_STANDARD):
            self._complain(key, name, *_TAGGED)
        else:
            self.givens.append(Given(name, _text(value), self._at(key)))

    def _below(self, name: str, key: ScalarNode, value: MappingNode) -> None:
        if any(value is outer for outer in self.path):
            self._complain(key, name, "an alias of a section that it stands in", "sections without rings")
        else:
            self._section(name, value)

    def _list(self, name: str, key: ScalarNode, value: SequenceNode) -> None:
        if all(isinstance(item, ScalarNode) for item in value.value):
            items = tuple(_text(item) or "" for item in value.value)
            self.givens.append(Given(name, items, self._at(key)))
        else:
            self._complain(key, name, "a list of lists or sections", "a list of plain values")

    def _at(self, node: Node) -> Source:
        return Source(self.file, _line(node))

    def _complain(self, node: Node, key: str, found: str, allowed: str) -> None:
        self.problems.append(problem(self._at(node), key, found, allowed))


def _line(node: Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _text(node: Node) -> str | None:
    """The text of a scalar as it was written; None for null and for an empty section."""
    if node.tag == _NULL or isinstance(node, MappingNode):
        return None
    text: str = node.value
    return text


def _not_yaml(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """What is wrong with the syntax, without the text around it, which may be a password."""
    line, found, allowed = _diagnosis(error, text)
    return Problem(file, line, "(file)", found, allowed)


def _diagnosis(error: yaml.YAMLError, text: str) -> tuple[int | None, str, str]:
    if isinstance(error, ReaderError):
        return (
            text.count("\n", 0, error.position) + 1,
            f"the character U+{ord(text[error.position]):04X}",
            "characters that YAML allows",
        )
    mark = getattr(error, "problem_mark", None)
    line = None if mark is None else mark.line + 1
    said = str(getattr(error, "problem", ""))
    for words, (found, allowed) in (("undefined alias", _ALIASED), ("undefined tag", _TAGGED)):
        if words in said:
            return line, found, allowed
    return line, f"no YAML ({said})", "one document of YAML"
