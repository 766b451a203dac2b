"""What proves that something was forgotten? A file for people and one for machines, without what it was."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any

from storage.records import now
from twin.forgotten_words import ForgottenWords
from twin.home import Home
from twin.traces import in_words

ELSEWHERE = (
    "what you exported, merged or sent yourself (records, feedback, blind tests, models, other backups)",
    "chat apps and exports that still have it; a record that was forgotten does not come back with them",
)


def write_receipt(home: Home, receipt: dict[str, Any]) -> dict[str, Any]:
    """Keep it under the home; returns it with where that is."""
    at = now()
    home.receipts.mkdir(exist_ok=True)
    path = home.receipts / f"forgotten-{at:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}.json"
    receipt = {"at": at.isoformat(timespec="seconds"), "receipt": str(path), **receipt}
    path.write_text(json.dumps(receipt, indent=1, ensure_ascii=False), encoding="utf-8")
    lines = [f"Forgotten: {receipt['what']}, {at:%Y-%m-%d %H:%M} UTC, by {receipt['by']}", ""]
    lines += [f"{what}: {found}" for what, found in in_words(receipt)]
    path.with_suffix(".txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return receipt


def not_reached(home: Home, words: ForgottenWords, copies_left: Sequence[str] = ()) -> list[str]:
    """Where it may be all the same, and why."""
    found = [*ELSEWHERE]
    if (home.root / "roster.json").exists():
        found.append("the roster keeps names, so that the next export is pseudonymised with them, too")
    if home.settings_file.exists() and words.are_in(home.settings_file.read_text(encoding="utf-8")):
        found.append("twin.toml names them: that file is yours to change")
    found += [f"the copy {name} on Postgres is another user's: DROP SCHEMA it" for name in copies_left]
    return found
