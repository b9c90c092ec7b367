"""Bicep source to declarations: what the other checks need, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from .problem import Problem

_PARSER = Parser(Language(tree_sitter_bicep.language()))


@dataclass(frozen=True)
class Literal:
    """A text without interpolation, a number, a truth value, or null."""

    value: str | int | bool | None
    line: int


@dataclass(frozen=True)
class Object:
    """An object; nested resources are not among its fields."""

    fields: dict[str, Value]
    line: int

    def at(self, *path: str) -> Value | None:
        """The value at a path of keys, if every key is there."""
        found: Value | None = self
        for key in path:
            found = found.fields.get(key) if isinstance(found, Object) else None
        return found


@dataclass(frozen=True)
class Array:
    """An array."""

    items: list[Value]
    line: int


@dataclass(frozen=True)
class Expression:
    """Anything else."""

    node: Node
    line: int


Value = Literal | Object | Array | Expression


@dataclass(frozen=True)
class Parameter:
    """`param`: with its decorators as far as they limit the value."""

    name: str
    type: str
    default: Value | None
    allowed: list[Value] | None
    line: int


@dataclass(frozen=True)
class Named:
    """`var` (whose type is None) or `output`."""

    name: str
    type: str | None
    value: Value
    line: int


@dataclass
class Deployed:
    """`resource` or `module`. `reference` is what is quoted: type and version, or a path."""

    symbol: str
    reference: str
    body: Object
    line: int
    existing: bool = False
    condition: Node | None = None
    loop: tuple[str, Node] | None = None
    parent: Deployed | None = None
    children: dict[str, Deployed] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The resource type in full: a nested one says only its last part."""
        own = self.reference.partition("@")[0]
        return f"{self.parent.type}/{own}" if self.parent else own

    @property
    def version(self) -> str:
        """The API version, also of a nested resource."""
        own = self.reference.partition("@")[2]
        return own or (self.parent.version if self.parent else "")


@dataclass
class File:
    """One Bicep file."""

    name: str
    text: str
    params: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, Named] = field(default_factory=dict)
    outputs: dict[str, Named] = field(default_factory=dict)
    resources: list[Deployed] = field(default_factory=list)
    modules: dict[str, Deployed] = field(default_factory=dict)
    errors: list[Problem] = field(default_factory=list)

    def resource(self, symbol: str) -> Deployed | None:
        """A resource that is not nested, by its symbol."""
        return next((r for r in self.resources if r.symbol == symbol and r.parent is None), None)


def text(node: Node) -> str:
    """The source of a node."""
    return (node.text or b"").decode()


def named(node: Node) -> list[Node]:
    """The children that mean something."""
    return [child for child in node.children if child.is_named and child.type != "comment"]


def line(node: Node) -> int:
    """Counted from one."""
    return node.start_point[0] + 1


def plain(node: Node) -> str | None:
    """The text of a string, or None when it is interpolated."""
    if any(child.type == "interpolation" for child in node.children):
        return None
    return "".join(text(child) for child in node.children if child.type == "string_content")


def value(node: Node) -> Value:
    """The value that a node writes down."""
    if node.type == "object":
        return Object(dict(_fields(node)), line(node))
    if node.type == "array":
        return Array([value(child) for child in named(node)], line(node))
    if node.type == "string" and plain(node) is not None:
        return Literal(plain(node), line(node))
    if node.type == "boolean":
        return Literal(text(node) == "true", line(node))
    if node.type == "number":
        return Literal(int(text(node)), line(node))
    if node.type == "null":
        return Literal(None, line(node))
    return Expression(node, line(node))


def _fields(node: Node) -> Iterator[tuple[str, Value]]:
    for member in named(node):
        parts = named(member)
        if member.type != "object_property" or len(parts) < 2 or parts[0].type == "resource_declaration":
            continue
        key = plain(parts[0]) if parts[0].type == "string" else text(parts[0])
        yield key if key is not None else text(parts[0]), value(parts[1])


def parse(name: str, source: bytes) -> File:
    """Reads a file; what is no Bicep is in `errors`."""
    file = File(name, source.decode())
    root = _PARSER.parse(source).root_node
    _errors(root, file)
    decorators: list[Node] = []
    for node in named(root):
        if node.type == "decorators":
            decorators = [call for decorator in named(node) for call in named(decorator)]
            continue
        _declare(node, decorators, file)
        decorators = []
    return file


def _errors(node: Node, file: File) -> None:
    if node.type == "ERROR" or node.is_missing:
        file.errors.append(Problem(file.name, line(node), "syntax error"))
    elif node.has_error:
        for child in node.children:
            _errors(child, file)


def _declare(node: Node, decorators: list[Node], file: File) -> None:
    parts = named(node)
    if node.type == "parameter_declaration":
        default = value(parts[-1]) if any(child.type == "=" for child in node.children) else None
        name, type_ = text(parts[0]), text(parts[1])
        file.params[name] = Parameter(name, type_, default, _allowed(decorators), line(node))
    elif node.type == "variable_declaration":
        file.variables[text(parts[0])] = Named(text(parts[0]), None, value(parts[-1]), line(node))
    elif node.type == "output_declaration":
        file.outputs[text(parts[0])] = Named(text(parts[0]), text(parts[1]), value(parts[-1]), line(node))
    elif node.type == "module_declaration":
        deployed, _ = _deployed(node, None)
        file.modules[deployed.symbol] = deployed
    elif node.type == "resource_declaration":
        _resource(node, None, file)


def _allowed(decorators: list[Node]) -> list[Value] | None:
    for call in decorators:
        if call.type == "call_expression" and text(named(call)[0]) == "allowed":
            array = value(named(named(call)[1])[0])
            return array.items if isinstance(array, Array) else None
    return None


def _resource(node: Node, parent: Deployed | None, file: File) -> None:
    resource, body = _deployed(node, parent)
    file.resources.append(resource)
    if parent:
        parent.children[resource.symbol] = resource
    for member in named(body) if body else []:
        for child in named(member):
            if child.type == "resource_declaration":
                _resource(child, resource, file)


def _deployed(node: Node, parent: Deployed | None) -> tuple[Deployed, Node | None]:
    parts = named(node)
    reference = next((plain(part) or "" for part in parts if part.type == "string"), "")
    deployed = Deployed(text(parts[0]), reference, Object({}, line(node)), line(node), parent=parent)
    deployed.existing = any(child.type == "existing" for child in node.children)
    body: Node | None = parts[-1]
    while body is not None and body.type != "object":
        inner = named(body)
        if body.type == "for_statement":
            deployed.loop = (text(inner[0]), inner[1])
        elif body.type == "if_statement":
            deployed.condition = inner[0]
        body = inner[-1] if inner else None
    if body is not None:
        read = value(body)
        deployed.body = read if isinstance(read, Object) else deployed.body
    return deployed, body
