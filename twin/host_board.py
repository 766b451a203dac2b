"""How goes it with each twin of a host? Kept in one file beside the homes, for `twin host DIR --list`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twin import show
from twin.components import ENDED, RUNS
from twin.errors import Told

FILE = "host.json"
SHOWN = ("discord", "telegram", "api", "schedule", "runner")
STARTS, STOPPED = "starts", "stopped"


class Board:
    """By twin: its state, who answers, and how each part is. Written only when something has changed."""

    def __init__(self, root: Path) -> None:
        self._path = root / FILE
        self.twins: dict[str, dict[str, Any]] = {}
        self._written = ""

    def state(self, twin: str, state: str, **more: str) -> None:
        """RUNS, STARTS, STOPPED, or what is wrong."""
        self.twins.setdefault(twin, {"parts": {}}).update({"state": state, **more})
        if state in (STARTS, STOPPED):
            self.twins[twin]["parts"] = {}

    def part(self, twin: str, part: str, how: str) -> None:
        self.twins.setdefault(twin, {"parts": {}})["parts"][part] = how

    def gone(self, twin: str) -> None:
        self.twins.pop(twin, None)

    def write(self) -> None:
        told = json.dumps({"pid": os.getpid(), "twins": dict(sorted(self.twins.items()))}, indent=1)
        if told != self._written:
            beside = self._path.with_suffix(".part")
            beside.write_text(told, encoding="utf-8")
            beside.replace(self._path)
            self._written = told

    def close(self) -> None:
        self._path.unlink(missing_ok=True)

    @property
    def settled(self) -> bool:
        """Whether every twin runs, or it is known why not."""
        return bool(self.twins) and all(one.get("state", STARTS) != STARTS for one in self.twins.values())


def homes_in(root: Path) -> list[Path]:
    """Every folder with a twin.toml, by name; hidden ones are ours."""
    return sorted(file.parent for file in root.glob("*/twin.toml") if file.parent.name[:1] not in "._")


def as_told(root: Path) -> dict[str, Any]:
    """What the running host says of its twins; which homes there are, where none runs."""
    homes = [home.name for home in homes_in(root)]
    try:
        told: dict[str, Any] = json.loads((root / FILE).read_text(encoding="utf-8"))
        os.kill(told["pid"], 0)
    except (OSError, ValueError, KeyError):
        if not homes:
            raise nothing_there(root) from None
        return {"pid": None, "twins": {name: {"state": STOPPED, "parts": {}} for name in homes}}
    return told


def nothing_there(root: Path) -> Told:
    if (root / "twin.toml").is_file():
        advice = f"it is one twin's home itself: 'twin --home {root} up'"
    else:
        advice = f"'twin --home {root / 'NAME'} init NAME' makes one"
    return Told(f"no folder in {root} has a twin.toml", advice)


def show_board(told: Mapping[str, Any]) -> None:
    rows: list[Sequence[object]] = []
    for name, one in told["twins"].items():
        parts: Mapping[str, str] = one["parts"]
        others = [
            f"{part}: {how}" for part, how in parts.items() if part not in SHOWN and how not in (RUNS, ENDED)
        ]
        state = "; ".join([one.get("state", STARTS), *others])
        rows.append((name, one.get("answers", ""), *(parts.get(part, "") for part in SHOWN), state))
    title = f"{len(rows)} twins" + (f" in process {told['pid']}" if told["pid"] else "; none runs")
    show.table(title, ("twin", "answers", *SHOWN, "state"), rows)
