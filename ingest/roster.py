"""Who is known by name, and which placeholder stands for whom? One person, one placeholder."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from ingest.clean import well_formed
from ingest.source import Owner, Person
from ingest.spellings import OTHER_SCRIPT, WORD, Spellings, fold
from ingest.words import EVERYDAY, NOBODY

_GAP = re.compile(r"[ ._\u00a0-]{0,2}")  # what may stand between the words of one name
_TOKEN = re.compile(
    f"<[A-Z]{{2,12}}_[0-9a-f]{{4,}}>|{WORD.pattern}"
)  # a placeholder is one, and nobody's name
_HASHTAG = re.compile(r"(?<=#)[^\W\d_]{6,60}")
# What follows a name, and no other word, at the start of a sentence.
_DOES = re.compile(
    r" (?:said|says|told|called|texted|asked|thinks|wants|knows|and [A-Z]|u |you |where |what )|,? ?[?]"
)
_ARABIC_LETTERS = {"ا": "[اأإآ]", "أ": "[اأإآ]", "إ": "[اأإآ]", "ة": "[ةه]", "ى": "[ىي]", "ي": "[ىي]"}


class _Hits(dict[str, tuple[str, str] | None]):
    """Written word -> the word of a name it is. Chats repeat themselves: most words are looked up once."""

    def __init__(self, spellings: Spellings) -> None:
        self._spellings = spellings

    def __missing__(self, written: str) -> tuple[str, str] | None:
        if len(self) > 200_000:
            self.clear()
        hit = self[written] = self._spellings.find(written)
        return hit


class Roster:
    """Everybody the exports know, each under a placeholder such as <PERSON_3f2a>, made with the key."""

    def __init__(self, key: bytes, owner: Owner, keep: Callable[[str, str], None] | None = None) -> None:
        """`keep` is told each placeholder and what it stands for: the owner's vault, when there is one."""
        if len(key) < 16:
            raise ValueError("the placeholder key needs at least 16 random bytes")
        self._key = key
        self._keep = keep
        self._owner_name = owner.name.split()[0] if owner.name.split() else "me"
        self._owner_words = {
            fold(word) for name in (owner.name, *owner.aliases) for word in WORD.findall(name)
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
        self._glued: dict[str, str] = {}  # a name in a script without word ends -> first key
        self._find_glued: re.Pattern[str] | None = None
        self._spellings = Spellings(owner.languages)
        self._hits = _Hits(self._spellings)

    def learn(self, person: Person) -> None:
        """Know this person by these names from now on. A full name or handle already known joins the two."""
        key = well_formed(person.key)  # half an emoji is in no file and no hash
        if key in self._owner_keys:
            return
        names = [tuple(fold(word) for word in WORD.findall(name)[:4]) for name in person.names]
        handles = [tuple(fold(word) for word in WORD.findall(handle)) for handle in person.handles]
        whole = [name for name in names if len(name) > 1] + [handle for handle in handles if handle]
        first = self._people.get(key)
        if first is None:
            known = (self._calls.get(name[0], {}).get(name) for name in whole)
            first = next(filter(None, known), key)
            self._people[key] = first
        if self._keep:
            for called in (*person.names, *person.handles):
                self._keep(self.placeholder(first), called)
        declines = any("\u0400" <= letter <= "\u052f" for name in person.names for letter in name)
        for name in whole:
            self._call(name, first, declines)
        for name in names:
            for word in name:
                self._call((word,), first, declines)
        for spelt in filter(OTHER_SCRIPT.search, person.names):
            for part in _parts(spelt):
                self._glued.setdefault(part, first)
                self._find_glued = None

    def placeholder(self, person_key: str) -> str:
        """What stands for this person; for the owner it is the first name, which is no secret."""
        person_key = well_formed(person_key)
        if person_key in self._owner_keys:
            return self._owner_name
        return self._stand_in("PERSON", self._people.get(person_key, person_key))

    def by_handle(self, handle: str) -> str:
        """What stands for whoever goes by @handle."""
        words = tuple(fold(word) for word in WORD.findall(handle))
        if words and all(word in self._owner_words for word in words):
            return self._owner_name
        first = self._calls.get(words[0], {}).get(words) if words else None
        placeholder = self._stand_in("PERSON", first or f"handle:{' '.join(words)}")
        if self._keep:
            self._keep(placeholder, handle)
        return placeholder

    def value(self, kind: str, value: str) -> str:
        """What stands for an address, a number and so on: the same value, the same placeholder."""
        placeholder = self._stand_in(kind, f"{kind}:{value}")
        if self._keep:
            self._keep(placeholder, value)
        return placeholder

    def people(self) -> list[str]:
        """Every person's placeholder, once."""
        return list(dict.fromkeys(self.placeholder(first) for first in self._people.values()))

    def names(self) -> list[str]:
        """Every name and handle that is hidden, folded, its words apart."""
        calls = [" ".join(name) for calls in self._calls.values() for name in calls]
        return [*calls, *self._glued]

    def find(self, name: str) -> list[str]:
        """The placeholders a name may stand for: what "forget this person" asks."""
        words = tuple(fold(word) for word in WORD.findall(name))
        first = self._calls.get(words[0], {}).get(words) if words else None
        return [self.placeholder(first)] if first else []

    def accounts(self, placeholder: str) -> list[str]:
        """Everybody this placeholder stands for, as "platform:id"."""
        return sorted(key for key in self._people if self.placeholder(key) == placeholder)

    def only(self, placeholder: str) -> Roster:
        """Knows nobody but this one, under all their names."""
        alone = Roster(self._key, Owner(""))
        alone._people = {
            key: first for key, first in self._people.items() if self.placeholder(key) == placeholder
        }
        alone._placeholders, alone._taken = dict(self._placeholders), dict(self._taken)
        for calls in self._calls.values():
            for name, first in calls.items():
                if self.placeholder(first) == placeholder:
                    alone._call(name, first, name[0] in self._spellings.declining)
        alone._glued = {
            name: first for name, first in self._glued.items() if self.placeholder(first) == placeholder
        }
        return alone

    def may_be_a_name(self, word: str) -> bool:
        """Whether a text with this word, which has no blank in it, may hold somebody's name."""
        if self._glued and not word.isascii() and OTHER_SCRIPT.search(word):
            return True
        return "#" in word or any(map(self._hits.__getitem__, _TOKEN.findall(word)))

    def hide_names(self, text: str) -> str:
        """Replace every name the roster knows; the longest name that fits wins."""
        if self._glued and not text.isascii() and OTHER_SCRIPT.search(text):
            text = self._glued_names().sub(lambda found: self._by_glued(found[0]), text)
        if "#" in text:
            text = _HASHTAG.sub(self._hashtag, text)
        if not any(map(self._hits.__getitem__, _TOKEN.findall(text))):
            return text
        words = list(_TOKEN.finditer(text))
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
        found = self._hits[words[at][0]]
        if found is None:
            return None
        word, tail = found
        for name, first in sorted(self._calls.get(word, {}).items(), key=lambda call: -len(call[0])):
            span = words[at : at + len(name)]
            if len(name) == 1:
                if self._means_a_person(text, words[at], word):
                    return 1, first, tail
                continue
            if len(span) < len(name) or (tail and len(name) > 1):
                continue
            last = self._hits[span[-1][0]]
            if [(self._hits[one[0]] or ("",))[0] for one in span[1:]] != list(name[1:]):
                continue
            if all(_GAP.fullmatch(text, a.end(), b.start()) for a, b in pairwise(span)):
                return len(name), first, last[1] if last else ""
        return None

    @staticmethod
    def _means_a_person(text: str, match: re.Match[str], word: str) -> bool:
        if len(word) > 2 and word not in EVERYDAY:
            return True
        if not match[0][0].isupper() or (match[0].isupper() and len(match[0]) > 1):
            return False
        before = text[: match.start()].rstrip(" ")
        inside = bool(before) and before[-1] not in ".!?\n:"
        return inside or (len(word) > 2 and bool(_DOES.match(text, match.end())))

    def _hashtag(self, found: re.Match[str]) -> str:
        hit = self._spellings.begins(found[0])
        first = self._calls.get(hit[0], {}).get((hit[0],)) if hit else None
        return f"{self.placeholder(first)}{hit[1]}" if hit and first else found[0]

    def _glued_names(self) -> re.Pattern[str]:
        if self._find_glued is None:
            names = sorted(self._glued, key=len, reverse=True)
            self._find_glued = re.compile("|".join(map(_any_kana, names)))
        return self._find_glued

    def _by_glued(self, written: str) -> str:
        first = self._glued.get(written)
        if first is None:  # written with the other kana, or another alef
            first = next(key for name, key in self._glued.items() if re.fullmatch(_any_kana(name), written))
        return self.placeholder(first)

    def _call(self, name: tuple[str, ...], first: str, declines: bool = False) -> None:
        if all(
            word in NOBODY or word in self._owner_words or word.isdigit() or len(word) < 2 for word in name
        ):
            return
        self._calls.setdefault(name[0], {}).setdefault(name, first)
        for word in name:
            self._spellings.add(word, foreign=declines)
        self._hits.clear()

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
        yield "glued", self._glued
        yield "declining", sorted(self._spellings.declining)
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
        declining = set(state.get("declining", ()))
        for *name, first in state["calls"]:
            words = tuple(part for word in name for part in WORD.findall(word))
            self._call(words, first, not declining.isdisjoint(words))
        self._glued.update(state.get("glued", {}))
        self._find_glued = None


def _parts(name: str) -> list[str]:
    """A whole name in a script without capitals, and the parts that are called by themselves."""
    parts = [name.strip(), *re.split(r"[\s・]+", name.strip())]
    for part in list(parts):
        kana = re.fullmatch("([\u4e00-\u9fff]+)([\u3040-\u30ff]+)", part)
        han = re.fullmatch("([\u4e00-\u9fff]{2})([\u4e00-\u9fff]{2})", part)
        if split := kana or han:
            parts += split.groups()
    return [part for part in dict.fromkeys(parts) if len(part) >= 2 and OTHER_SCRIPT.search(part)]


def _any_kana(name: str) -> str:
    """The name as a pattern: either kana, any alef."""
    out = []
    for letter in name:
        if "\u3041" <= letter <= "\u3096":
            out.append(f"[{letter}{chr(ord(letter) + 0x60)}]")
        elif "\u30a1" <= letter <= "\u30f6":
            out.append(f"[{chr(ord(letter) - 0x60)}{letter}]")
        else:
            out.append(_ARABIC_LETTERS.get(letter, re.escape(letter)))
    return "".join(out) + ("" if "\u2e80" <= name[-1] <= "\ud7ff" else r"(?!\w)")
