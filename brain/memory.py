"""What does the twin recall right now, and for whom?

For whom is settled first (`audiences_of`): it is all that storage is asked for. Then words and meaning, who
said it, where and how long ago decide what is worth the place in the prompt. Nothing recalled is ever kept
again.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from storage.memories import Found, MemoryStore
from storage.records import OWNER_ONLY, PUBLIC, Memory, MemoryKind, Message

log = logging.getLogger(__name__)

WORD = re.compile(r"[^\W_]+")
ALIKE = 0.5  # share of the words of two questions that they have in common, to be like each other
COMMON, FEW = 0.02, 5  # a word in more of the memories than that share, and in more than so many, says little
REST_SECONDS = 30.0  # an embedder that failed is left alone for so long
EMBED_SECONDS = 0.5  # the longest that a message waits for it


class Embedder(Protocol):
    """Says what texts mean: a vector for each, all of one length."""

    model: str

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Raises EmbedderAway."""


class EmbedderAway(Exception):
    """It does not answer, or not with vectors."""


@dataclass(frozen=True, slots=True)
class Recall:
    """How much is recalled, and how like it has to be."""

    said: int = 6  # what was said, and facts
    examples: int = 2  # of how the owner answered
    min_match: float = 0.25
    min_similarity: float = 0.5
    half_life_days: float = 180.0


def audiences_of(message: Message) -> frozenset[str]:
    """Who hears the answer to this: what may be recalled for it is what all of them may hear.

    On Telegram "-100/7" is a topic of the group -100, "b77/42" the owner's own chat with 42.
    """
    places = [message.chat_id]
    if "/" in message.chat_id:
        places.append(next(part for part in message.chat_id.split("/") if not part.startswith("b")))
    found = {PUBLIC, *(f"{message.platform}:{place}" for place in places)}
    if message.private and message.by_owner and not message.as_owner:
        found.add(OWNER_ONLY)  # nobody else reads it
    return frozenset(found)


def words_of(text: str) -> list[str]:
    """What to look for, each once: letters and digits as every database knows them."""
    found = WORD.findall(unicodedata.normalize("NFC", text).casefold())
    return list(dict.fromkeys(word[:64] for word in found if word.isascii() or _is_old(word)))


def _is_old(word: str) -> bool:
    """Written in letters that every index of words knows to be letters: Unicode grows."""
    return all(unicodedata.ucd_3_2_0.category(one) != "Cn" for one in word)


class Recaller:
    def __init__(self, store: MemoryStore, recall: Recall, embedder: Embedder | None = None) -> None:
        self._store = store
        self._recall = recall
        self._embedder = embedder
        self._rests_until = 0.0

    async def for_answer(
        self, questions: Sequence[Message], in_view: Sequence[str] = (), known: Collection[str] = ()
    ) -> list[Memory]:
        """What helps to answer these, for those who will hear it: what was said, then examples.

        `in_view`: texts that are in the prompt already; `known`: keys of memories that are.
        """
        last = questions[-1]
        asked = "\n".join(question.text for question in questions)
        words = words_of(asked)
        found = await self._store.recall(
            _longest_first(words), audiences_of(last), kinds=self._kinds(), vector=await self._meaning(asked)
        )
        asked_keys = {question.key for question in questions}
        found = [one for one in found if not {one.memory.key, one.memory.about} & asked_keys]
        found = [one for one in found if one.memory.key not in known]
        said = [one for one in found if one.memory.answer is None and self._worth(one, words)]
        said = [one for one in said if not any(one.memory.text in text for text in in_view)]
        examples = [one for one in found if one.memory.answer and self._alike(one, words)]
        said.sort(key=lambda one: -self._score(one, last))
        examples.sort(key=lambda one: (-self._likeness(one, words), -one.memory.said_at.timestamp()))
        best = _each_once(examples)[: self._recall.examples]
        shown = {one.about for one in best}
        return [*[one for one in _each_once(said) if one.key not in shown][: self._recall.said], *best]

    async def for_anybody_in(
        self, text: str, audiences: Collection[str], limit: int = 20
    ) -> list[tuple[Memory, float]]:
        """What these words bring back for these ears, the best first, with how good it is."""
        words = words_of(text)
        found = await self._store.recall(
            _longest_first(words), audiences, vector=await self._meaning(text), limit=limit
        )
        good = [(one.memory, max(one.matched, one.similarity)) for one in found]
        return sorted(good, key=lambda pair: -pair[1])[:limit]

    def _kinds(self) -> list[MemoryKind]:
        kinds = [MemoryKind.SAID, MemoryKind.FACT] if self._recall.said else []
        return [*kinds, MemoryKind.EXAMPLE] if self._recall.examples else kinds

    async def _meaning(self, text: str) -> list[float] | None:
        """None where nobody says; an answer never waits long for it."""
        if self._embedder is None or not text.strip() or time.monotonic() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(EMBED_SECONDS):
                return (await self._embedder.embed([text]))[0]
        except (EmbedderAway, TimeoutError) as reason:
            log.warning("recalling by words alone for %.0f s: %s", REST_SECONDS, reason or "too slow")
            self._rests_until = time.monotonic() + REST_SECONDS
            return None

    def _worth(self, one: Found, words: Sequence[str]) -> bool:
        """Whether it is about what was asked, and says something that was not in the question."""
        telling = one.often <= max(FEW, COMMON * one.among) and one.matched >= self._recall.min_match
        if not telling and one.similarity < self._recall.min_similarity:
            return False
        return not set(words_of(one.memory.text)) <= set(words)

    def _alike(self, one: Found, words: Sequence[str]) -> bool:
        return one.similarity >= self._recall.min_similarity or self._likeness(one, words) >= ALIKE

    def _likeness(self, one: Found, words: Sequence[str]) -> float:
        theirs, ours = set(words_of(one.memory.text)), set(words)
        shared = len(theirs & ours) / max(1, len(theirs | ours))
        return max(shared, one.similarity)

    def _score(self, one: Found, last: Message) -> float:
        """Words and meaning first; then who said it, where, and how lately."""
        memory = one.memory
        about = max(one.matched, one.similarity) + 0.25 * min(one.matched, max(0.0, one.similarity))
        score = about * (0.85 + 0.15 * self._recency(memory.said_at, last.sent_at))
        score += 0.25 * (memory.by_owner or memory.kind is MemoryKind.FACT)
        score += 0.05 * (memory.thread == f"{last.platform}:{last.chat_id}")
        return score + 0.05 * (memory.speaker == f"{last.platform}:{last.author_id}")

    def _recency(self, said_at: datetime, asked_at: datetime) -> float:
        days = max(0.0, (asked_at - said_at).total_seconds() / 86400)
        return float(0.5 ** (days / self._recall.half_life_days))


def _longest_first(words: Sequence[str]) -> list[str]:
    """The store looks for so many and no more; short words say the least."""
    return sorted(words, key=lambda word: -len(word))


def _each_once(found: Sequence[Found]) -> list[Memory]:
    once = {(one.memory.text.casefold(), one.memory.answer): one.memory for one in reversed(found)}
    return [one.memory for one in found if once[one.memory.text.casefold(), one.memory.answer] is one.memory]
