"""What the tests share: the project, the compiler, the engine."""

from __future__ import annotations

import os

import pytest
from infracheck.bicep import Compiler, CompilerMissing, compiler
from infracheck.engine import Engine, EngineUnavailable, engine
from infracheck.project import Project


@pytest.fixture(scope="session")
def project() -> Project:
    """The checkout."""
    return Project()


@pytest.fixture(scope="session")
def bicep() -> Compiler:
    """Microsoft's compiler. Without it, test_compiled_together holds the committed products to their sources."""
    try:
        return compiler()
    except CompilerMissing as error:
        pytest.skip(str(error))


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
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else "?"
        reasons[reason] = reasons.get(reason, 0) + 1
    if not reasons:
        return
    terminalreporter.section("NOT CHECKED", sep="!")
    for reason, number in sorted(reasons.items()):
        terminalreporter.line(f"{number} checks did not run here: {reason}")
        if "Bicep" in reason:
            terminalreporter.line("The templates were not compiled; what is committed was checked together with a hash of its sources.")
        else:
            terminalreporter.line("The workflow was not executed.")
