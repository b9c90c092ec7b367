"""Microsoft's types of the Azure resources that `infra/` uses, from the snapshot in `infra/check/types/`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .project import CHECK

PRIMITIVES = {"string": str, "int": int, "bool": bool}
_LIMIT = re.compile(r"(minLength|maxLength|minValue|maxValue): (-?\d+)|pattern: (.+)$")


@dataclass(frozen=True)
class Property:
    """What may be written under a name: a type expression, flags, limits of length, value or form."""

    type: str
    flags: str
    limits: str

    @property
    def required(self) -> bool:
        """Must be given."""
        return "Required" in self.flags

    @property
    def read_only(self) -> bool:
        """Is Azure's to give."""
        return "ReadOnly" in self.flags

    @property
    def options(self) -> list[str]:
        """The alternatives of an enumeration, or the one type."""
        return [option.strip() for option in self.type.split(" | ")]

    def violated(self, value: str | int) -> str | None:
        """The limit that a value breaks."""
        for name, number, pattern in _LIMIT.findall(self.limits):
            size = value if isinstance(value, int) else len(value)
            if pattern and isinstance(value, str) and not re.search(pattern, value):
                return f"pattern {pattern}"
            if name.startswith("min") and size < int(number) or name.startswith("max") and size > int(number):
                return f"{name} {number}"
        return None


Properties = dict[str, Property]


@dataclass(frozen=True)
class ResourceType:
    """One resource type of one API version."""

    name: str
    version: str
    properties: Properties
    variants: dict[str, Properties]
    objects: dict[str, tuple[str | None, Properties]] = field(repr=False)

    def body(self, name: str | None) -> Properties | None:
        """What the body may hold. Where the name of the resource decides, None for an unknown name."""
        return self.variants.get(name or "") if self.variants else self.properties

    def members(self, type_: str) -> Properties | None:
        """The properties of an object type; None when it is none, or takes any key."""
        additional, properties = self.objects.get(type_, (None, {}))
        return None if additional or not properties else properties

    def follow(self, path: list[str]) -> str | None:
        """The type of what is read at a path; `any` where the types do not say, None where there is nothing."""
        properties: Properties | None = self.properties
        type_ = "any"
        for key in path:
            if properties is None:
                return "any"
            if key not in properties:
                return None
            type_ = properties[key].type
            if type_ in PRIMITIVES:
                properties = {}
            else:
                properties = self.members(type_)
        return type_


def _properties(raw: dict[str, list[str]] | None) -> Properties:
    return {name: Property(*entry) for name, entry in (raw or {}).items()}


class AzureTypes:
    """The snapshot."""

    def __init__(self, folder: Path = CHECK / "types") -> None:
        self._types = {type_.name: type_ for type_ in map(_load, sorted(folder.glob("*.json")))}

    def get(self, name: str) -> ResourceType | None:
        """None for a type that Azure does not have, or that the snapshot lacks."""
        return self._types.get(name)

    def __len__(self) -> int:
        return len(self._types)


def _load(path: Path) -> ResourceType:
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    variants = {name: _properties(properties) for name, properties in (raw["variants"] or {}).items()}
    objects = {name: (t["additional"], _properties(t["properties"])) for name, t in raw["types"].items()}
    return ResourceType(raw["resource"], raw["apiVersion"], _properties(raw["properties"]), variants, objects)
