"""What ages by itself: the regions that offer Flex Consumption, and API versions. `just infra-refresh`; review the diff.

The regions come from the Azure CLI and are written into main.bicep. API versions older than two years are only named:
that verdict changes with the calendar, so it is no rule of infra/bicepconfig.json.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .bicep import find
from .project import MAIN, Project

ASK = ["az", "functionapp", "list-flexconsumption-locations", "--query", "[].name", "--output", "json"]
CONFIG = {"analyzers": {"core": {"enabled": True, "rules": {"use-recent-api-versions": {"level": "warning", "maxAgeInDays": 730}}}}}
NEWEST = "Microsoft.Insights/diagnosticSettings"  # its newest version is a preview of 2021
REGIONS = re.compile(r"(// From `just infra-refresh`[^\n]*\n@allowed\(\[\n)(.*?)(\n\]\))", re.DOTALL)


def main() -> int:
    """Writes the regions and prints what is old; 1 when there was nobody to ask."""
    return _regions(Project()) | _versions(Project())


def with_regions(source: str, regions: list[str]) -> str:
    """main.bicep with another list."""
    lines = "\n".join(f"  '{region}'" for region in sorted(regions))
    return REGIONS.sub(lambda found: found[1] + lines + found[3], source)


def _regions(project: Project) -> int:
    if not shutil.which("az"):
        print("regions: not asked for, there is no Azure CLI here", file=sys.stderr)
        return 1
    asked = subprocess.run(ASK, capture_output=True, text=True, check=True).stdout
    project.path(MAIN).write_text(with_regions(project.text(MAIN), json.loads(asked)), encoding="utf-8")
    print("regions: written into main.bicep; now `just infra-check compile`")
    return 0


def _versions(project: Project) -> int:
    tool = find()
    if tool is None:
        print("API versions: not asked for, there is no Bicep compiler here", file=sys.stderr)
        return 1
    environment = {name: value for name, value in os.environ.items() if name not in ("LD_LIBRARY_PATH", "DOTNET_ROOT")}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump(CONFIG, config)
        config.flush()
        command = [str(tool), "lint", str(project.path(MAIN)), "--config", config.name]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    old = sorted({line for line in (said.stdout + said.stderr).splitlines() if "use-recent-api-versions" in line and NEWEST not in line})
    for line in old:
        print(line.replace(f"{Path(project.root)}/", ""))
    print(f"API versions: {len(old)} older than two years")
    return 0


if __name__ == "__main__":
    sys.exit(main())
