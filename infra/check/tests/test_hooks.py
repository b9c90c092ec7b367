"""The hooks of azd, run with tools that only write down how they were called. Those for Windows are parsed: `azd`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from infracheck.project import ROOT

TARGET = "x86_64-unknown-linux-musl"
Tools = dict[str, str]
Hook = Callable[..., tuple[int, str, list[str]]]
ALL: Tools = {"just": "", "rustup": f"echo {TARGET}", "uname": 'case "$1" in -s) echo Linux;; *) echo x86_64;; esac', "musl-gcc": ""}
ZIG: Tools = {name: body for name, body in ALL.items() if name != "musl-gcc"} | {"cargo-zigbuild": ""}
MAC: Tools = {"uname": 'case "$1" in -s) echo Darwin;; *) echo arm64;; esac'}
WITHOUT_ZIG = {"musl-gcc", "cargo-zigbuild"}


@pytest.fixture
def hook(tmp_path: Path) -> Hook:
    """Runs one in a copy of what it looks at; gives exit code, what it said, and the calls of the tools."""

    def run(name: str, tools: Tools, started_in_the_project: bool = False, **environment: str) -> tuple[int, str, list[str]]:
        place, calls = tmp_path / "project", tmp_path / "calls"
        for script in (ROOT / "infra" / "hooks").glob("*.sh"):
            (place / "infra/hooks").mkdir(parents=True, exist_ok=True)
            (place / "infra/hooks" / script.name).write_text(script.read_text())
        path = tmp_path / "bin"
        path.mkdir(exist_ok=True)
        for tool in ("sh", "dirname", "grep", "readlink", "mkdir", "sed"):
            if not (path / tool).exists():
                (path / tool).symlink_to(Path("/bin") / tool if (Path("/bin") / tool).exists() else Path("/usr/bin") / tool)
        for tool, body in {"sleep": "", **tools}.items():
            (path / tool).write_text(f'#!/bin/sh\necho "{tool} $*" >>"{calls}"\n{body}\n')
            (path / tool).chmod(0o755)
        calls.write_text("")
        done = subprocess.run(
            ["sh", "-c", f'sh "{place}/infra/hooks/{name}"; exit $?'] if started_in_the_project else ["sh", str(place / "infra/hooks" / name)],
            cwd=place,
            env={"PATH": str(path), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr, calls.read_text().splitlines()

    return run


@pytest.mark.parametrize("tools", [ALL, ZIG, ZIG | MAC], ids=["musl-gcc", "zig", "zig on a Mac"])
def test_with_everything_there_it_builds(hook: Hook, tools: Tools) -> None:
    code, said, calls = hook("prepackage.sh", tools)
    assert (code, said) == (0, "") and calls[-1] == "just package"


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ({name: body for name, body in ALL.items() if name != "just"}, "just: pip install rust-just"),
        ({name: body for name, body in ALL.items() if name != "rustup"}, "https://rustup.rs"),
        (ALL | {"rustup": "echo aarch64-apple-darwin"}, f"rustup target add {TARGET}"),
        ({name: body for name, body in ALL.items() if name not in WITHOUT_ZIG}, "apt-get install musl-tools, or pip install ziglang"),
        (ALL | MAC, "brew install zig"),
        (ALL | {"uname": 'case "$1" in -s) echo Linux;; *) echo aarch64;; esac'}, "zig: pip install ziglang cargo-zigbuild"),
    ],
    ids=["just", "rustup", "target", "compiler", "Mac with a musl-gcc", "ARM with a musl-gcc"],
)
def test_what_is_missing_is_said_before_anything_is_built(hook: Hook, tools: Tools, said: str) -> None:
    code, output, calls = hook("prepackage.sh", tools)
    assert code == 1 and said in output and "just package" not in calls


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="no /proc: asked of lsof there")
def test_azd_in_a_subfolder_is_told_where_to_start(hook: Hook) -> None:
    code, output, calls = hook("prepackage.sh", ALL, AZURE_ENV_NAME="demo")
    assert code == 1 and "would not find dist/" in output and "just package" not in calls, "pytest is not in the project"
    code, _, calls = hook("prepackage.sh", ALL, started_in_the_project=True, AZURE_ENV_NAME="demo")
    assert code == 0 and calls[-1] == "just package"


def test_the_first_upload_is_tried_until_it_succeeds(hook: Hook, tmp_path: Path) -> None:
    fails_twice = f'[ -n "$FIRST_UPLOAD" ] && [ "$(grep -c ^azd "{tmp_path}/calls")" -ge 3 ]'
    code, _, calls = hook("predeploy.sh", {"azd": fails_twice}, AZURE_ENV_NAME="demo")
    deploy = "azd deploy reserver --no-prompt --environment demo"
    assert (code, calls) == (0, [deploy, "sleep 30", deploy, "sleep 30", deploy])
    assert hook("predeploy.sh", {"azd": "exit 1"}, AZURE_ENV_NAME="demo") == (0, "", []), "the second deployment"


def test_an_upload_that_never_succeeds_ends(hook: Hook) -> None:
    code, said, calls = hook("predeploy.sh", {"azd": "exit 1"}, AZURE_ENV_NAME="demo")
    assert code == 1 and "Six uploads failed" in said and sum(call.startswith("azd") for call in calls) == 6


def test_the_upload_within_the_hook_does_not_start_another(hook: Hook) -> None:
    assert hook("predeploy.sh", {"azd": "exit 1"}, AZURE_ENV_NAME="demo", FIRST_UPLOAD="1") == (0, "", [])


def test_the_scripts_are_executable() -> None:
    assert all(os.access(script, os.X_OK) for script in (ROOT / "infra" / "hooks").glob("*.sh"))
