"""Under which licences is what we ship with? `python deploy/licences.py` lists it.

What is installed here of the twin's own dependencies, and theirs, without the tools of development; with
`--pinned FILE`, of what such a file names. Exit code 1 where something is under a licence that
deploy/licences.toml does not allow.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
RULES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "licences.toml").read_text(encoding="utf-8"))
SHIPPED = ("gpu", "monitoring", "ray", "serve", "train", "vault")


def needed(extras: Iterable[str] = SHIPPED) -> set[str]:
    """Everything that the twin needs on this machine, as far as it is installed."""
    found: set[str] = set()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    todo = [("twin", extra) for extra in ("", *extras)]
    seen = set(todo)
    while todo:
        name, extra = todo.pop()
        try:
            if name == "twin":
                lines = project["optional-dependencies"].get(extra) or project["dependencies"]
            else:
                lines = importlib.metadata.requires(name) or []
                found.add(canonicalize_name(name))
        except importlib.metadata.PackageNotFoundError:
            continue
        for requirement in map(Requirement, lines):
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            for wanted in ("", *requirement.extras):
                one = (canonicalize_name(requirement.name), wanted)
                if one not in seen:
                    seen.add(one)
                    todo.append(one)
    return found


def licence_of(metadata: Mapping[str, Any], name: str) -> str:
    """As an SPDX expression where it can be told; else as the package words it."""
    if by_hand := RULES["by_hand"].get(canonicalize_name(name)):
        return str(by_hand)
    if expression := metadata.get("License-Expression"):
        return str(expression)
    kinds = [
        line.rpartition("::")[2].strip()
        for line in metadata.get_all("Classifier") or ()  # type: ignore[attr-defined]
        if line.startswith("License ::") and "approved" not in line.rpartition("::")[2]
    ]
    worded = kinds or [str(metadata.get("License") or "UNKNOWN").splitlines()[0][:80]]
    return " AND ".join(RULES["means"].get(one, one) for one in worded)


def is_allowed(expression: str) -> bool:
    """One of the alternatives must be, and all that belong together."""
    allowed = set(RULES["allowed"])
    bare = re.sub(r"[()]", " ", expression)
    return any(
        all(re.sub(r"\s+", " ", one).strip() in allowed for one in alternative.split(" AND "))
        for alternative in bare.split(" OR ")
    )


def pinned(file: Path) -> set[str]:
    """What a file of pins names for this machine."""
    lines = file.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    wanted = [Requirement(line.split(" --hash")[0]) for line in lines if line.strip()]
    return {canonicalize_name(one.name) for one in wanted if not one.marker or one.marker.evaluate()}


def licences(names: set[str]) -> Iterator[tuple[str, str, str, bool]]:
    """Name, version, licence, and whether it is allowed."""
    for name in sorted(names):
        distribution = importlib.metadata.distribution(name)
        licence = licence_of(distribution.metadata, name)
        yield name, distribution.version, licence, is_allowed(licence)


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--pinned", type=Path)
    told = asked.parse_args()
    found = list(licences(pinned(told.pinned) if told.pinned else needed()))
    if told.json:
        keys = ("name", "version", "licence", "allowed")
        sys.stdout.write(json.dumps([dict(zip(keys, one, strict=True)) for one in found]) + "\n")
    else:
        for name, version, licence, allowed in found:
            sys.stdout.write(f"{name:32} {version:16} {licence}{'' if allowed else '   NOT ALLOWED'}\n")
    wrong = [name for name, _, _, allowed in found if not allowed]
    if wrong:
        sys.stderr.write(
            f"look at the licence of {', '.join(wrong)}: deploy/licences.toml allows it, or it goes\n"
        )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
