"""Does a model of authorship take the twin for the owner? Only where one is configured.

LUAR (Rivera-Soto et al. 2021) as a sentence-transformer: a set of texts by one author becomes one vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from learning.evaluation.uncertainty import interval, resamples
from learning.failures import TrainingFailed


class Authorship:
    """Loaded when it is first needed. Raises TrainingFailed when the library or the folder is missing."""

    def __init__(self, folder: Path) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as missing:
            raise TrainingFailed(
                "authorship_model needs sentence-transformers: pip install 'twin[evaluate]'."
            ) from missing
        if not (folder / "modules.json").exists():
            raise TrainingFailed(f"{folder} is no sentence-transformer: modules.json is missing.")
        self._model = SentenceTransformer(str(folder), local_files_only=True)

    def similarity(self, owner: Sequence[str], replies: Sequence[str], seed: int) -> dict[str, float] | None:
        """Cosine of the two mean vectors (1: the same author), with a 95 % interval over the replies."""
        if not owner or not replies:
            return None
        centre = self._vectors(owner).mean(0)
        centre /= numpy.linalg.norm(centre)
        theirs = self._vectors(replies)
        drawn = resamples(range(len(replies)), seed) @ theirs
        means = numpy.vstack([theirs.sum(0), drawn])
        found = (means @ centre) / numpy.maximum(1e-9, numpy.linalg.norm(means, axis=1))
        return {"similarity": float(found[0]), **interval(found[1:])}

    def _vectors(self, texts: Sequence[str]) -> Any:
        return numpy.asarray(self._model.encode(list(texts), normalize_embeddings=True), dtype=float)
