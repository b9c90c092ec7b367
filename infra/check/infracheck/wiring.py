"""From file to file: modules, parameters, outputs, names, and what must be known before deployment starts."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator

from . import conformance
from .azure_types import AzureTypes
from .expressions import FUNCTIONS, Scope, late, types_of, value_types
from .problem import Problem
from .project import Project
from .syntax import Deployed, Expression, File, Literal, Object, Value

_DECLARED = re.compile(r"(?m)^(?:param|var|resource|module) (\w+)")
_DECORATOR = re.compile(r"(?m)^@(\w+)\(")
_JSON_FILE = re.compile(r"loadJsonContent\('([^']+)'")


def check(project: Project, types: AzureTypes) -> list[Problem]:
    """All Bicep files: syntax, resources, names, modules, and the parameters file."""
    problems = [problem for file in project.bicep.values() for problem in file.errors]
    if not problems:  # what follows a syntax error is noise
        for file in project.bicep.values():
            problems += _file(file, project, types)
        problems += _parameters(project)
    return sorted(set(problems))


def _file(file: File, project: Project, types: AzureTypes) -> list[Problem]:
    targets = {symbol: _target(file, module) for symbol, module in file.modules.items()}
    modules = {symbol: project.bicep[path] for symbol, path in targets.items() if path in project.bicep}
    scope = Scope(file, modules, types)
    problems = scope.problems
    for symbol, module in file.modules.items():
        if symbol not in modules:
            problems.append(Problem(file.name, module.line, f"{module.reference} does not exist"))
        else:
            problems += _module(module, modules[symbol], scope.at(module))
    for resource in file.resources:
        problems += conformance.check(resource, scope, types)
    for deployed in [*file.resources, *file.modules.values()]:
        _names(deployed, scope.at(deployed))
    for output in file.outputs.values():
        given = value_types(output.value, scope)
        if not given <= {output.type, "any"}:
            problems.append(Problem(file.name, output.line, f"output {output.name}: {given}, {output.type} expected"))
    for variable in file.variables.values():
        value_types(variable.value, scope)
    problems += [*_clashes(file), *_unused(file), *_json_files(file, project), *_defaults(file)]
    return problems


def _target(file: File, module: Deployed) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(file.name), module.reference))


def _module(module: Deployed, target: File, scope: Scope) -> Iterator[Problem]:
    given = module.body.at("params")
    fields = given.fields if isinstance(given, Object) else {}
    for key, value in fields.items():
        parameter = target.params.get(key)
        if parameter is None:
            yield Problem(scope.file.name, value.line, f"module {module.symbol} has no parameter {key}")
        elif not value_types(value, scope) <= {parameter.type, "any"}:
            yield Problem(scope.file.name, value.line, f"{module.symbol}.{key} takes {parameter.type}")
        elif isinstance(value, Literal) and not _allowed(value, parameter.allowed):
            yield Problem(scope.file.name, value.line, f"{module.symbol}.{key} does not allow {value.value!r}")
    for key, parameter in target.params.items():
        if parameter.default is None and key not in fields:
            yield Problem(scope.file.name, module.line, f"module {module.symbol}: parameter {key} is not passed")


def _allowed(value: Literal, allowed: list[Value] | None) -> bool:
    return allowed is None or value.value in [item.value for item in allowed if isinstance(item, Literal)]


def _names(deployed: Deployed, scope: Scope) -> None:
    """Every name in the body means something, and what decides what is deployed is known at the start."""
    start = [deployed.body.fields[key] for key in ("name", "scope") if key in deployed.body.fields]
    nodes = [value.node for value in start if isinstance(value, Expression)]
    nodes += [deployed.condition] if deployed.condition else []
    nodes += [deployed.loop[1]] if deployed.loop else []
    for node in nodes:
        for found in late(node, scope):
            scope.say(node, f"{found} is not known when deployment starts")
    for value in _expressions(deployed.body):
        types_of(value.node, scope)
    for node in nodes:
        types_of(node, scope)


def _expressions(value: Value) -> Iterator[Expression]:
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, Object):
        for inner in value.fields.values():
            yield from _expressions(inner)
    elif not isinstance(value, Literal):
        for inner in value.items:
            yield from _expressions(inner)


def _defaults(file: File) -> Iterator[Problem]:
    for parameter in file.params.values():
        default = parameter.default
        if isinstance(default, Literal) and not _allowed(default, parameter.allowed):
            yield Problem(file.name, parameter.line, f"{parameter.name}: the default is not allowed")


def _clashes(file: File) -> Iterator[Problem]:
    """One name, one thing; a name like a decorator's or function's hides it."""
    names = _DECLARED.findall(file.text)
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(file.name, 0, f"{name} is declared twice")
    for name in sorted(set(names) & {*_DECORATOR.findall(file.text), *FUNCTIONS}):
        yield Problem(file.name, 0, f"{name} hides the function or decorator of that name")


def _unused(file: File) -> Iterator[Problem]:
    lines = {name: parameter.line for name, parameter in file.params.items()}
    lines |= {name: variable.line for name, variable in file.variables.items()}
    for name, line in lines.items():
        if len(re.findall(rf"\b{name}\b", file.text)) < 2:
            yield Problem(file.name, line, f"{name} is never used")


def _json_files(file: File, project: Project) -> Iterator[Problem]:
    for name in _JSON_FILE.findall(file.text):
        try:
            project.json(posixpath.normpath(posixpath.join(posixpath.dirname(file.name), name)))
        except (OSError, ValueError) as error:
            yield Problem(file.name, 0, f"loadJsonContent('{name}'): {error}")


def _parameters(project: Project) -> Iterator[Problem]:
    name = "infra/main.parameters.json"
    try:
        given = project.json(name)["parameters"]
    except json.JSONDecodeError as error:
        yield Problem(name, error.lineno, str(error))
        return
    for key in given:
        if key not in project.main.params:
            yield Problem(name, 0, f"main.bicep has no parameter {key}")
    for key, parameter in project.main.params.items():
        if parameter.default is None and key not in given:
            yield Problem(name, 0, f"parameter {key} of main.bicep has no value")
