"""Has this very export been read already, by these very rules? Then the ledger of that time is told again."""

from __future__ import annotations

import asyncio
import hashlib
import json
from functools import cache
from pathlib import Path

from ingest.changed_files import State, examine
from ingest.ledger import Ledger
from ingest.source import Owner
from storage.cursors import CursorStore
from storage.records import READ_EXPORTS, Cursor, now

_MOVES_ON = {"git"}  # a work tree can stay as it is while the repository, wherever it lies, does not


class KnownExport:
    """One export and what is remembered of it: what was in it, what it was read by, what came of it.

    What it is read by: whose it is, the key and the names of the placeholders, and the code of this folder. A
    name learned since, from another export, must be hidden in this one too, so it is read again then.
    """

    def __init__(
        self, cursors: CursorStore, source: str, path: Path, owner: Owner, key: bytes, roster: Path | None
    ) -> None:
        self._cursors, self._source, self._path = cursors, source, path.resolve()
        self._owner, self._key, self._roster = owner, key, roster
        self._container = f"{source} {self._path}"
        self._state: State | None = None

    async def told_before(self, again: bool = False) -> Ledger | None:
        """The ledger of last time, all of it merged; None when it is to be read."""
        if self._source in _MOVES_ON:
            return None
        cursor = await self._cursors.get(READ_EXPORTS, self._container)
        value = cursor.value if cursor else {}
        last = State(value["look"], value["words"]) if value and not again else None
        try:
            self._state, changed = await asyncio.to_thread(examine, self._path, last)
        except OSError:
            return None  # the reader will say what is wrong
        if changed or value["rules"] != await asyncio.to_thread(self._rules):
            return None
        return Ledger.told_again(value["ledger"])

    async def remember(self, ledger: Ledger) -> None:
        """As it was when we looked: what was written since will show as a change."""
        if self._state:
            rules = await asyncio.to_thread(self._rules)
            about = {"look": self._state.look, "words": self._state.words, "rules": rules}
            value = about | {"ledger": ledger.as_json()}
            await self._cursors.put(Cursor(READ_EXPORTS, self._container, value, now()))

    def _rules(self) -> str:
        digest = hashlib.blake2b(f"{_code()}{self._owner!r}".encode(), digest_size=16, key=self._key[:64])
        if self._roster and self._roster.exists():
            names = json.loads(self._roster.read_text(encoding="utf-8"))
            names.pop("placeholders", None)  # made from the key whenever they are wanted
            digest.update(json.dumps(names, sort_keys=True).encode())
        return digest.hexdigest()


@cache
def _code() -> str:
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
