"""What was measured before of a model that cannot have changed? An adapter is immutable, so it still holds.

Every cycle measures the bare base and the live adapter beside its candidate, on nearly the same rows as the
cycle before. What is known by the weights, the question and the libraries is not computed again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
import transformers

from learning.adapter_folder import CONFIG, WEIGHTS, base_identity, sha256
from learning.base_model import on_gpu

AGE = 1  # counted up when something else is measured under the same name
NEWEST = 160  # files are kept: those of a few adapters

T = TypeVar("T")


class Remembered:
    def __init__(self, folder: Path | None, base: str | Path, adapter: Path | None) -> None:
        """Of one adapter (None: the bare base), in this folder; None: nothing is remembered.

        Neither is anything of a base whose files are not at hand: its name says little.
        """
        weights = base_identity(base)["fingerprint"]
        self._folder = folder if weights else None
        place = torch.cuda.get_device_name() if on_gpu() else f"cpu, {torch.get_num_threads()}"
        learned = [sha256(adapter / name) for name in (WEIGHTS, CONFIG)] if adapter else []
        self._model = [AGE, weights, *learned, place, torch.__version__, transformers.__version__]

    def of(self, what: str, asked: Any, measure: Callable[[], T]) -> T:
        """What `measure` returns, which goes through JSON unharmed, for this question (JSON, too)."""
        if self._folder is None:
            return measure()
        question = json.dumps([self._model, what, asked], sort_keys=True)
        file = self._folder / f"{hashlib.sha256(question.encode()).hexdigest()[:24]}.json"
        try:
            found: T = json.loads(file.read_text(encoding="utf-8"))
            os.utime(file)
        except (OSError, ValueError):
            found = measure()
            self._keep(file, found)
        return found

    def _keep(self, file: Path, found: object) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        unfinished.rename(file)
        ages = sorted((one.stat().st_mtime, one) for one in file.parent.glob("*.json"))
        for _, old in ages[:-NEWEST]:
            old.unlink(missing_ok=True)
