"""How much of a conversation has room in the model's context? Counted by the model's own tokenizer.

A text never has more tokens than it has bytes, so that what fits by its bytes needs no counting; that is
nearly always. Otherwise the model server counts (/tokenize), once for each text. See docs/decisions/0020.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from brain.model_client import ModelRefused, ModelUnavailable
from brain.prompt import Turn
from storage.cache import Cache
from storage.records import stable_id

log = logging.getLogger(__name__)

CUT = " […] "
FRAME_TOKENS = 24  # of the template, the situation and what follows them
TURN_TOKENS = 10  # the marks around one, and a name
PICTURE_TOKENS = 262  # Gemma 3 reads every picture as so many
STEPS = 4  # about every fourth turn may be the first one that is kept


class Counts(Protocol):
    async def context(self) -> int | None: ...

    async def count(self, text: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Fitted:
    turns: list[Turn]
    recalled: tuple[str, ...]
    tokens: int  # at most so many


class Budget:
    """`answer`: tokens that the reply may have. `base`: the model whose tokens they are."""

    def __init__(self, server: Counts, cache: Cache | None = None, *, answer: int, base: str = "") -> None:
        self._server = server
        self._cache = cache
        self._answer = answer
        self._base = base
        self._context: int | None = None
        self._asked = False

    async def fit(self, card: str, turns: Sequence[Turn], recalled: Sequence[str] = ()) -> Fitted:
        """The card and the last question always; then turns, newest first; then what is recalled.

        Whole turns are dropped, oldest first; one that is too long by itself is cut in its middle. When turns
        are dropped, a few more go than must, so that the prompt begins alike for several questions in a row.
        """
        room = await self._room()
        at_most = _bytes(card) + sum(map(_most, turns)) + sum(_bytes(one) + TURN_TOKENS for one in recalled)
        if room is None or at_most <= room:
            return Fitted(list(turns), tuple(recalled), at_most)
        left = room - await self._count(card)
        kept: list[Turn] = []
        asked = next((n for n in reversed(range(len(turns))) if not turns[n].ours), len(turns) - 1)
        for number in reversed(range(len(turns))):
            turn, share = turns[number], left if number >= asked else room // 2
            size = await self._size(turn)
            if size > share:
                turn, size = await self._cut(turn, max(share, 2 * TURN_TOKENS))
            if size > left and kept:
                break
            kept.insert(0, turn)
            left -= size
        if len(kept) < len(turns):
            left += await self._step(kept, room // 2)
        remembered: list[str] = []
        for one in recalled:
            size = await self._count(one) + TURN_TOKENS
            if size <= left:
                remembered.append(one)
                left -= size
        return Fitted(kept, tuple(remembered), room - left)

    async def _step(self, kept: list[Turn], least: int) -> int:
        """Drop up to the next turn that is a beginning for many questions; how much room that made."""
        sizes = [await self._size(turn) for turn in kept]
        made = 0
        while len(kept) > 1 and not _begins(kept[0]) and sum(sizes) - sizes[0] >= least:
            kept.pop(0)
            made += sizes.pop(0)
        return made

    async def _room(self) -> int | None:
        """Tokens for the prompt; None: nobody says how much there is."""
        if not self._asked:
            try:
                self._context = await self._server.context()
                self._asked = True
            except (ModelUnavailable, ModelRefused):
                return None
        return None if self._context is None else max(self._context - self._answer - FRAME_TOKENS, 1)

    async def _size(self, turn: Turn) -> int:
        return await self._count(turn.text) + _around(turn)

    async def _count(self, text: str) -> int:
        """By the server; where it cannot, the worst case."""
        key = f"twin:tokens:{stable_id(self._base, text)}"
        if self._cache and isinstance(known := await self._cache.get(key), int):
            return known
        try:
            tokens = await self._server.count(text)
        except (ModelUnavailable, ModelRefused) as reason:
            log.warning("tokens cannot be counted: %s", type(reason).__name__)
            return _bytes(text)
        if self._cache:
            await self._cache.set(key, tokens)
        return tokens

    async def _cut(self, turn: Turn, room: int) -> tuple[Turn, int]:
        """The beginning and the end of it, with a mark between, in so many tokens."""
        text, size = turn.text, await self._size(turn)
        letters = len(text)
        while size > room and letters > 1:
            letters = max(1, min(letters - 1, letters * (room - _around(turn)) // max(size, 1)))
            head = (2 * letters + 2) // 3
            text = turn.text[:head] + CUT + (turn.text[head - letters :] if letters > head else "")
            size = await self._count(text) + _around(turn)
        return replace(turn, text=text), size


def _begins(turn: Turn) -> bool:
    return int(stable_id(turn.speaker, turn.text), 16) % STEPS == 0


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace")) + 1


def _around(turn: Turn) -> int:
    name = 0 if turn.ours else len(turn.speaker.encode(errors="replace"))
    return TURN_TOKENS + min(name, 80) + PICTURE_TOKENS * len(turn.pictures)


def _most(turn: Turn) -> int:
    return _bytes(turn.text) + _around(turn)
