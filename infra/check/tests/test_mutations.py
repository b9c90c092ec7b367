"""Seeded faults: the checks are worth something only if each of these turns them red."""

from __future__ import annotations

import re

import pytest
from infracheck import agreement, azd, contract, docs, lint, policy, rules, settings, wiring
from infracheck.azure_types import AzureTypes
from infracheck.engine import Engine
from infracheck.project import Project
from infracheck.scenarios import SCENARIOS, play, refused
from mutations import STATIC, WORKFLOW_ENGINE, WORKFLOW_STATIC, Fault


def seeded(fault: Fault) -> Project:
    source = Project().text(fault.file)
    assert fault.old in source, "the place of the fault is gone"
    return Project(changes={fault.file: source.replace(fault.old, fault.new, 1)})


def static(project: Project, types: AzureTypes) -> list[str]:
    problems = wiring.check(project, types)
    if not any(file.errors for file in project.bicep.values()):
        for module in (policy, settings, agreement, azd, rules, contract, docs):
            problems = [*problems, *module.check(project)]
    return [str(problem) for problem in problems]


@pytest.mark.parametrize("fault", [*STATIC, *WORKFLOW_STATIC], ids=str)
def test_fault_is_found(fault: Fault, types: AzureTypes) -> None:
    found = static(seeded(fault), types)
    assert any(fault.complaint in problem for problem in found), found


def executed(project: Project, official: Engine) -> list[str]:
    definition = project.definition
    complaint = official.complaint(definition)
    if complaint:
        return [complaint]
    problems = rules.references(definition, official.action_references(definition)) or refused(official, definition)
    for scenario in SCENARIOS:
        problems = problems or play(scenario, official, definition)[1]
    return problems


@pytest.mark.parametrize("fault", WORKFLOW_ENGINE, ids=str)
def test_fault_in_the_workflow_is_found(fault: Fault, official: Engine) -> None:
    found = executed(seeded(fault), official)
    assert any(re.search(fault.complaint, problem) for problem in found), found


def test_lint_exceptions_hold_for_what_they_name_only() -> None:
    finding = {"check_id": "CKV_1", "check_name": "x", "file_path": "/modules/web.bicep", "resource": "Microsoft.Web/sites.app"}
    found = {"results": {"failed_checks": [finding]}, "summary": {"parsing_errors": 0, "passed": 40}}
    good = {"check": "CKV_1", "at": ["web.app"], "reason": "a reason that is long enough"}
    assert lint.check(found, [good]) == []
    for exceptions in ([], [{**good, "at": ["function.app"]}], [{**good, "reason": "no"}], [good, {**good, "check": "CKV_2"}]):
        assert lint.check(found, exceptions)
    assert lint.check({**found, "summary": {"parsing_errors": 1, "passed": 40}}, [good])
