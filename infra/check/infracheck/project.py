"""The files under check: the project's own, or a copy with a seeded fault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from . import syntax

ROOT = Path(__file__).resolve().parents[3]
CHECK = ROOT / "infra" / "check"


@dataclass(frozen=True)
class Project:
    """A checkout, with changes that are not on disk."""

    root: Path = ROOT
    changes: Mapping[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """A file by its name from the root."""
        return self.root / name

    def text(self, name: str) -> str:
        """The text of a file."""
        return self.changes[name] if name in self.changes else self.path(name).read_text(encoding="utf-8")

    def json(self, name: str) -> Any:
        """The content of a JSON file."""
        return json.loads(self.text(name))

    @cached_property
    def bicep(self) -> dict[str, syntax.File]:
        """Every Bicep file, parsed, by its name from the root."""
        paths = sorted(self.path("infra").rglob("*.bicep"))
        names = [path.relative_to(self.root).as_posix() for path in paths]
        return {name: syntax.parse(name, self.text(name).encode()) for name in names}

    @property
    def main(self) -> syntax.File:
        """infra/main.bicep."""
        return self.bicep["infra/main.bicep"]

    @property
    def definition(self) -> dict[str, Any]:
        """The workflow of the fallback."""
        definition: dict[str, Any] = self.json("infra/logicapp/fallback.definition.json")
        return definition
