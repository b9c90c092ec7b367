"""What the tests share: the project, the types, the engine."""

from __future__ import annotations

import os

import pytest
from infracheck.azure_types import AzureTypes
from infracheck.engine import Engine, EngineUnavailable, engine
from infracheck.project import Project


@pytest.fixture(scope="session")
def project() -> Project:
    """The checkout."""
    return Project()


@pytest.fixture(scope="session")
def types() -> AzureTypes:
    """Microsoft's types."""
    return AzureTypes()


@pytest.fixture(scope="session")
def official() -> Engine:
    """Microsoft's workflow engine. In CI it has to run."""
    try:
        return engine()
    except EngineUnavailable as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"the workflow engine cannot run: {error}")
        pytest.skip(f"the workflow engine cannot run: {error}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A skipped test must not look like a passed one."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        reason = skipped[0].longrepr[2] if isinstance(skipped[0].longrepr, tuple) else ""
        terminalreporter.section("NOT CHECKED", sep="!")
        terminalreporter.line(f"{len(skipped)} checks did not run here ({reason}). The workflow was not executed.")
