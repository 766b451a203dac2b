"""What does the twin remember, what of it comes back to which ears, and what is done for it by the clock?"""

from __future__ import annotations

import asyncio
import logging

from brain.memory import EmbedderAway, Recall, Recaller
from storage.memories import MemoryStore
from storage.records import OWNER_ONLY, PUBLIC, Memory
from storage.unavailable import DatabaseUnavailable
from twin.build import Stores, build_embedder
from twin.errors import Told
from twin.settings import Settings

log = logging.getLogger(__name__)

AT_ONCE = 64  # texts that are embedded together
IDLE_SECONDS, AWAY_SECONDS = 5.0, 60.0
TIDY_SECONDS, BREATH_SECONDS = 60.0, 0.2  # writers have their turn between two pieces of it


async def search(
    stores: Stores, settings: Settings, words: str, chat: str | None, limit: int
) -> list[tuple[Memory, float]]:
    """What these words bring back in that chat ("platform:id"); without one, in the owner's own."""
    if not words.strip():
        raise Told("there are no words to search for", "twin memory search dinner in porto", exit_code=2)
    if chat is not None and ":" not in chat:
        raise Told(f"'{chat}' is no chat", "write platform:id, such as telegram:-100123", exit_code=2)
    audiences = {PUBLIC, chat} if chat else {PUBLIC, OWNER_ONLY}
    recaller = Recaller(stores.memories, Recall(), build_embedder(settings))
    return await recaller.for_anybody_in(words, audiences, limit)


async def tidy_by_the_clock(
    memories: MemoryStore, every: float = TIDY_SECONDS, breath: float = BREATH_SECONDS
) -> None:
    """For ever: what is remembered is found fast, also after a large import."""
    while True:
        more = False
        try:
            more = await memories.tidy()
        except DatabaseUnavailable as reason:
            log.error("the index of memories stays as it is for now: %s", reason)
        await asyncio.sleep(breath if more else every)


async def embed_by_the_clock(memories: MemoryStore, settings: Settings, every: float = IDLE_SECONDS) -> None:
    """For ever: what is remembered gets its meaning, where a model is set that says so."""
    embedder = build_embedder(settings)
    if embedder is None:
        return
    await memories.only_vectors_of(embedder.model)
    await memories.load_vectors()
    after = 0
    while True:
        try:
            waiting = await memories.without_vector(embedder.model, AT_ONCE, after)
            after = waiting[-1][0] if len(waiting) == AT_ONCE else 0
            if waiting:
                vectors = await embedder.embed([text for _, text in waiting])
                numbers = [number for number, _ in waiting]
                await memories.put_vectors(embedder.model, dict(zip(numbers, vectors, strict=True)))
            await asyncio.sleep(0 if after else every)
        except (EmbedderAway, DatabaseUnavailable) as reason:
            log.error("what memories mean is not known yet: %s", reason)
            await asyncio.sleep(AWAY_SECONDS)
