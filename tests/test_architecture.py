"""Who may import whom, and where a heavy library may live."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "storage": set(),
    "brain": {"storage"},
    "ingest": {"storage"},
    "learning": {"storage", "brain.prompt"},
    "bot": {"brain", "storage"},
    "api": {"brain", "storage"},
    "twin": {"api", "bot", "brain", "learning", "ingest", "storage"},
}
HEAVY = {"torch", "transformers", "peft", "trl", "datasets", "accelerate"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by dots; name the folder"
            yield f"{node.module}"


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_point_down(folder):
    wrong = []
    for path in (ROOT / folder).rglob("*.py"):
        for name in imports(path):
            top = name.split(".")[0]
            if top in MAY_IMPORT and top != folder and not {top, name} & MAY_IMPORT[folder]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong


def test_heavy_libraries_live_in_learning_and_the_embedded_server_only():
    for folder in MAY_IMPORT:
        for path in (ROOT / folder).rglob("*.py"):
            if folder != "learning" and path.parent.name != "embedded_server":
                assert not HEAVY & {name.split(".")[0] for name in imports(path)}, path


@pytest.mark.parametrize(
    "module",
    [
        "twin.cli",
        "api.app",
        "bot.terminal_app",
        "brain.reply",
        "learning.cycle",
        "learning.jobs",
        "learning.targets.ray_train",
        "ingest.pipeline",
    ],
)
def test_a_program_starts_without_torch(module):
    code = f"import sys, {module}; sys.exit(' '.join({HEAVY} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_installing_the_bot_alone_never_installs_torch():
    def needs(package: str, seen: set[str]) -> set[str]:
        for line in importlib.metadata.requires(package) or ():
            name = re.match(r"[A-Za-z0-9._-]+", line)[0].lower().replace("_", "-")
            if "extra ==" not in line and name not in seen:
                seen.add(name)
                try:
                    needs(name, seen)
                except importlib.metadata.PackageNotFoundError:
                    pass  # for another platform
        return seen

    assert not HEAVY & needs("twin", set())
    assert "sqlalchemy" in needs("twin", set())
