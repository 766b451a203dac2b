"""Where does a killed training go on? At the last whole checkpoint of that very training, and of no other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from learning.adapter_folder import base_identity, sha256
from learning.recipes import Recipe


def last_checkpoint(
    work_dir: Path,
    data_dir: Path,
    recipe: Recipe,
    base: str | Path,
    parent: Path | None,
    *,
    clear: bool = True,
    **more: Any,
) -> Path | None:
    """The last whole checkpoint in `work_dir`, or None to begin at the beginning.

    With `clear`, what another training or a sudden end left there is removed: one of several processes does
    so, before the others look. `more`: what else, as JSON, makes it another training.
    """
    job = {
        "recipe": recipe.model_dump(mode="json"),
        "base": base_identity(base),
        "parent": parent.name if parent else None,
        "data": [sha256(data_dir / name) for name in ("train.jsonl", "validation.jsonl")],
        **more,
    }
    note = work_dir / "job.json"
    if clear and (not note.exists() or json.loads(note.read_text(encoding="utf-8")) != job):
        shutil.rmtree(work_dir, ignore_errors=True)
        work_dir.mkdir(parents=True)
        note.write_text(json.dumps(job), encoding="utf-8")
    whole = []
    for folder in sorted(work_dir.glob("checkpoint-*"), key=lambda folder: int(folder.name.split("-")[1])):
        try:  # the trainer writes this file last
            json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))
            whole.append(folder)
        except (OSError, ValueError):
            if clear:
                shutil.rmtree(folder)
    return whole[-1] if whole else None
