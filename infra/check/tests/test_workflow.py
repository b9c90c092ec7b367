"""The workflow, executed by Microsoft's own engine."""

from __future__ import annotations

import json

import pytest
from infracheck import contract, golden, rules
from infracheck.engine import Engine
from infracheck.project import Project
from infracheck.requests import REFUSED
from infracheck.scenarios import SCENARIOS, Scenario, play


def test_the_engine_accepts_the_definition(official: Engine, project: Project) -> None:
    assert official.complaint(project.definition) is None


def test_actions_refer_to_earlier_ones(official: Engine, project: Project) -> None:
    used = official.action_references(project.definition)
    assert used["Mail"] >= {"Summary_table", "Parts", "Words"}
    assert rules.references(project.definition, used) == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_scenario(scenario: Scenario, official: Engine, project: Project) -> None:
    _, problems = play(scenario, official, project.definition)
    assert problems == []


@pytest.mark.parametrize(("name", "body"), REFUSED, ids=[name for name, _ in REFUSED])
def test_the_trigger_refuses(name: str, body: object, official: Engine, project: Project) -> None:
    assert official.body_errors(project.definition["triggers"]["manual"]["inputs"]["schema"], body), name


@pytest.mark.parametrize("name", sorted(contract.fixtures(Project())))
def test_what_the_function_sends_is_mailed(name: str, official: Engine, project: Project) -> None:
    _, problems = play(Scenario(name, contract.fixtures(project)[name]), official, project.definition)
    assert problems == []


def test_golden_vectors_are_what_the_engine_makes(official: Engine, project: Project) -> None:
    committed = project.text(golden.FILE)
    assert json.loads(committed) == golden.vectors(project, official), "run `just infra-check golden`"
