"""Seeded faults: the checks are worth something only if each of these turns them red."""

from __future__ import annotations

import re

import pytest
from infracheck import agreement, azd, compiled, contract, docs, gallery, lint, operation, policy, records, refresh, rules, settings
from infracheck.bicep import Compiler, CompilerMissing
from infracheck.engine import Engine
from infracheck.project import Project
from infracheck.scenarios import SCENARIOS, play, refused
from mutations import ALLOWED, COMPILER, STATIC, WORKFLOW_ENGINE, WORKFLOW_STATIC, Fault


def seeded(fault: Fault) -> Project:
    source = Project().text(fault.file)
    assert fault.old in source, "the place of the fault is gone"
    return Project(changes={fault.file: source.replace(fault.old, fault.new, 1)})


@pytest.mark.parametrize("fault", COMPILER, ids=str)
@pytest.mark.usefixtures("bicep")
def test_the_compiler_finds(fault: Fault) -> None:
    project = seeded(fault)
    found = [str(problem) for problem in project.build(fault.file).problems]
    project.forget()
    assert any(fault.complaint in problem for problem in found), found


def static(project: Project, complaint: str) -> list[str]:
    """All that is found until the complaint is among it: evaluating a snapshot takes its time."""
    found: list[str] = []
    for module in (policy, settings, azd, contract, docs, gallery, agreement, operation, records):
        found += [str(problem) for problem in module.check(project)]
        if any(complaint in problem for problem in found):
            break
    return found


@pytest.mark.parametrize("fault", WORKFLOW_STATIC, ids=str)
def test_fault_in_the_definition_is_found(fault: Fault) -> None:
    found = [str(problem) for problem in rules.check(seeded(fault))]
    assert any(fault.complaint in problem for problem in found), found


@pytest.mark.parametrize("fault", STATIC, ids=str)
def test_fault_is_found(fault: Fault) -> None:
    project = seeded(fault)
    try:
        found = static(project, fault.complaint)
    except CompilerMissing as error:
        pytest.skip(str(error))
    finally:
        project.forget()
    assert any(fault.complaint in problem for problem in found), found


@pytest.mark.parametrize("change", ALLOWED, ids=str)
def test_what_an_operator_may_change_is_no_fault(change: Fault) -> None:
    project = seeded(change)
    try:
        found = static(project, "what nothing says")
    except CompilerMissing as error:
        pytest.skip(str(error))
    finally:
        project.forget()
    assert not found


def test_what_is_not_formatted_is_found(bicep: Compiler) -> None:
    name = "infra/modules/web.bicep"
    project = Project(changes={name: Project().text(name).replace("httpsOnly: true", "httpsOnly:  true")})
    found = [problem.message for problem in compiled.check_with(bicep, project) if problem.path == name]
    project.forget()
    assert found == ["not as `bicep format` writes it"]


@pytest.mark.parametrize("name", ["infra/modules/web.bicep", "infra/main.json", "infra/snapshots/default.snapshot.json"])
def test_an_edit_without_the_compiler_is_found(name: str) -> None:
    edited = Project(changes={name: Project().text(name) + "\n"})
    assert name in [problem.path for problem in compiled.check_sums(edited)]


def test_a_stale_template_is_found(bicep: Compiler) -> None:
    stale = Project(changes={"infra/main.json": Project().text("infra/main.json").replace("PT5M", "PT4M")})
    assert any("is not what Bicep" in problem.message for problem in compiled.check_with(bicep, stale))


def test_another_compiler_in_ci_is_found() -> None:
    name = ".github/workflows/ci.yml"
    edited = Project(changes={name: Project().text(name).replace("install --version v0.", "install --version v1.")})
    assert [problem.path for problem in compiled.check_ci(edited)] == [name]


def test_refreshed_regions_are_written_where_main_bicep_has_them() -> None:
    source = Project().text("infra/main.bicep")
    refreshed = refresh.with_regions(source, ["westus", "eastus"])
    assert "@allowed([\n  'eastus'\n  'westus'\n])\n@metadata({ azd: { type: 'location' } })" in refreshed
    assert refreshed.replace("  'eastus'\n  'westus'\n", "") != refreshed != source


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
    finding = {"check_id": "CKV_1", "check_name": "x", "resource": "Microsoft.Web/sites.app-petstore-tzmpj3iq4tvoc"}
    found = {"results": {"failed_checks": [finding]}, "summary": {"parsing_errors": 0, "passed": 40}}
    good = {"check": "CKV_1", "at": ["app-petstore-*"], "reason": "a reason that is long enough"}
    assert lint.check(found, [good]) == []
    for exceptions in ([], [{**good, "at": ["func-reserver-*"]}], [{**good, "reason": "no"}], [good, {**good, "check": "CKV_2"}]):
        assert lint.check(found, exceptions)
    assert lint.check({**found, "summary": {"parsing_errors": 1, "passed": 40}}, [good])
