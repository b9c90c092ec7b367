"""What the compiler made is committed: `main.json` and the snapshots. They are what it makes, and it says nothing.

Where a compiler is at hand, it is asked. Where none is, `compiled.sha256` tells whether sources and products are still
the ones that were committed together. `just infra-check compile` writes all of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from .bicep import Compiler, CompilerMissing, compiler
from .problem import Problem
from .project import MAIN, TEMPLATE, Project

SUMS = "infra/compiled.sha256"
CI = (".github/workflows/ci.yml",)
HOW = "run `just infra-check compile`"


def check_with(tool: Compiler, project: Project) -> Iterator[Problem]:
    """The compiler's word: diagnostics, format, products."""
    yield from project.built.problems
    for name in project.sources:
        if name.endswith((".bicep", ".bicepparam")) and tool.formatted(project.disk / name) != project.text(name):
            yield Problem(name, 0, "not as `bicep format` writes it")
    read = {path.relative_to(project.disk).as_posix() for path in tool.sources(project.disk / MAIN)}
    for name in sorted(read - set(project.sources)):
        yield Problem(name, 0, "goes into the template, but not into its hash: project.SOURCES")
    if project.built.template is None:
        return
    for name, text in products(tool, project).items():
        if not _same(text, project.text(name) if project.path(name).exists() else "{}"):
            yield Problem(name, 0, f"is not what Bicep {tool.version} makes of its sources: {HOW}")


def check_sums(project: Project) -> Iterator[Problem]:
    """Without the compiler: sources and products belong together."""
    given = dict(reversed(line.split("  ", 1)) for line in project.text(SUMS).splitlines())
    wanted = {name: _sum(project.text(name)) for name in [*project.sources, *_products(project)]}
    for name in sorted(given.keys() | wanted.keys()):
        if given.get(name) != wanted.get(name):
            yield Problem(name, 0, f"is not the one that was compiled: with a Bicep compiler at hand {HOW}")


def check_ci(project: Project) -> Iterator[Problem]:
    """CI installs the compiler that made what is committed: another one may make something else."""
    made_by = str(project.json(TEMPLATE)["metadata"]["_generator"]["version"]).rpartition(".")[0]
    for name in CI:
        if set(re.findall(r"az bicep install --version v([\d.]+)", project.text(name))) != {made_by}:
            yield Problem(name, 0, f"must install Bicep {made_by}, which made main.json")


def products(tool: Compiler, project: Project) -> dict[str, str]:
    """The committed files as they must be."""
    made = {TEMPLATE: project.built.template or ""}
    for name in project.parameter_sets:
        made[f"infra/snapshots/{name}.snapshot.json"] = tool.snapshot(project.disk / f"infra/snapshots/{name}.bicepparam")
    return {name: text.rstrip("\n") + "\n" for name, text in made.items()}


def _products(project: Project) -> list[str]:
    return [TEMPLATE, *(f"infra/snapshots/{name}.snapshot.json" for name in project.parameter_sets)]


def _same(made: str, committed: str) -> bool:
    """But for the compiler's version and its hash, which another version writes for the same template."""
    return bool(_without_generator(json.loads(made)) == _without_generator(json.loads(committed)))


def _without_generator(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_generator(inner) for key, inner in value.items() if key != "_generator"}
    return [_without_generator(inner) for inner in value] if isinstance(value, list) else value


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> int:
    """Writes the products and the sums; not when the compiler has anything to say."""
    try:
        tool, project = compiler(), Project()
    except CompilerMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    for name in project.sources:
        if name.endswith((".bicep", ".bicepparam")):
            project.path(name).write_text(tool.formatted(project.path(name)), encoding="utf-8")
    if project.built.problems:
        print(*project.built.problems, sep="\n", file=sys.stderr)
        return 1
    for name, text in products(tool, project).items():
        project.path(name).write_text(text, encoding="utf-8")
    sums = [f"{_sum(project.text(name))}  {name}\n" for name in sorted([*project.sources, *_products(project)])]
    project.path(SUMS).write_text("".join(sums), encoding="utf-8")
    print(f"compiled by Bicep {tool.version}: {', '.join(_products(project))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
