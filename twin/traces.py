"""Where has something left its traces, and how is that told? What `twin forget` finds, in words, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from learning.lineage import TELLING, Taught
from storage.records import Adapter, Message, Record

MARK = "Learned from something that was forgotten."


@dataclass(frozen=True, slots=True)
class Traces:
    """Where it is found. With `everything`, all snapshots, preference sets, messages and facts are meant."""

    what: str
    records: Sequence[Record]
    messages: Sequence[Message] = ()  # said by the person
    heard: Sequence[Message] = ()  # replies to others whose prompt holds their words, or the record
    stands_for: Mapping[str, str] = field(default_factory=dict)  # "platform:id" of the person -> placeholder
    places: Sequence[str] = ()  # "platform:chat" of the chats that only they and we read
    placeholders: Sequence[str] = ()
    only_said: bool = False  # what they said themselves, and not what others said of them
    snapshots: dict[str, list[str]] = field(default_factory=dict)
    preferences: dict[str, list[str]] = field(default_factory=dict)
    adapters: Sequence[Taught] = ()
    memories: int = 0  # what could be recalled of it
    untraceable: Sequence[Adapter] = ()  # their snapshot is gone, so nobody can tell
    everything: bool = False

    @property
    def accounts(self) -> list[str]:
        return list(self.stands_for)

    @property
    def lines(self) -> set[str]:
        """What they said, line by line, where it is long enough to be theirs."""
        said = {line.strip() for text in self.words for line in text.splitlines()}
        return {line for line in said if len(line) >= TELLING}

    @property
    def words(self) -> list[str]:
        """What was said, to be looked for wherever texts are written down."""
        said = [record.text for record in self.records] + [message.text for message in self.messages]
        return [text for text in said if text]

    def receipt(self, done: bool, rewritten: Mapping[str, str | None] | None = None) -> dict[str, Any]:
        """`rewritten`: what `forget` returned."""
        return {
            "what": self.what,
            "done": done,
            "records": len(self.records),
            "messages": len(self.messages),
            "memories": self.memories,
            "answers_made_with_their_words_in_view": len(self.heard),
            "snapshots": {name: len(samples) for name, samples in self.snapshots.items()},
            "preferences": {name: len(samples) for name, samples in self.preferences.items()},
            "rewritten": dict(rewritten or {}),
            "adapters": [
                {
                    "version": one.adapter.version,
                    "state": str(one.adapter.state),
                    "samples": one.samples,
                    "through": one.through,
                }
                for one in self.adapters
            ],
            "untraceable_adapters": [adapter.version for adapter in self.untraceable],
        }


def in_words(receipt: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows of a table for people."""
    sets = {place: receipt[place] for place in ("snapshots", "preferences")}
    adapters = [
        f"{one['version']} ({one['state']}, {one['samples'] or 'through ' + str(one['through'])})"
        for one in receipt["adapters"]
    ]
    return [
        ("records", str(receipt["records"])),
        ("messages they sent", str(receipt["messages"])),
        ("memories", str(receipt["memories"])),
        ("answers made with their words in view", str(receipt["answers_made_with_their_words_in_view"])),
        *(
            (place, ", ".join(f"{name} ({samples} samples)" for name, samples in found.items()) or "-")
            for place, found in sets.items()
        ),
        *(
            (f"preference set {old}", f"is now {new}" if new else "is gone: nothing else was in it")
            for old, new in receipt["rewritten"].items()
        ),
        ("adapters that learned from it", ", ".join(adapters) or "-"),
        ("adapters whose snapshot is gone", ", ".join(receipt["untraceable_adapters"]) or "-"),
        *(_done(receipt) if receipt["done"] else ()),
    ]


def _done(receipt: dict[str, Any]) -> list[tuple[str, str]]:
    kept = [f"{name} (gone by {by})" for name, by in receipt["backups"].items()]
    rows = [f"{table} {count}" for table, count in receipt["rows"].items()]
    texts = [f"{column} {count}" for column, count in receipt["texts_cleaned"].items()]
    return [
        ("rows removed", ", ".join(rows) or "-"),
        ("texts of others that named or quoted them", ", ".join(texts) or "-"),
        ("files removed", ", ".join(receipt["files_removed"]) or "-"),
        ("files rewritten", ", ".join(receipt["files_rewritten"]) or "-"),
        ("trainings stopped", ", ".join(receipt["stopped_runs"]) or "-"),
        ("answers now", receipt["answers_now"] or "the base model"),
        ("learns anew", receipt["retrain"] or "nothing to learn anew"),
        ("vault", receipt["vault"]),
        ("backups that may still hold it", ", ".join(kept) or "-"),
        ("backups removed", ", ".join(receipt["backups_removed"]) or "-"),
        ("database file scrubbed", "yes" if receipt["database_scrubbed"] else "not yet: somebody reads it"),
        *(("not reached", what) for what in receipt["not_reached"]),
    ]
