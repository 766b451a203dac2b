"""How does a trainer on another machine get its files, and how do we get back what it made?

Through a folder that both see, maybe under two names. Everything that a job names and that is there is laid
into it; what is not there yet is what the job will make, and is brought back when it has. A folder keeps its
own name, for that is what manifests call it by.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learning.targets.target import Place
from storage.records import stable_id

if TYPE_CHECKING:
    from learning.jobs import Job

REPORTS = (".json", ".png")  # a report's picture lies beside it, under the same name


@dataclass(frozen=True, slots=True)
class Shared:
    here: Path
    there: Path  # the same folder as the other machine calls it

    def pack(self, job: Job, run_dir: Path) -> Place:
        """The job's folder in there, with a job that names nothing outside. Raises OSError."""
        folder = self.here / "runs" / run_dir.name
        folder.mkdir(parents=True, exist_ok=True)
        for old in ("progress.jsonl", "result.json"):
            (folder / old).unlink(missing_ok=True)
        inputs: dict[str, Path] = {}
        outputs: dict[Path, Path] = {}

        def moved(value: Path) -> Path:
            if value == job.work_dir:
                return self.here / "work"
            if value.exists():
                if str(value) not in inputs:
                    inputs[str(value)] = self._laid_in(value)
                return inputs[str(value)]
            return outputs.setdefault(value, folder / "made" / value.name)

        told = _each_path(job.model_dump(), moved)
        for step in told["steps"]:
            if (base := Path(step["base"])).is_dir():
                step["base"] = str(moved(base))
        told = _each_path(told, self._as_seen_there)
        for step in told["steps"]:
            if Path(step["base"]).is_relative_to(self.here):
                step["base"] = str(self._as_seen_there(Path(step["base"])))
        (folder / "made").mkdir(exist_ok=True)
        packed = type(job).model_validate(told)
        (folder / "job.json").write_text(packed.model_dump_json(indent=2), encoding="utf-8")
        return Place(folder, partial(_bring_back, outputs))

    def remote(self, folder: Path) -> Path:
        return self._as_seen_there(folder)

    def _as_seen_there(self, path: Path) -> Path:
        return self.there / path.relative_to(self.here)

    def _laid_in(self, source: Path) -> Path:
        """Copied once: what a job reads never changes under its name and dates."""
        state = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in _files(source)]
        room = self.here / "inputs" / stable_id(str(source), *map(str, state))[:16]
        if not (room / source.name).exists():
            room.parent.mkdir(parents=True, exist_ok=True)
            half = room.with_name(f".{room.name}.{os.getpid()}")
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            _copy(source, half / source.name)
            shutil.rmtree(room, ignore_errors=True)
            half.rename(room)
        return room / source.name


def _each_path(value: Any, change: Callable[[Path], Path]) -> Any:
    if isinstance(value, Path):
        return change(value)
    if isinstance(value, dict):
        return {name: _each_path(part, change) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_each_path(part, change) for part in value]
    return value


def _bring_back(outputs: dict[Path, Path]) -> None:
    """Each whole or not at all: under another name first, then renamed."""
    for final, made in outputs.items():
        if made.suffix in REPORTS:
            made_too = [made.with_suffix(suffix) for suffix in REPORTS]
            wanted = [(one, final.with_name(one.name)) for one in made_too if one.exists()]
        else:
            wanted = [(made, final)] if made.exists() else []
        for source, target in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            half = target.with_name(f".{target.name}.unfinished")
            shutil.rmtree(half, ignore_errors=True)
            _copy(source, half)
            half.rename(target)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)
    for file in _files(target):
        with file.open("rb") as written:
            os.fsync(written.fileno())


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file())
    else:
        yield path
