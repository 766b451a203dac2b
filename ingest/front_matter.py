"""What does the header of a Markdown page say? Its lines are read one by one, not as YAML.

A YAML reader loses a whole header to one tab, one quote or a date such as the 30th of February; here a bad
line costs itself. What does not look like a header at all (two rules and prose between) stays in the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ingest.days import Period, period

_HEADER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_MAX_HEADER = 1 << 16
_KEY = re.compile(r"(?P<key>[^\W\d_][\w .-]{0,60}?)[ \t]*:(?:[ \t]+(?P<value>.*)|[ \t]*)")
_INDENTED = re.compile(r"[ \t]+\S|-(?:[ \t]|$)|[\]}#]")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)")
_DATES = ("created", "date", "day", "created at", "date created", "creation date", "created time")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """`body` is the page without its header and begins on line `first_line` of the file."""

    body: str
    first_line: int = 1
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def one(self, *keys: str) -> str:
        """The first of these that has a value; empty when none has."""
        return next((self.fields[key][0] for key in keys if self.fields.get(key)), "")

    @property
    def tags(self) -> tuple[str, ...]:
        found = [*self.fields.get("tags", ()), *self.fields.get("tag", ())]
        words = (word.strip(" '\"#\t[]").lower() for value in found for word in re.split(r"[,\n]", value))
        return tuple(dict.fromkeys(word for word in words if word and len(word) <= 40))[:20]

    def when(self, *keys: str) -> tuple[Period | None, datetime | None]:
        """The day it names, and the exact time where it names one. The first key that can be read wins."""
        for key in keys or _DATES:
            for value in self.fields.get(key, ())[:1]:
                found, at = written_time(value)
                if found:
                    return found, at
        return None, None


def split(text: str) -> FrontMatter:
    """Header and body of a page whose line ends are plain."""
    header = _HEADER.match(text[:_MAX_HEADER])
    if not header:
        return FrontMatter(text)
    lines = [line for line in header[1].split("\n") if line.strip()]
    known = [line for line in lines if _KEY.fullmatch(line) or _INDENTED.match(line)]
    if not any(_KEY.fullmatch(line) for line in lines) or len(known) * 2 < len(lines):
        return FrontMatter(text)
    return FrontMatter(text[header.end() :], header[0].count("\n") + 1, _fields(lines))


def _fields(lines: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    key = ""
    for line in lines:
        if (pair := _KEY.fullmatch(line)) and not line.startswith((" ", "\t")):
            key = re.sub(r"[_-]", " ", pair["key"]).lower()
            found[key] = _values(pair["value"] or "")
        elif (item := _ITEM.fullmatch(line)) and key:
            found[key] += _values(item[1])
    return {key: tuple(values) for key, values in found.items()}


def _values(written: str) -> list[str]:
    written = written.strip()
    if written.startswith("[") and written.endswith("]") and not written.startswith("[["):
        return [one for part in written[1:-1].split(",") if (one := _unquoted(part))]
    return [one] if (one := _unquoted(written)) else []


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    elif " #" in value:
        value = value.partition(" #")[0]
    return value.strip().removeprefix("[[").removesuffix("]]").strip()


def written_time(value: str) -> tuple[Period | None, datetime | None]:
    """A day, and the exact time if one is written with it."""
    try:
        exact = datetime.fromisoformat(value)
    except ValueError:
        return period(value), None
    return period(exact.date().isoformat()), exact if len(value) > 10 else None
