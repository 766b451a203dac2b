"""What are pseudonymous people called in training? One placeholder, one made-up name, wherever it occurs.

Records carry <PERSON_3f2a> instead of a name. A model that trains on the placeholders says them in chats, so
they become names that read like any other and belong to nobody in particular.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files

PERSON = re.compile(r"<PERSON_[0-9A-Za-z]+>")
PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*(?:_[0-9A-Za-z]+)?>")

GIVEN = (files(__package__) / "names.txt").read_text(encoding="utf-8").split()


class Names:
    """Hands out names by placeholder; the same set of placeholders always gets the same names."""

    def __init__(self, placeholders: Iterable[str]) -> None:
        self._names: dict[str, str] = {}
        taken: set[str] = set()
        for placeholder in sorted(set(placeholders)):
            start = int.from_bytes(placeholder.encode(), "big") % len(GIVEN)
            choices = [*GIVEN[start:], *GIVEN[:start]]
            free = next((name for name in choices if name not in taken), f"{choices[0]}{len(taken)}")
            taken.add(free)
            self._names[placeholder] = free

    def of(self, author_id: str) -> str:
        """A speaker's name: a placeholder's made-up one; anything else is already readable."""
        return self._names.get(author_id, author_id)

    def spelled_out(self, text: str) -> str:
        return PERSON.sub(lambda found: self.of(found[0]), text)
