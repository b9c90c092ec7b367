"""Microsoft's Bicep compiler, asked over JSON-RPC: one process, many questions."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .problem import Problem

# Where a snapshot is evaluated. Made up; names and ids in the committed snapshots follow from it.
SUBSCRIPTION = {
    "tenantId": "00000000-0000-0000-0000-00000000000a",
    "subscriptionId": "00000000-0000-0000-0000-00000000000b",
    "location": "westeurope",
    "deploymentName": "petstore-demo",
}


class CompilerMissing(Exception):
    """No Bicep at hand."""


class BicepError(Exception):
    """The compiler answers with an error of its own."""


def find() -> Path | None:
    """What BICEP names, else `bicep` on the PATH, else what `az bicep install` brought."""
    if named := os.environ.get("BICEP"):
        if not shutil.which(named):
            raise SystemExit(f"infra-check: BICEP is set to {named}, which cannot be run")
        return Path(named)
    if on_path := shutil.which("bicep"):
        return Path(on_path)
    azure = Path(os.environ.get("AZURE_CONFIG_DIR", Path.home() / ".azure")) / "bin" / "bicep"
    return azure if azure.exists() else None


@cache
def compiler() -> Compiler:
    """The one compiler of the process."""
    path = find()
    if path is None:
        raise CompilerMissing("no Bicep compiler: set BICEP, or put bicep on the PATH, or run az bicep install")
    return Compiler(path)


@dataclass(frozen=True)
class Built:
    """What the compiler says of a file, and the template it makes; none when there is an error."""

    problems: list[Problem]
    template: str | None


class Compiler:
    """`bicep jsonrpc`: the questions of the command line, without a start for each."""

    def __init__(self, path: Path) -> None:
        # OpenSSL 1.1 and DOTNET_ROOT are for the workflow engine's old runtime; Bicep carries its own.
        environment = {name: value for name, value in os.environ.items() if name not in ("LD_LIBRARY_PATH", "DOTNET_ROOT")}
        self._process = subprocess.Popen(
            [str(path), "jsonrpc", "--stdio"],
            env=environment | {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        atexit.register(self._process.kill)
        self._number = 0
        self.version = str(self._ask("version")["version"])

    def build(self, file: Path, root: Path) -> Built:
        """`bicep build`: diagnostics of every module, the linter's too, with paths from the root."""
        try:
            answer = self._ask("compile", path=str(file))
        except BicepError as error:  # it gives up on a few mistakes instead of naming their place
            return Built([Problem(file.relative_to(root).as_posix(), 0, str(error))], None)
        problems = []
        for said in answer["diagnostics"]:
            name = Path(said["source"]).relative_to(root).as_posix()
            problems.append(Problem(name, said["range"]["start"]["line"] + 1, f"{said['code']}: {said['message']}"))
        return Built(problems, answer["contents"] if answer["success"] else None)

    def snapshot(self, parameters: Path) -> str:
        """`bicep snapshot`: every resource of a deployment, evaluated without Azure."""
        answer = self._ask("getSnapshot", path=str(parameters), metadata=SUBSCRIPTION, externalInputs=None)
        return str(answer["snapshot"])

    def formatted(self, file: Path) -> str:
        """`bicep format`."""
        return str(self._ask("format", path=str(file))["contents"])

    def sources(self, file: Path) -> list[Path]:
        """Every file that goes into a template."""
        return [Path(path) for path in self._ask("getFileReferences", path=str(file))["filePaths"]]

    def _ask(self, method: str, **arguments: Any) -> Any:
        reader, writer = self._process.stdout, self._process.stdin
        assert reader and writer
        self._number += 1
        request = {"jsonrpc": "2.0", "id": self._number, "method": f"bicep/{method}", "params": [arguments]}
        body = json.dumps(request).encode()
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.flush()
        while True:
            length = 0
            while header := reader.readline().strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            if not length:
                raise BicepError("the Bicep compiler ended")
            answer = json.loads(reader.read(length))
            if answer.get("id") == self._number:
                break
        if "error" in answer:
            raise BicepError(f"bicep {method}: {answer['error']['message']}")
        return answer["result"]
