"""Microsoft's own workflow engine, offline: its assemblies out of a PyPI package, in a .NET runtime out of another.

`infra/check/run` installs both and sets the environment that the runtime reads at process start.
"""

from __future__ import annotations

import glob
import importlib.util
import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

Json = Any

# Values for the parameters of the definition.
PARAMETERS: dict[str, Json] = {
    "acsEndpoint": "https://acs-x.europe.communication.azure.com",
    "senderAddress": "DoNotReply@x.azurecomm.net",
    "recipients": [{"address": "ops@example.com"}],
}


class EngineUnavailable(Exception):
    """The engine cannot run here: what it drives is not checked."""


@cache
def engine() -> Engine:
    """The one engine of the process."""
    return Engine()


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if not spec or not spec.origin:
        raise EngineUnavailable(f"the Python package {name} is not installed")
    return Path(spec.origin).parent


class Engine:
    """Evaluates expressions, renders tables, validates requests and definitions."""

    def __init__(self) -> None:
        assemblies = _package("data_factory_testing_framework") / "_pythonnet" / "bin"
        if not os.environ.get("DOTNET_ROOT"):
            raise EngineUnavailable("no .NET runtime: DOTNET_ROOT is not set (start with `just infra-check`)")
        try:
            self._load(assemblies)
        except Exception as error:
            raise EngineUnavailable(f"{type(error).__name__}: {error}") from error

    def _load(self, assemblies: Path) -> None:
        from pythonnet import load

        runtime = {
            "tfm": "netcoreapp3.1",
            "rollForward": "Major",
            "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"},
            "configProperties": {"System.Globalization.Invariant": True},
        }
        with tempfile.NamedTemporaryFile("w", suffix=".runtimeconfig.json") as config:
            json.dump({"runtimeOptions": runtime}, config)
            config.flush()
            load("coreclr", runtime_config=config.name)
        import clr

        for dll in glob.glob(str(assemblies / "**" / "*.dll"), recursive=True):
            try:
                clr.AddReference(os.path.splitext(os.path.abspath(dll))[0])
            except Exception:  # native and resource libraries: not needed
                pass
        import Newtonsoft.Json
        import System
        from Microsoft.Azure.DataFactoryTestingFramework.Expressions import Evaluator
        from Microsoft.Azure.Workflows.Data.Validations import FlowTemplateValidation
        from Microsoft.Azure.Workflows.Templates.Engines import TemplateEngine
        from Microsoft.Azure.Workflows.Templates.Schema import FlowTemplate
        from System.Reflection import BindingFlags
        from System.Runtime.Serialization import FormatterServices

        self._clr, self._system, self._json = clr, System, Newtonsoft.Json
        self._template, self._templates, self._rules = FlowTemplate, TemplateEngine, FlowTemplateValidation
        self._evaluator = Evaluator()
        names = ("Extensions.JsonExtensions", "Json.JsonExtensions")
        found = (self._type(f"Microsoft.WindowsAzure.ResourceStack.Common.{name}") for name in names)
        extensions = next(type_ for type_ in found if type_)
        flags = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static
        # Newtonsoft's defaults would turn texts that look like dates into dates.
        self._settings = extensions.GetField("MediaTypeFormatterSettings", flags).GetValue(None)
        job = self._type("Microsoft.Azure.Workflows.Worker.Jobs.TableActionJob")
        flags = BindingFlags.NonPublic | BindingFlags.Instance
        self._tables = {form: job.GetMethod(f"FormatTableAs{form.title()}", flags) for form in ("HTML", "CSV")}
        self._table_job = FormatterServices.GetUninitializedObject(job)

    def evaluate(self, expression: str, body: Json, item: Json, results: Json) -> Json:
        """One expression, in the run of a request with that body, after actions with those results."""
        row = None if item is None else json.dumps(item)
        answer = self._evaluator.EvaluateExpression(expression, json.dumps(body), "{}", row, json.dumps(results))
        return json.loads(answer)["result"]

    def table(self, form: str, headers: list[str], rows: list[list[Json]]) -> str:
        """What the Table action makes of rows."""
        array, token = self._system.Array, self._json.Linq.JToken
        cells = self._system.Collections.Generic.List[array[token]]()
        for row in rows:
            cells.Add(array[token]([self._token(value) for value in row]))
        arguments = array[self._system.Object]([array[self._system.String](headers), cells])
        return str(self._tables[form].Invoke(self._table_job, arguments))

    def body_errors(self, schema: Json, body: Json) -> list[str]:
        """Why the platform would refuse a request body, by the schema library that it uses."""
        from Newtonsoft.Json.Schema import JSchema, SchemaExtensions

        fits, errors = SchemaExtensions.IsValid(self._token(body), JSchema.Parse(json.dumps(schema)), None)
        return [] if fits else [str(error) for error in errors]

    def complaint(self, definition: Json) -> str | None:
        """What the engine refuses in a definition when it is saved."""
        try:
            self._validate(json.dumps(definition))
        except Exception as error:
            return f"{type(error).__name__}: {str(error).splitlines()[0]}"[:300]
        return None

    def action_references(self, definition: Json) -> dict[str, set[str]]:
        """Which actions the inputs of each action name; for a definition without a complaint."""
        template = self._processed(json.dumps(definition))
        return {pair.Key: set(pair.Value.InputsActionReferences or []) for pair in template.AllActions}

    def _processed(self, text: str) -> Any:
        template = self._parse(text, self._template)
        self._templates.ValidateTemplate(template)
        values = self._dictionary()
        for name, value in PARAMETERS.items():
            values[name] = self._token(value)
        self._templates.ProcessTemplateLanguageExpressions(template, values, None, None, None)
        return template

    def _validate(self, text: str) -> None:
        template, rules = self._processed(text), self._rules
        for rule in (rules.ValidateTemplate, rules.FlowVariables, rules.FlowOutputParameters, rules.FlowInputParameters):
            rule(template)
        for pair in template.AllActions:
            rules.FlowRunActionName(pair.Key)
            rules.FlowRunActionType(pair.Key, pair.Value)
            rules.FlowRunActionLimit(pair.Key, pair.Value)
            if pair.Value.Type.ToString() not in ("Scope", "If", "Switch", "Until", "Foreach"):
                rules.FlowRunActionInputs(pair.Key, pair.Value, False)
        rules.FlowResponse(template, self._dictionary(), None)

    def _type(self, name: str) -> Any:
        assemblies = self._system.AppDomain.CurrentDomain.GetAssemblies()
        return next((type_ for type_ in (a.GetType(name) for a in assemblies) if type_), None)

    def _dictionary(self) -> Any:
        generic = self._type("Microsoft.WindowsAzure.ResourceStack.Common.Collections.InsensitiveDictionary`1")
        return self._system.Activator.CreateInstance(generic.MakeGenericType(self._clr.GetClrType(self._json.Linq.JToken)))

    def _parse(self, text: str, target: Any) -> Any:
        return self._json.JsonConvert.DeserializeObject[target](text, self._settings)

    def _token(self, value: Json) -> Any:
        return self._parse(json.dumps(value), self._json.Linq.JToken)
