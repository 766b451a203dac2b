"""Which spellings are one name? Case, accents, alphabets, endings, and a letter that slipped."""

from __future__ import annotations

import re
import unicodedata

from ingest.words import COMMON, DECLINING, ENDINGS, EVERYDAY

# Words of alphabets with capitals; names in other scripts are found by other means, without word ends.
WORD = re.compile("[A-Za-z\u00aa-\u052f\u1e00-\u1fff]+|\\d+")
OTHER_SCRIPT = re.compile("[\u0590-\u1dff\u2e80-\ud7ff\uf900-\ufdff\ufe70-\ufefe]")

_CYRILLIC = (
    "а a б b в v г g д d е e ё e ж zh з z и i й i к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ч ch"
    " ш sh щ sch ъ  ы y ь  э e ю iu я ia і i ї i є e ґ g ў u ј j љ lj њ nj ћ c ђ dj џ dz"
)
_GREEK = (
    "α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o"
)
_LATIN = "ß ss ø o ł l đ d æ ae œ oe ı i ð d þ th"
_LETTERS = str.maketrans(
    dict(zip(*[iter(f"{_CYRILLIC} {_GREEK} {_LATIN}".split(" "))] * 2, strict=True))  # two by two
)
# What one sound is written as, here and there: Dmitry, Dmitriy; Mueller, Müller; Alexandra, Aleksandra.
_SOUNDS = (
    ("ph", "f"),
    ("th", "t"),
    ("sch", "6"),
    ("sh", "6"),
    ("tch", "4"),
    ("ch", "4"),
    ("cz", "4"),
    ("ck", "k"),
    ("q", "k"),
    ("kh", "h"),
    ("zh", "z"),
    ("c", "k"),
    ("x", "ks"),
    ("w", "v"),
    ("y", "i"),
    ("j", "i"),
    ("ou", "u"),
    ("ae", "a"),
    ("oe", "o"),
    ("ue", "u"),
)
_DOUBLED = re.compile(r"(.)\1+")
_VOWELS = "aeiou"
_SHORT = 5  # shorter names are also other words as soon as one letter may differ
_LONG = 7  # from this length on a name is known with one letter wrong


def fold(word: str) -> str:
    """Case, accents and alphabet aside: what two spellings of one name have in common."""
    word = word.casefold()
    if word.isascii():
        return word
    word = unicodedata.normalize("NFKD", word.translate(_LETTERS))
    return "".join(letter for letter in word if not unicodedata.combining(letter)).translate(_LETTERS)


def sound(word: str) -> str:
    """A folded word as it sounds, more or less."""
    for written, heard in _SOUNDS:
        word = word.replace(written, heard)
    return _DOUBLED.sub(r"\1", word[1:] if word.startswith("ie") else word)


class Spellings:
    """The words of all names, and which of them a written word may be."""

    def __init__(self, languages: tuple[str, ...] = ()) -> None:
        self._declines = not DECLINING.isdisjoint(languages)
        self._known: set[str] = set()
        self.declining: set[str] = set()
        self._sounds: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        self._near: dict[str, str] = {}  # a name with one letter left out -> the name

    def add(self, word: str, *, foreign: bool = False) -> None:
        """Know this folded word of a name; `foreign`: it was written in letters that decline."""
        if word in self._known:
            return
        self._known.add(word)
        if foreign:
            self.declining.add(word)
        if word.isdigit() or word in EVERYDAY or len(word) < 3:
            return
        heard = sound(word)
        if len(heard) >= 4:
            self._sounds.setdefault(heard, word)
        if len(word) >= _SHORT or self._declines or foreign:
            for stem in _stems(heard):
                self._stems.setdefault(stem, word)
        if len(word) >= _LONG:
            for near in _without_one(heard):
                self._near.setdefault(near, word)

    def __contains__(self, word: str) -> bool:
        return word in self._known

    def __len__(self) -> int:
        return len(self._known)

    def find(self, written: str) -> tuple[str, str] | None:
        """The word of a name that this is, and what of the written word comes after it."""
        word = fold(written)
        if word in self._known:
            return word, ""
        if word.endswith("s") and word[:-1] in self._known:  # "anas place": chats do without the apostrophe
            return word[:-1], written[-1:]
        if len(word) < 3 or word in COMMON or word in EVERYDAY or word.isdigit():
            return None
        heard = sound(word)
        known = self._sounds.get(heard) or self._declined(written, heard)
        if known is None and len(word) >= _LONG - written[0].isupper():
            known = self._slipped(heard)
        return (known, "") if known else None

    def begins(self, written: str) -> tuple[str, str] | None:
        """The same for a name that something is glued to, as in #saraforever."""
        word = written.casefold()
        for length in range(len(word), _SHORT - 1, -1):
            if (start := fold(word[:length])) in self._known and start not in EVERYDAY:
                return start, written[length:]
        return None

    def _declined(self, written: str, heard: str) -> str | None:
        for cut in range(1, 5):
            stem, ending = heard[:-cut], heard[-cut:]
            known = self._stems.get(stem) if ending in ENDINGS else None
            if known and (len(stem) >= 4 or written[0].isupper() or not written.isascii()):
                return known
        return None

    def _slipped(self, heard: str) -> str | None:
        for near in (heard, *_without_one(heard)):
            known = self._near.get(near) or self._sounds.get(near)
            if (
                known
                and len(known) >= _LONG
                and sound(known)[0] == heard[0]
                and _one_apart(sound(known), heard)
            ):
                return known
        return None


def _stems(heard: str) -> set[str]:
    """What stays when the name is declined; the e of Marek goes in Marka."""
    stem = heard.rstrip(_VOWELS)
    stems = {stem if len(stem) >= 2 else heard}
    if heard.endswith(("as", "is", "us")) and len(heard) >= 6:
        stems.add(heard[:-2])
    if found := re.fullmatch(r"(.{2,}?)i?e([kcl])", heard):
        stems.add(found[1] + found[2])
    return stems


def _without_one(word: str) -> set[str]:
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def _one_apart(one: str, other: str) -> bool:
    """One letter more, less, other, or two neighbours swapped."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    return one[at + 1 :] == other[at + 1 :] or (
        one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    )
