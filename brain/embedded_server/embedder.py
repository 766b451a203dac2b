"""What does a text mean, without a server? A sentence-transformer in this process, if one is set."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from brain.memory import EmbedderAway


class LocalEmbedder:
    """`model`: a folder, or a name on the hub. Loaded when it is first asked, in a thread."""

    def __init__(self, model: str) -> None:
        self.model = model
        self._loaded: Any = None
        self._one_at_a_time = asyncio.Lock()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._embed, list(texts))

    async def aclose(self) -> None:
        """Nothing is open."""

    def _embed(self, texts: list[str]) -> list[list[float]]:
        try:
            if self._loaded is None:
                from sentence_transformers import SentenceTransformer

                self._loaded = SentenceTransformer(self.model)
            vectors: list[list[float]] = self._loaded.encode(texts, normalize_embeddings=True).tolist()
        except ImportError as problem:
            raise EmbedderAway(
                "sentence-transformers is not installed: pip install 'twin[evaluate]'"
            ) from problem
        except (OSError, ValueError, RuntimeError) as problem:
            raise EmbedderAway(f"{self.model} cannot be used: {problem}") from problem
        return vectors
