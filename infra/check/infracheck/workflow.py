"""Runs a workflow definition: the order of actions is ours, every value is the engine's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .engine import PARAMETERS, Engine, Json

_WHOLE_OUTPUT = re.compile(r"@outputs\('(\w+)'\)")
_PARAMETER = re.compile(r"parameters\('(\w+)'\)")


@dataclass(frozen=True)
class Answer:
    """What the mail service does with a request: status TimedOut or Failed is no answer at all."""

    code: int | None
    body: Json = None
    status: str = ""

    @property
    def result(self) -> Json:
        """The result of the Http action."""
        if self.code is None:
            return {"status": self.status}
        status = "Succeeded" if self.code < 400 else "Failed"
        return {"status": status, "outputs": {"statusCode": self.code, "headers": {}, "body": self.body or {}}}


class Terminated(Exception):
    """The Terminate action."""


class Run:
    """One run, from a request to `response` and `end`; `calls` are the requests to the mail service."""

    def __init__(self, engine: Engine, definition: Json, body: Json, service: Callable[[Json], Answer]) -> None:
        self.engine, self.body, self.service = engine, body, service
        self.results: dict[str, Json] = {}
        self.lists: dict[str, Json] = {}
        self.calls: list[Json] = []
        self.notes: list[str] = []
        self.response: Json = None
        self.end = "Succeeded"
        try:
            self._block(definition["actions"])
        except Terminated:
            pass

    def _block(self, actions: dict[str, Json]) -> None:
        waiting = dict(actions)
        while waiting:
            ready = [name for name, action in waiting.items() if all(k in self.results for k in action.get("runAfter", {}))]
            if not ready:
                raise ValueError(f"never ready: {list(waiting)}")
            for name in ready:
                self._step(name, waiting.pop(name))

    def _step(self, name: str, action: Json) -> None:
        after = action.get("runAfter", {})
        if not all(self.results[earlier]["status"] in wanted for earlier, wanted in after.items()):
            self._skip(name, action)
            return
        try:
            self.results[name] = self._act(name, action)
        except Terminated:
            raise
        except Exception as error:  # of the engine: the action has failed
            self.results[name] = {"status": "Failed"}
            self.notes.append(f"{name}: {str(error).splitlines()[0]}"[:200])

    def _skip(self, name: str, action: Json) -> None:
        self.results[name] = {"status": "Skipped"}
        for inner in (action.get("actions", {}), action.get("else", {}).get("actions", {})):
            for nested, nested_action in inner.items():
                self._skip(nested, nested_action)

    def _act(self, name: str, action: Json) -> Json:
        actions: dict[str, Callable[[str, Json], Json]] = {
            "Scope": self._scope, "If": self._if, "Compose": self._compose, "Table": self._table,
            "Http": self._http, "Response": self._respond, "Terminate": self._terminate,
        }  # fmt: skip
        return actions[action["type"]](name, action)

    def _scope(self, _: str, action: Json) -> Json:
        self._block(action["actions"])
        failed = any(self.results[inner]["status"] == "Failed" for inner in action["actions"])
        return {"status": "Failed" if failed else "Succeeded"}

    def _if(self, _: str, action: Json) -> Json:
        answer = self._value(action["expression"])
        if not isinstance(answer, bool):
            raise ValueError(f"a condition must be true or false, not {answer!r}")
        chosen, other = action["actions"], action.get("else", {}).get("actions", {})
        chosen, other = (chosen, other) if answer else (other, chosen)
        for name, inner in other.items():
            self._skip(name, inner)
        return self._scope("", {"actions": chosen})

    def _compose(self, name: str, action: Json) -> Json:
        composed = self._value(action["inputs"])
        if isinstance(composed, dict):
            return {"status": "Succeeded", "outputs": composed}
        self.lists[name] = composed  # the wrapper around the evaluator takes outputs only as objects
        return {"status": "Succeeded"}

    def _table(self, _: str, action: Json) -> Json:
        inputs, columns = action["inputs"], action["inputs"]["columns"]
        rows = self._value(inputs["from"])
        if not isinstance(rows, list):
            raise ValueError("'from' is not an array")
        cells = [[self._value(column["value"], row) for column in columns] for row in rows]
        table = self.engine.table(inputs["format"], [column["header"] for column in columns], cells)
        return {"status": "Succeeded", "outputs": {"body": table}}

    def _http(self, _: str, action: Json) -> Json:
        call = self._value(action["inputs"])
        self.calls.append(call)
        return self.service(call).result

    def _respond(self, _: str, action: Json) -> Json:
        if self.response is not None:
            raise ValueError("a second response")
        self.response = self._value(action["inputs"])
        return {"status": "Succeeded", "outputs": self.response}

    def _terminate(self, _: str, action: Json) -> Json:
        self.end = self._value(action["inputs"])["runStatus"]
        raise Terminated

    def _value(self, given: Any, item: Json = None) -> Json:
        if isinstance(given, dict):
            return {key: self._value(value, item) for key, value in given.items()}
        if isinstance(given, list):
            return [self._value(value, item) for value in given]
        if not isinstance(given, str) or "@" not in given:
            return given
        whole = _WHOLE_OUTPUT.fullmatch(given)
        if whole and whole[1] in self.lists:
            return self.lists[whole[1]]
        # The evaluator does not know parameters(): put the values in.
        given = _PARAMETER.sub(lambda m: "json('" + json.dumps(PARAMETERS[m[1]]).replace("'", "''") + "')", given)
        return self.engine.evaluate(given, self.body, item, self.results)
