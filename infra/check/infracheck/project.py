"""The files under check: the project's own, or a copy with a seeded fault."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .bicep import Built, compiler
from .snapshot import Snapshot

ROOT = Path(__file__).resolve().parents[3]
CHECK = ROOT / "infra" / "check"
MAIN, TEMPLATE = "infra/main.bicep", "infra/main.json"
# All that the compiler reads. `compiled` holds this list against what the compiler says it read.
SOURCES = (
    "infra/*.bicep",
    "infra/modules/*.bicep",
    "infra/snapshots/*.bicepparam",
    "infra/*.json",
    "infra/logicapp/fallback.definition.json",
)
NO_SOURCES = (TEMPLATE, "infra/main.parameters.json")  # what comes of it, and azd's file


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
    def sources(self) -> list[str]:
        """The names of the files that the compiler reads."""
        found = (path.relative_to(self.root).as_posix() for pattern in SOURCES for path in self.root.glob(pattern))
        return sorted(set(found) - set(NO_SOURCES))

    @cached_property
    def seeded(self) -> bool:
        """Whether a file is changed that the compiler reads: what is committed then says nothing."""
        return any(name in self.changes for name in self.sources)

    @cached_property
    def disk(self) -> Path:
        """Where the compiler finds the sources: the checkout, or a copy of them with the changes."""
        if not self.seeded:
            return self.root
        copy = Path(tempfile.mkdtemp(dir=self.root / "target" / "infra-check", prefix="seeded-"))
        for name in self.sources:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(self.text(name), encoding="utf-8")
        return copy

    def forget(self) -> None:
        """Removes the copy."""
        if "disk" in self.__dict__ and self.disk != self.root:
            shutil.rmtree(self.disk)

    def build(self, name: str) -> Built:
        """What the compiler says of one file and its modules."""
        return compiler().build(self.disk / name, self.disk)

    @cached_property
    def built(self) -> Built:
        """What the compiler says of main.bicep and its modules."""
        return self.build(MAIN)

    @cached_property
    def template(self) -> dict[str, Any]:
        """main.bicep compiled."""
        text = (self.built.template or "{}") if self.seeded else self.text(TEMPLATE)
        template: dict[str, Any] = json.loads(text)
        return template

    @cached_property
    def parameter_sets(self) -> list[str]:
        """The names of the parameter sets whose resources are committed."""
        return [path.stem for path in sorted(self.path("infra/snapshots").glob("*.bicepparam"))]

    def snapshot(self, parameters: str = "default") -> Snapshot:
        """The resources of a parameter set."""
        kept = self.__dict__.setdefault("_snapshots", {})
        if parameters not in kept:
            name = f"infra/snapshots/{parameters}"
            committed = not self.seeded and f"{name}.snapshot.json"
            text = self.text(committed) if committed else compiler().snapshot(self.disk / f"{name}.bicepparam")
            kept[parameters] = Snapshot(json.loads(text))
        snapshot: Snapshot = kept[parameters]
        return snapshot

    @property
    def definition(self) -> dict[str, Any]:
        """The workflow of the fallback."""
        definition: dict[str, Any] = self.json("infra/logicapp/fallback.definition.json")
        return definition
