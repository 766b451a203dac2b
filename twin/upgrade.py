"""Brings the database up to date and says so; every other command would do it, too, without a word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storage import schema
from twin.build import open_stores
from twin.home import Home
from twin.settings import Settings


@dataclass(frozen=True, slots=True)
class Upgraded:
    """`before` None: it was empty. `copy`: a file or a schema as it was; None where nothing changed."""

    database: str
    before: str | None
    after: str
    copy: Path | str | None

    def in_words(self) -> str:
        if self.before == self.after:
            return f"{self.database} is up to date (schema {self.after})"
        kept = f"; as it was, it is kept in {self.copy}" if self.copy else ""
        return f"{self.database} was led from {self.before or 'nothing'} to schema {self.after}{kept}"


async def upgrade(home: Home, settings: Settings) -> Upgraded:
    """Steps are taken all or none, by one process at a time."""
    async with open_stores(home, settings) as stores:
        database = stores.database
        return Upgraded(database.name, database.revision, schema.newest(), database.kept)
