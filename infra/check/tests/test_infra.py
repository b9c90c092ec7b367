"""Everything in `infra/` that can be checked without running something."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from infracheck import agreement, azd, contract, docs, lint, policy, rules, settings, wiring
from infracheck.azure_types import AzureTypes
from infracheck.problem import Problem
from infracheck.project import Project


def shown(problems: list[Problem]) -> str:
    return "\n".join(map(str, problems))


def test_bicep_conforms_to_microsofts_types_and_fits_together(project: Project, types: AzureTypes) -> None:
    assert shown(wiring.check(project, types)) == ""
    assert len(project.bicep) == 11 and sum(len(file.resources) for file in project.bicep.values()) >= 40


@pytest.mark.parametrize("module", [policy, settings, agreement, azd, rules, contract, docs], ids=lambda m: m.__name__.split(".")[-1])
def test_static(module: Callable[..., object], project: Project) -> None:
    assert shown(module.check(project)) == ""  # type: ignore[attr-defined]


def test_every_type_of_the_snapshot_is_used(project: Project, types: AzureTypes) -> None:
    assert len(types) == len({resource.type for file in project.bicep.values() for resource in file.resources})


def test_lint() -> None:
    assert shown(lint.check(lint.report(), lint.exceptions())) == ""
