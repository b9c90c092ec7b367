"""Every resource against Microsoft's types: properties, values, enumerations, limits, what is required."""

from __future__ import annotations

from .azure_types import PRIMITIVES, AzureTypes, Properties, Property, ResourceType
from .expressions import Scope, value_types
from .problem import Problem
from .syntax import Array, Deployed, Expression, Literal, Object, Value

_BICEP_OWN = ("scope", "dependsOn", "parent")


def check(resource: Deployed, scope: Scope, types: AzureTypes) -> list[Problem]:
    """All that is wrong with one resource."""
    return _Check(resource, scope.at(resource), types).problems


class _Check:
    def __init__(self, resource: Deployed, scope: Scope, types: AzureTypes) -> None:
        self.scope, self.problems = scope, list[Problem]()
        known = types.get(resource.type)
        if known is None:
            self.say(resource.line, f"no resource type {resource.type}; if it is new here: just infra-refresh")
            return
        if resource.version != known.version:
            self.say(resource.line, f"{resource.type}@{resource.version}: the types are those of {known.version}")
        if not resource.existing:
            self.body(resource, known)

    def say(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.scope.file.name, line, message))

    def body(self, resource: Deployed, known: ResourceType) -> None:
        name = resource.body.at("name")
        allowed = known.body(str(name.value) if isinstance(name, Literal) else None)
        if allowed is None:
            self.say(resource.line, f"{known.name}: the name is none of {', '.join(known.variants)}")
            return
        fields = {key: value for key, value in resource.body.fields.items() if key not in _BICEP_OWN}
        self.members(Object(fields, resource.body.line), allowed, known, known.name)

    def members(self, value: Object, allowed: Properties, known: ResourceType, where: str) -> None:
        for key, given in value.fields.items():
            if key not in allowed:
                self.say(given.line, f"{where} has no property {key}, but {', '.join(sorted(allowed))[:200]}")
            elif allowed[key].read_only:
                self.say(given.line, f"{where}.{key} is read-only")
            else:
                self.value(given, allowed[key], known, f"{where}.{key}")
        for key, property_ in allowed.items():
            if property_.required and key not in value.fields:
                self.say(value.line, f"{where}.{key} is required")

    def value(self, given: Value, expected: Property, known: ResourceType, where: str) -> None:
        if "any" in expected.options:
            return
        if isinstance(given, Expression):
            self.expression(given, expected, known, where)
        elif isinstance(given, Object):
            self.object(given, expected, known, where)
        elif isinstance(given, Array):
            self.array(given, expected, known, where)
        elif given.value is None:
            if expected.required:
                self.say(given.line, f"{where} is required, and null")
        else:
            self.literal(given, expected, where)

    def object(self, given: Object, expected: Property, known: ResourceType, where: str) -> None:
        if expected.type not in known.objects:
            self.say(given.line, f"{where}: an object is given, {expected.type} expected")
            return
        allowed = known.members(expected.type)
        if allowed is not None:
            self.members(given, allowed, known, where)
            return
        additional = known.objects[expected.type][0]
        for key, value in given.fields.items() if additional else ():
            self.value(value, Property(additional or "any", "", ""), known, f"{where}.{key}")

    def array(self, given: Array, expected: Property, known: ResourceType, where: str) -> None:
        if not expected.type.endswith("[]"):
            self.say(given.line, f"{where}: an array is given, {expected.type} expected")
            return
        for item in given.items:
            self.value(item, Property(expected.type[:-2], "Required", ""), known, f"{where}[]")

    def literal(self, given: Literal, expected: Property, where: str) -> None:
        value, options = given.value, expected.options
        closed = [option for option in options if option not in PRIMITIVES]
        if isinstance(value, str) and closed and len(closed) >= len(options) - 1:
            if value not in closed:  # also in an open enumeration: a new value deserves a look
                self.say(given.line, f"{where}: '{value}' is none of {', '.join(closed[:12])}")
        elif not any(type(value) is PRIMITIVES.get(option) for option in options):
            self.say(given.line, f"{where}: {value!r} is given, {expected.type} expected")
        limit = expected.violated(value) if isinstance(value, (str, int)) else None
        if limit:
            self.say(given.line, f"{where}: {value!r} breaks {limit}")

    def expression(self, given: Expression, expected: Property, known: ResourceType, where: str) -> None:
        wanted = {_kind(option, known) for option in expected.options}
        for type_ in value_types(given, self.scope) - {"any", "null"}:
            if type_ not in wanted:
                self.say(given.line, f"{where}: an expression of type {type_} is given, {expected.type} expected")


def _kind(option: str, known: ResourceType) -> str:
    if option.endswith("[]"):
        return "array"
    if option in PRIMITIVES:
        return option
    return "object" if option in known.objects else "string"
