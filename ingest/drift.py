"""Which fields does a source have that its reader does not know? Counted by name and type, never by value.

Formats grow without a word. A reader declares beside itself what it knows, whether it reads that or leaves it
on purpose; whatever else turns up is told in the ledger. It is no error: the record is read all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_FIELDS = 200  # of one source; the following ones are counted together
MAX_INSIDE = 20  # elements of a list that are looked at
NAMELESS = "(a name that cannot be shown)"
MORE = "(more fields)"

_NAME = re.compile(r"(?!.*\d{5})[^\W\d_][\w .:/()-]{0,59}|[_@$][\w.:/-]{1,59}(?<!\d{5})")
_WORD = re.compile(r"(?!\w*\d{5})\w{1,40}", re.ASCII)
_TYPES = {str: "text", bool: "yes or no", int: "number", float: "number", list: "list", dict: "object"}

_BEGINS = {'"': "text", "{": "object", "[": "list", "t": "yes or no", "f": "yes or no", "n": "nothing"}


@dataclass(frozen=True, slots=True)
class UnknownField:
    """A field of one kind of item, and in how many of them it was; `type` is that of the first value."""

    where: str
    field: str
    count: int
    type: str

    def __str__(self) -> str:
        return f"{self.where} {self.field} ({self.type})".strip()

    def as_json(self) -> dict[str, str | int]:
        return {"where": self.where, "field": self.field, "count": self.count, "type": self.type}


@dataclass(frozen=True, slots=True)
class Known:
    """The fields of one kind of item; of some of them what is inside, or which values the format has."""

    fields: frozenset[str]
    inside: tuple[tuple[str, Known], ...] = ()
    values: tuple[tuple[str, frozenset[Any]], ...] = ()


def known(
    fields: str | Iterable[str], values: Mapping[str, str | Iterable[Any]] | None = None, **inside: Known
) -> Known:
    """Names in one string, with blanks between; those in `values` and `inside` need not be named again."""
    named = fields.split() if isinstance(fields, str) else fields
    words = tuple(
        (name, frozenset(all_of.split() if isinstance(all_of, str) else all_of))
        for name, all_of in (values or {}).items()
    )
    return Known(frozenset((*named, *inside, *dict(words))), tuple(inside.items()), words)


class Drift:
    """The unknown fields of one reading, in bounded memory. A field's place is a kind of item, not a file."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], UnknownField] = {}

    def look(self, where: str, item: Any, what: Known) -> None:
        """At one item: a set comparison, unless something is new. Of a list, at its first elements."""
        if isinstance(item, list):
            for one in item[:MAX_INSIDE]:
                if isinstance(one, dict):
                    self.look(where, one, what)
            return
        if not isinstance(item, dict):
            return
        if not item.keys() <= what.fields:
            for name in sorted(item.keys() - what.fields):
                self.add(where, name, _TYPES.get(type(item[name]), "nothing"))
        for name, inner in what.inside:
            if value := item.get(name):
                self.look(f"{where}.{name}", value, inner)
        for name, all_of in what.values:
            value = item.get(name)
            if isinstance(value, (str, int)) and value not in all_of:
                self.kind(where, name, str(value))

    def passed_over(self, where: str, field: str, begins: str) -> None:
        """A field whose JSON value nobody decoded; `begins` is its first character."""
        self.add(where, field, _BEGINS.get(begins, "number"))

    def kind(self, where: str, field: str, value: str) -> None:
        """A kind that the format did not have. It is a word of the format, if it is a word at all."""
        self._count(where, f"{field} = {value if _WORD.fullmatch(value) else '(another)'}", "kind")

    def add(self, where: str, field: str, type: str) -> None:
        """One more of this. A name that may itself be private (a number, an address) is not repeated."""
        self._count(where, field if _NAME.fullmatch(field) else NAMELESS, type)

    def _count(self, where: str, field: str, type: str) -> None:
        if (where, field) not in self._found and len(self._found) >= MAX_FIELDS:
            where, field, type = "", MORE, "several"
        before = self._found.get((where, field))
        count = before.count + 1 if before else 1
        self._found[where, field] = UnknownField(where, field, count, before.type if before else type)

    def found(self) -> list[UnknownField]:
        """By place and name."""
        return [self._found[key] for key in sorted(self._found)]
