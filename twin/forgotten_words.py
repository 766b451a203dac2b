"""Is something of what is forgotten in this text, and what does the text say without it?

Names are known as the roster knows them. Words are somebody's own from a length on that nobody else says by
chance.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from ingest.roster import Roster

SOMEBODY = "somebody"
GONE = "[forgotten]"
TELLING = 24  # characters, and four words: shorter lines are said by many
SHINGLE = 4
_WORD = re.compile(r"\w+")


class ForgottenWords:
    def __init__(self, roster: Roster, placeholders: Iterable[str], texts: Iterable[str]) -> None:
        self._names = [(placeholder, roster.only(placeholder)) for placeholder in placeholders]
        self._lines: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for text in texts:
            for line in (text.strip(), *map(str.strip, text.splitlines())):
                words = _WORD.findall(line)
                if len(line) >= TELLING and len(words) >= SHINGLE:
                    self._lines[tuple(words[:SHINGLE])].add(line)

    def clean(self, text: str) -> str:
        """The same text where nothing of it is in there."""
        for line in sorted(self._said_in(text), key=len, reverse=True):
            text = text.replace(line, GONE)
        return self.without_names(text)

    def without_names(self, text: str) -> str:
        for placeholder, alone in self._names:
            hidden = alone.hide_names(text)
            if hidden != text or placeholder in text:
                text = hidden.replace(placeholder, SOMEBODY)
        return text

    def are_in(self, text: str) -> bool:
        return self.clean(text) != text

    def _said_in(self, text: str) -> Iterator[str]:
        """Found by four words in a row, however many lines there are to look for."""
        words = _WORD.findall(text) if self._lines else ()
        for at in range(len(words) - SHINGLE + 1):
            yield from (line for line in self._lines.get(tuple(words[at : at + SHINGLE]), ()) if line in text)
