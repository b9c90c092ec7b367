"""Everything in `infra/` that can be checked without running something but the compiler."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from infracheck import agreement, azd, compiled, contract, docs, gallery, lint, operation, policy, records, rules, settings
from infracheck.bicep import Compiler
from infracheck.problem import Problem
from infracheck.project import Project


def shown(problems: list[Problem]) -> str:
    return "\n".join(map(str, problems))


def test_the_compiler_has_nothing_to_say_and_makes_what_is_committed(project: Project, bicep: Compiler) -> None:
    assert shown(list(compiled.check_with(bicep, project))) == ""


def test_compiled_together(project: Project) -> None:
    assert shown([*compiled.check_sums(project), *compiled.check_ci(project)]) == ""
    assert len(project.sources) >= 15 and len(project.snapshot().resources) >= 45


@pytest.mark.parametrize("module", [policy, settings, operation, agreement, azd, rules, contract, docs, gallery, records], ids=lambda m: m.__name__.split(".")[-1])
def test_static(module: Callable[..., object], project: Project) -> None:
    assert shown(module.check(project)) == ""  # type: ignore[attr-defined]


def test_lint(project: Project) -> None:
    assert shown(lint.check(lint.report(project.json("infra/snapshots/default.snapshot.json")), lint.exceptions())) == ""
