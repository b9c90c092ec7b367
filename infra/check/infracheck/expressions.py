"""What an expression refers to, what type it has, and whether it is known before deployment starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from . import syntax
from .azure_types import PRIMITIVES, AzureTypes
from .problem import Problem
from .syntax import Deployed, File, named, text

# Every function that our files call, and what it gives; `any` for a value of unknown type.
FUNCTIONS = {
    "any": "any", "empty": "bool", "environment": "any", "guid": "string", "length": "int",
    "loadJsonContent": "any", "subscription": "any", "subscriptionResourceId": "string", "substring": "string",
    "take": "string", "tenant": "any", "toLower": "string", "union": "object", "uniqueString": "string",
}  # fmt: skip
_COMPARE = {"==", "!=", "<", "<=", ">", ">=", "&&", "||", "=~", "!~"}
_KNOWN_AT_START = {"id", "name", "type", "apiVersion"}


@dataclass
class Scope:
    """The names an expression may use: those of its file, and those that only its resource sees."""

    file: File
    modules: dict[str, File]
    types: AzureTypes
    owner: Deployed | None = None
    problems: list[Problem] = field(default_factory=list)

    def at(self, owner: Deployed) -> Scope:
        """Within a resource or module: its loop variable, its siblings, its children."""
        return Scope(self.file, self.modules, self.types, owner, self.problems)

    def resource(self, symbol: str) -> Deployed | None:
        """The resource of that name, nearest first."""
        owner = self.owner
        while owner:
            if symbol in owner.children:
                return owner.children[symbol]
            owner = owner.parent
        return self.file.resource(symbol)

    def loop_variable(self, symbol: str) -> bool:
        """Whether an enclosing `for` binds the name."""
        owner = self.owner
        while owner:
            if owner.loop and owner.loop[0] == symbol:
                return True
            owner = owner.parent
        return False

    def say(self, node: Node, message: str) -> None:
        """Notes a problem."""
        self.problems.append(Problem(self.file.name, syntax.line(node), message))


def types_of(node: Node, scope: Scope) -> set[str]:
    """The types that an expression may have: string, int, bool, object, array, null, any. Complains of unknown names."""
    parts = named(node)
    if node.type == "string":
        for part in parts:
            for inner in named(part) if part.type == "interpolation" else []:
                types_of(inner, scope)
        return {"string"}
    if node.type in ("number", "boolean", "null"):
        return {{"number": "int", "boolean": "bool", "null": "null"}[node.type]}
    if node.type in ("object", "array"):
        for inner in parts:
            types_of(named(inner)[-1] if inner.type == "object_property" else inner, scope)
        return {node.type}
    if node.type == "identifier":
        return _symbol(node, scope)
    if node.type == "call_expression":
        return _call(node, scope)
    if node.type == "ternary_expression":
        types_of(parts[0], scope)
        return types_of(parts[1], scope) | types_of(parts[2], scope)
    if node.type in ("binary_expression", "unary_expression"):
        return _operator(node, scope)
    if node.type == "parenthesized_expression":
        return types_of(parts[0], scope)
    if node.type == "resource_expression":
        _nested(node, scope)
        return {"object"}
    if node.type == "member_expression":
        return _member(node, scope)
    for part in parts:
        types_of(part, scope)
    return {"any"}


def _symbol(node: Node, scope: Scope) -> set[str]:
    name, file = text(node), scope.file
    if scope.loop_variable(name):
        return {"any"}
    if name in file.params:
        type_ = file.params[name].type
        return {type_ if type_ in (*PRIMITIVES, "object", "array") else "any"}
    if name in file.variables:
        return value_types(file.variables[name].value, scope)
    if scope.resource(name) or name in file.modules:
        return {"object"}
    scope.say(node, f"nothing here is called {name}")
    return {"any"}


def value_types(value: syntax.Value, scope: Scope) -> set[str]:
    """The types of a value, written down or computed."""
    if isinstance(value, syntax.Expression):
        return types_of(value.node, scope)
    if isinstance(value, syntax.Literal):
        return {{str: "string", int: "int", bool: "bool"}.get(type(value.value), "null")}
    return {"object" if isinstance(value, syntax.Object) else "array"}


def _call(node: Node, scope: Scope) -> set[str]:
    function, arguments = named(node)
    for argument in named(arguments):
        types_of(argument, scope)
    if function.type != "identifier":
        scope.say(node, f"a call of {text(function)}: no resource has functions that belong in a template")
        return {"any"}
    if text(function) not in FUNCTIONS:
        scope.say(node, f"{text(function)}() is not a function that these files use")
    return {FUNCTIONS.get(text(function), "any")}


def _operator(node: Node, scope: Scope) -> set[str]:
    sides = [types_of(part, scope) for part in named(node)]
    operators = {text(child) for child in node.children if not child.is_named}
    if operators & {"!", *_COMPARE}:
        return {"bool"}
    return set.union(*sides) if "??" in operators else {"int"}


def _nested(node: Node, scope: Scope) -> Deployed | None:
    """`a::b`: the resource b within a."""
    left, right = named(node)
    outer = _nested(left, scope) if left.type == "resource_expression" else scope.resource(text(left))
    inner = outer.children.get(text(right)) if outer else None
    if not inner:
        scope.say(node, f"there is no resource {text(node)}")
    return inner


def _member(node: Node, scope: Scope) -> set[str]:
    path: list[str] = []
    while node.type == "member_expression":
        target, member = named(node)
        path.insert(0, text(member))
        node = target
    if node.type not in ("identifier", "resource_expression"):
        types_of(node, scope)
        return {"any"}
    if node.type == "identifier" and text(node) in scope.file.modules:
        return _output(node, path, scope)
    if node.type == "resource_expression":
        resource = _nested(node, scope)
    else:
        _symbol(node, scope)  # complains when there is no such name
        resource = scope.resource(text(node))
    if not resource:
        return {"any"}
    known = scope.types.get(resource.type)
    found = known.follow(path) if known and not known.variants else "any"
    if found is None:
        scope.say(node, f"{resource.type} has no {'.'.join(path)}")
    return {found if found in PRIMITIVES else "array" if (found or "").endswith("[]") else "any"}


def _output(node: Node, path: list[str], scope: Scope) -> set[str]:
    module = scope.modules.get(text(node))
    if module is None or path[0] != "outputs" or len(path) < 2:
        return {"any"}
    output = module.outputs.get(path[1])
    if output is None:
        scope.say(node, f"module {text(node)} has no output {path[1]}")
        return {"any"}
    return {output.type or "any"}


def late(node: Node, scope: Scope) -> Iterator[str]:
    """What in an expression is known only after something was deployed. Names, scopes, conditions, loops must not."""
    if node.type == "member_expression":
        chain = text(node).split(".")
        root = chain[0].partition("::")[0]
        if root in scope.file.modules and chain[1:2] == ["outputs"]:
            yield text(node)
        elif scope.resource(root) and chain[1] not in _KNOWN_AT_START:
            yield text(node)
        return
    if node.type == "identifier" and text(node) in scope.file.variables:
        value = scope.file.variables[text(node)].value
        if isinstance(value, syntax.Expression):
            yield from late(value.node, scope)
    for part in named(node):
        yield from late(part, scope)
