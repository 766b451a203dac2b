"""Who is known by name, and which placeholder stands for whom? One person, one placeholder."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from ingest.clean import well_formed
from ingest.source import Owner, Person
from ingest.words import EVERYDAY, NOBODY

_WORD = re.compile(r"\w+")
_GAP = re.compile(r"[ ._\u00a0-]{1,2}")  # what may stand between the words of one name


def fold(word: str) -> str:
    """Case and accents aside: what two spellings of one name have in common."""
    word = word.casefold()
    if word.isascii():
        return word
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter)
    )


class Roster:
    """Everybody the exports know, each under a placeholder such as <PERSON_3f2a>, made with the key."""

    def __init__(self, key: bytes, owner: Owner) -> None:
        if len(key) < 16:
            raise ValueError("the placeholder key needs at least 16 random bytes")
        self._key = key
        self._owner_name = owner.name.split()[0] if owner.name.split() else "me"
        self._owner_words = {
            fold(word) for name in (owner.name, *owner.aliases) for word in _WORD.findall(name)
        }
        self._owner_keys = {
            f"{platform}:{account}" for platform, all_ in owner.accounts.items() for account in all_
        }
        self._people: dict[
            str, str
        ] = {}  # a person's key, whichever platform -> the first key we met them under
        self._placeholders: dict[str, str] = {}  # first key -> placeholder
        self._taken: dict[str, str] = {}
        self._calls: dict[
            str, dict[tuple[str, ...], str]
        ] = {}  # first word -> the whole name, folded -> first key

    def learn(self, person: Person) -> None:
        """Know this person by these names from now on. A full name or handle already known joins the two."""
        key = well_formed(person.key)  # half an emoji is in no file and no hash
        if key in self._owner_keys:
            return
        names = [tuple(fold(word) for word in _WORD.findall(name)[:4]) for name in person.names]
        handles = [tuple(fold(word) for word in _WORD.findall(handle)) for handle in person.handles]
        whole = [name for name in names if len(name) > 1] + [handle for handle in handles if handle]
        first = self._people.get(key)
        if first is None:
            known = (self._calls.get(name[0], {}).get(name) for name in whole)
            first = next(filter(None, known), key)
            self._people[key] = first
        for name in whole:
            self._call(name, first)
        for name in names:
            for word in name:
                self._call((word,), first)

    def placeholder(self, person_key: str) -> str:
        """What stands for this person; for the owner it is the first name, which is no secret."""
        person_key = well_formed(person_key)
        if person_key in self._owner_keys:
            return self._owner_name
        return self._stand_in("PERSON", self._people.get(person_key, person_key))

    def by_handle(self, handle: str) -> str:
        """What stands for whoever goes by @handle."""
        words = tuple(fold(word) for word in _WORD.findall(handle))
        if words and all(word in self._owner_words for word in words):
            return self._owner_name
        first = self._calls.get(words[0], {}).get(words) if words else None
        return self._stand_in("PERSON", first or f"handle:{' '.join(words)}")

    def value(self, kind: str, value: str) -> str:
        """What stands for an address, a number and so on: the same value, the same placeholder."""
        return self._stand_in(kind, f"{kind}:{value}")

    def find(self, name: str) -> list[str]:
        """The placeholders a name may stand for: what "forget this person" asks."""
        words = tuple(fold(word) for word in _WORD.findall(name))
        first = self._calls.get(words[0], {}).get(words) if words else None
        return [self.placeholder(first)] if first else []

    def hide_names(self, text: str) -> str:
        """Replace every name the roster knows; the longest name that fits wins."""
        words = list(_WORD.finditer(text))
        out: list[str] = []
        done = at = 0
        while at < len(words):
            if hit := self._match(text, words, at):
                length, first, tail = hit
                out += text[done : words[at].start()], self.placeholder(first), tail
                done = words[at + length - 1].end()
                at += length
            else:
                at += 1
        return "".join([*out, text[done:]]) if out else text

    def _match(self, text: str, words: list[re.Match[str]], at: int) -> tuple[int, str, str] | None:
        word = fold(words[at][0])
        tail = ""
        calls = self._calls.get(word)
        if calls is None and word.endswith("s"):  # "anas place": chats do without the apostrophe
            calls = {name: first for name, first in self._calls.get(word[:-1], {}).items() if len(name) == 1}
            word, tail = word[:-1], "s"
        if not calls:
            return None
        for name, first in sorted(calls.items(), key=lambda call: -len(call[0])):
            span = words[at : at + len(name)]
            if len(span) < len(name) or tuple(fold(one[0]) for one in span[1:]) != name[1:]:
                continue
            if any(not _GAP.fullmatch(text, a.end(), b.start()) for a, b in pairwise(span)):
                continue
            if len(name) == 1 and not self._means_a_person(text, words[at], word):
                continue
            return len(name), first, tail
        return None

    @staticmethod
    def _means_a_person(text: str, match: re.Match[str], word: str) -> bool:
        if len(word) > 2 and word not in EVERYDAY:
            return True
        before = text[: match.start()].rstrip(" ")
        return match[0][0].isupper() and bool(before) and before[-1] not in ".!?\n:"

    def _call(self, name: tuple[str, ...], first: str) -> None:
        if all(
            word in NOBODY or word in self._owner_words or word.isdigit() or len(word) < 2 for word in name
        ):
            return
        self._calls.setdefault(name[0], {}).setdefault(name, first)

    def _stand_in(self, kind: str, what: str) -> str:
        if found := self._placeholders.get(what):
            return found
        digest = hmac.new(self._key, what.encode(), hashlib.sha256).hexdigest()
        length = 4
        while self._taken.setdefault(placeholder := f"<{kind}_{digest[:length]}>", what) != what:
            length += 2  # short reads better, and two people must never share one
        self._placeholders[what] = placeholder
        return placeholder

    def _state(self) -> Iterator[tuple[str, object]]:
        yield "people", self._people
        yield "placeholders", self._placeholders
        yield "calls", [[*name, first] for calls in self._calls.values() for name, first in calls.items()]

    def save(self, path: Path) -> None:
        """Keep it for the next source, readable by the owner alone: these are real names."""
        fresh = path.with_name(f"{path.name}.new")
        with open(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(dict(self._state()), file, ensure_ascii=False)
        fresh.replace(path)

    def load(self, path: Path) -> None:
        """Know what was saved; nothing happens when nothing was."""
        if not path.exists():
            return
        state = json.loads(path.read_text(encoding="utf-8"))
        self._people.update(state["people"])
        self._placeholders.update(state["placeholders"])
        self._taken.update({placeholder: what for what, placeholder in self._placeholders.items()})
        for *name, first in state["calls"]:
            self._calls.setdefault(name[0], {}).setdefault(tuple(name), first)
