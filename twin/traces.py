"""Where has something left its traces, and how is that told? What `twin forget` finds, in words, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from learning.lineage import Taught
from storage.records import Adapter, Message, Record


@dataclass(frozen=True, slots=True)
class Traces:
    """Where it is found. With `everything`, all snapshots, preference sets, messages and facts are meant."""

    what: str
    records: Sequence[Record]
    messages: Sequence[Message] = ()  # said by the person
    heard: Sequence[Message] = ()  # replies to others whose prompt holds their words, or the record
    accounts: Sequence[str] = ()  # "platform:id" of the person
    snapshots: dict[str, list[str]] = field(default_factory=dict)
    preferences: dict[str, list[str]] = field(default_factory=dict)
    adapters: Sequence[Taught] = ()
    memories: int = 0  # what could be recalled of it
    untraceable: Sequence[Adapter] = ()  # their snapshot is gone, so nobody can tell
    everything: bool = False

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
    ]
