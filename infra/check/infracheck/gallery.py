"""What somebody meets first: the exercise's page, the picture, the dev container, the files that the template gallery asks
for."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from .operation import ALERTS
from .problem import Problem
from .project import Project

EXERCISE, PICTURE, SOURCE = "docs/exercise.md", "docs/architecture.svg", "docs/architecture.dot"
CONTAINER = ".devcontainer/devcontainer.json"
LINKING = (EXERCISE, "infra/README.md", "CONTRIBUTING.md", "SECURITY.md")
ASKED = ("LICENSE", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md", ".github/pull_request_template.md")
FORMS = (".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/idea.yml")
# What each tool of the container comes with.
TOOLS = {
    CONTAINER: ("features/azure-cli:1", '"installBicep": true', "azure-dev/azd", "features/node:1", "features/python:1"),
    ".devcontainer/Dockerfile": ("devcontainers/rust:", "musl-tools"),
    ".devcontainer/post-create.sh": (
        "rustup target add x86_64-unknown-linux-musl", ".ci/requirements.txt", "ziglang cargo-zigbuild", "azure-functions-core-tools@4", "azurite",
    ),
}  # fmt: skip


def check(project: Project) -> list[Problem]:
    """All of it."""
    found = [*_links(project), *_exercise(project), *_first_screen(project), *_picture(project)]
    return [*found, *_container(project), *_asked(project)]


def _links(project: Project) -> Iterator[Problem]:
    for name in LINKING:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", project.text(name)):
            if not (project.path(name).parent / target).exists():
                yield Problem(name, 0, f"links to {target}, which is not there")


def _exercise(project: Project) -> Iterator[Problem]:
    tasks, _, done = project.text(EXERCISE).partition("## Definition of done")
    for title, part, number in (("task", tasks, 8), ("point", done, 5)):
        if re.findall(r"(?m)^\| (\d) \|", part) != [str(count) for count in range(1, number + 1)]:
            yield Problem(EXERCISE, 0, f"there are {number} of {title}, in their order")
    shown = sorted(number for title in re.findall(r"(?m)^### ([\d, ]+) ·", tasks) for number in title.split(", "))
    if shown != [str(count) for count in range(1, 9)]:
        yield Problem(EXERCISE, 0, f"how to see it is told for {', '.join(shown)}")
    for section in re.split(r"(?m)^### ", tasks)[1:]:
        if not all(word in section for word in ("Here:", "In Azure", "*The screenshot")):
            yield Problem(EXERCISE, 0, f"{section.splitlines()[0]}: here, in Azure and the screenshot, all three")


def _first_screen(project: Project) -> Iterator[Problem]:
    screen = project.text("README.md").partition("\n## ")[0]
    if f"({EXERCISE})" not in screen:
        yield Problem("README.md", 0, "the first screen does not lead to the exercise")
    metadata = yaml.safe_load((re.search(r"<!--\n---\n(.*?)\n---\n-->", screen, re.DOTALL) or ["", "{}"])[1])
    for name in ("page_type", "name", "description", "urlFragment", "languages", "products"):
        if not metadata.get(name):
            yield Problem("README.md", 0, f"the gallery's metadata lacks {name}")


def _picture(project: Project) -> Iterator[Problem]:
    drawn = html.unescape(" ".join(re.findall(r"<text[^>]*>([^<]*)</text>", project.text(PICTURE))))
    for label in re.findall(r'label="([^"]+)"', project.text(SOURCE)):
        for line in label.split("\\n"):
            if line not in drawn:
                yield Problem(PICTURE, 0, f"lacks {line!r}: run `just architecture`")
    rules = sum(len(project.snapshot().of(type_)) for type_ in ALERTS)
    for name in (SOURCE, "infra/README.md"):
        if f"{rules} alerts" not in project.text(name):
            yield Problem(name, 0, f"there are {rules} alerts")


def _container(project: Project) -> Iterator[Problem]:
    for name, wanted in TOOLS.items():
        for words in wanted:
            if words not in project.text(name):
                yield Problem(name, 0, f"lacks {words}")
    for name in (CONTAINER, *(f".vscode/{file}.json" for file in ("extensions", "launch", "tasks"))):
        try:
            _json(project.text(name))
        except ValueError as error:
            yield Problem(name, 0, str(error))


def _json(text: str) -> Any:
    """JSON with comments on lines of their own."""
    return json.loads(re.sub(r"(?m)^\s*//.*$", "", text))


def _asked(project: Project) -> Iterator[Problem]:
    for name in ASKED:
        if not project.path(name).exists():
            yield Problem(name, 0, "the gallery asks for it")
    for name in FORMS:
        form = yaml.safe_load(project.text(name))
        if not form.get("name") or not form.get("description") or not form.get("body"):
            yield Problem(name, 0, "a form has name, description and body")
