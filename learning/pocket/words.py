"""Which words do the invented dialogues pick from? Reads words.txt."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Table:
    """Rows whose columns belong together, such as a country and its capital; one column may be `invented`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    invented: float = 0.0  # share of the picks that is a made-up word


class Words:
    """The picks of one topic: a word stays the same once picked, and a row is picked as a whole."""

    def __init__(self, chance: random.Random, **known: str) -> None:
        self._chance = chance
        self._picked = dict(known)

    def __call__(self, column: str) -> str:
        if column not in self._picked:
            table = tables()[column]
            if self._chance.random() < table.invented:
                self._picked[column] = made_up(self._chance)
            else:
                self._picked.update(zip(table.columns, self._chance.choice(table.rows), strict=True))
        return self._picked[column]


@cache
def tables() -> dict[str, Table]:
    """Each column's name -> its table."""
    read = [_table(heading, body) for heading, body in sections("words.txt")]
    return {column: table for table in read for column in table.columns}


@cache
def column(name: str) -> list[str]:
    """Every value of a column, in the order of the file, without repeats."""
    table = tables()[name]
    where = table.columns.index(name)
    return list(dict.fromkeys(row[where] for row in table.rows))


def made_up(chance: random.Random) -> str:
    """A word nobody has seen: it teaches the model to copy a name, not to choose among known ones."""
    syllables = chance.choice([1, 2, 2, 2])
    word = ""
    for _ in range(syllables):
        word += chance.choice(column("onset")) + chance.choice(column("vowel"))
        word += chance.choice(column("coda")) if chance.random() < 0.4 else ""
    return word.capitalize()


def sections(file: str) -> Iterator[tuple[str, list[str]]]:
    """The paragraphs of a data file: what follows "= ", and the lines under it."""
    heading, body = "", list[str]()
    for line in _lines(file):
        if line.startswith("= "):
            if heading:
                yield heading, body
            heading, body = line.removeprefix("= "), []
        else:
            body.append(line)
    yield heading, body


def _lines(file: str) -> list[str]:
    text = files(__package__).joinpath(file).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _table(heading: str, body: list[str]) -> Table:
    """One column of a comma-separated list, or a table's rows and columns; see the head of words.txt."""
    if "|" in heading:
        columns = tuple(name.strip() for name in heading.split("|") if name.strip())
        rows = tuple(tuple(cell.strip() for cell in line.split("|")) for line in body)
        return Table(columns, rows)
    name, _, share = heading.partition(", invented ")
    values = " ".join(body).split(",")
    return Table((name,), tuple((value.strip(),) for value in values), float(share or 0))
