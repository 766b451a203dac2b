"""Who says what a text means? A server with /v1/embeddings; or, by setting, a model loaded here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from brain.cached import Cached
from brain.memory import Embedder, EmbedderAway
from brain.model_client import ModelClient, ModelRefused, ModelUnavailable

LONGEST = 2000  # characters of a text that are looked at


class ServedEmbedder:
    """An embedding model behind an OpenAI-compatible server, vLLM among them."""

    def __init__(self, url: str, model: str, timeout: float = 30.0) -> None:
        self.model = model
        self._client = ModelClient(url, timeout=timeout)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        try:
            vectors = await self._client.embed(self.model, [text[:LONGEST] for text in texts])
        except (ModelUnavailable, ModelRefused) as problem:
            raise EmbedderAway(str(problem)) from problem
        except (ValueError, KeyError, TypeError) as problem:
            raise EmbedderAway(f"the embedding server does not answer with vectors: {problem!r}") from problem
        if len(vectors) != len(texts):
            raise EmbedderAway(f"{len(vectors)} vectors came for {len(texts)} texts")
        return vectors

    async def aclose(self) -> None:
        await self._client.aclose()


class CachedEmbedder:
    """For questions: who is asked the same again knows already what it means, and asks nobody."""

    def __init__(self, embedder: Embedder, cached: Cached) -> None:
        self.model = embedder.model
        self._embedder = embedder
        self._cached = cached

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [await self._cached.vector(text, self.model, partial(self._one, text)) for text in texts]

    async def _one(self, text: str) -> list[float]:
        return (await self._embedder.embed([text]))[0]
