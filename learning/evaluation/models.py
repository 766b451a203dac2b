"""How are several adapters measured on one base model? It is loaded once, and they take turns on it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from learning.adapter_folder import other_base
from learning.base_model import load_base, with_adapter
from learning.failures import TrainingFailed


class Models:
    """A base and its adapters by role; None is the bare base. Raises TrainingFailed for a foreign adapter."""

    def __init__(self, base: str | Path, adapters: Mapping[str, Path | None]) -> None:
        self._folders = dict(adapters)
        self._model = load_base(base)
        self._names: dict[Path, str] = {}
        for folder in filter(None, adapters.values()):
            if folder not in self._names:
                self._load(folder, base)

    def _load(self, folder: Path, base: str | Path) -> None:
        if not self._names:
            self._model = with_adapter(self._model, folder)
            self._names[folder] = "default"
            return
        if wrong := other_base(folder, base):
            raise TrainingFailed(f"{folder.name} cannot be used: {wrong}.")
        self._names[folder] = f"adapter-{len(self._names)}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._model.load_adapter(str(folder), adapter_name=self._names[folder])

    def distinct(self) -> Iterator[tuple[list[str], Path | None]]:
        """Every adapter once, with the roles it has: live and base may be one and the same."""
        for folder in dict.fromkeys(self._folders.values()):
            yield [role for role, one in self._folders.items() if one == folder], folder

    @contextmanager
    def acting(self, folder: Path | None) -> Iterator[Any]:
        """The model as this adapter makes it."""
        if folder is not None:
            self._model.set_adapter(self._names[folder])
        if folder is None and self._names:
            with self._model.disable_adapter():
                yield self._model
        else:
            yield self._model
