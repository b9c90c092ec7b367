"""The resources of a deployment, as `bicep snapshot` evaluates them: final names and properties, and in square brackets
what only Azure can tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Json = Any
_TOKEN = re.compile(r"[a-z0-9]{13}\b")


@dataclass(frozen=True)
class Resource:
    """One resource."""

    raw: dict[str, Json]

    @property
    def type(self) -> str:
        """Microsoft.Storage/storageAccounts"""
        return str(self.raw["type"])

    @property
    def name(self) -> str:
        """The last part of its name, with a star for what makes it unique."""
        return short(self.raw["name"])

    @property
    def scope(self) -> str:
        """Of an extension resource: the name of what it is attached to."""
        return short(self.raw["id"].rpartition("/providers/")[0])

    @property
    def owner(self) -> str:
        """Of a child: the name of its parent."""
        return short(self.raw["name"].rpartition("/")[0])

    def at(self, *path: str) -> Json:
        """The value at a path of keys; None where there is none."""
        found: Json = self.raw
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def property(self, *path: str) -> Json:
        """The same below `properties`."""
        return self.at("properties", *path)

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


def short(name: str) -> str:
    """stord*, of /subscriptions/…/storageAccounts/stordijecrrt3sor66."""
    return _TOKEN.sub("*", name.rpartition("/")[2])


class Snapshot:
    """All of them."""

    def __init__(self, raw: Json) -> None:
        self.resources = [Resource(entry) for entry in raw["predictedResources"]]
        self.outputs: dict[str, Json] = raw["outputs"]

    def of(self, type_: str) -> list[Resource]:
        """Those of a type."""
        return [resource for resource in self.resources if resource.type == type_]

    def one(self, type_: str, name: str, owner: str | None = None) -> Resource:
        """The one of that type and short name; an empty one when it is missing, so that every property is."""
        found = [resource for resource in self.of(type_) if resource.name == name and owner in (None, resource.owner)]
        return found[0] if len(found) == 1 else Resource({"type": type_, "name": name, "id": name})
