"""How do tokens become text while they are still coming, and where does a stop string end it?"""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream


class TextStream:
    """Turns one answer's tokens into pieces of text that add up to the whole.

    A character spread over several tokens comes out when it is complete. As long as a stop string might be
    beginning, its letters are held back, so that no reader ever sees a part of one.
    """

    def __init__(self, tokenizer: Tokenizer, prompt_ids: Sequence[int], stops: Sequence[str]) -> None:
        self.stopped_by: str | None = None
        self._tokenizer = tokenizer
        # What stands before decides how the first token reads: " word" or "word".
        self._decoder = DecodeStream(ids=list(prompt_ids), skip_special_tokens=True)
        self._stops = [stop for stop in stops if stop]
        self._held_back = max((len(stop) for stop in self._stops), default=1) - 1
        self._text = ""
        self._given = 0

    def push(self, token_id: int) -> str:
        """The text that may be shown now. Sets `stopped_by` when a stop string is complete."""
        begun = len(self._text)
        self._text += self._decode(token_id)
        self._cut_at_stop(begun)
        return self._give(0 if self.stopped_by else self._held_back)

    def finish(self) -> str:
        """What was still held back."""
        return self._give(0)

    def _decode(self, token_id: int) -> str:
        try:
            return self._decoder.step(self._tokenizer, token_id) or ""
        except Exception as error:
            # The library has no class of its own for this. Some byte tokens in a row are no text at all and
            # upset the decoder for good; a fresh one carries on behind them.
            if not str(error).startswith("Invalid prefix"):
                raise
            self._decoder = DecodeStream(skip_special_tokens=True)
            return self._decoder.step(self._tokenizer, token_id) or ""

    def _cut_at_stop(self, begun: int) -> None:
        found = [
            (at + len(stop), at, stop)
            for stop in self._stops
            if (at := self._text.find(stop, max(0, begun - len(stop) + 1))) >= 0
        ]
        if found:
            _, at, self.stopped_by = min(found)
            self._text = self._text[:at]

    def _give(self, hold: int) -> str:
        end = max(self._given, len(self._text) - hold)
        piece = self._text[self._given : end]
        self._given = end
        return piece
