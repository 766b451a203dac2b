"""What the documents promise, the code keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr
from typer.main import get_command

from learning.settings import RECIPES
from twin.cli import app
from twin.settings import Settings

ROOT = Path(__file__).parents[2]


def keys(model: type[BaseModel], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, (*before, name))
        else:
            yield (*before, name)


def test_the_settings_page_lists_exactly_the_settings():
    listed, section = set(), ""
    for line in (ROOT / "docs" / "settings.md").read_text().splitlines():
        if heading := re.match(r"#+ \[([\w.]+)\]", line):
            section = heading[1]
        elif line.startswith("| `"):
            listed |= {f"{section}.{name}" for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert listed == {".".join(key) for key in keys(Settings)}


def test_the_env_example_lists_exactly_the_secrets():
    listed = set(re.findall(r"^(TWIN_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    secrets = {
        f"TWIN_{section}__{name}".upper()
        for section, part in Settings.model_fields.items()
        for name, field in part.annotation.model_fields.items()
        if "SecretStr" in str(field.annotation) or field.annotation is SecretStr
    }
    assert listed == secrets


# commands that have commands
GROUPS = {"corpus", "train", "adapters", "records", "feedback", "memory", "runs", "token"}


def commands(group, path=()) -> set[str]:
    found = set()
    for name, command in group.commands.items():
        here = (*path, name)
        found |= commands(command, here) if hasattr(command, "commands") else {" ".join(here)}
    return found


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/settings.md", "docs/sync.md", "docs/api.md"]
)
def test_every_command_a_page_names_exists(page):
    known = commands(get_command(app))
    first = {name.split()[0] for name in known}
    text = (ROOT / page).read_text()
    code = [inline or block for inline, block in re.findall(r"`([^`\n]+)`|^ {4}(.+)$", text, re.MULTILINE)]
    found = [words for line in code for words in re.findall(r"\btwin ([a-z]+(?: [a-z]+)?)", line)]
    named = {tuple(words.split()) for words in found}
    assert not {words for words in named if words[0] not in first}
    in_groups = {" ".join(words) for words in named if len(words) == 2 and words[0] in GROUPS}
    assert in_groups <= known


@pytest.mark.parametrize("method", RECIPES)
def test_every_recipe_has_a_command(method):
    assert f"train {method}" in commands(get_command(app))
