"""Is the twin saying the same thing again?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

EVERYDAY = 20  # letters; shorter answers repeat by nature ("ok", "haha yes", "see you tomorrow")
SAME = 0.9  # share of the words that two answers have in common, in the same order

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
LOGOGRAM = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # Chinese and Japanese put no spaces between words
TOKEN = re.compile(rf"[{LOGOGRAM}]|[^\W_{LOGOGRAM}]+")

LONGEST_PHRASE = 20  # words
ENOUGH = 12  # times in a row, of anything
LAUGHTER = re.compile(
    r"[bm]?[uw]*a?(?:[hj][aeiou]+){2,}[hj]?|(?:[aeo]h){2,}|(?:ха|хи|хе){2,}х?|[hjkwx]{2,}|lol|lmao|rofl|mdr|xd"
)
# What people do say again and again, beside laughter and words of up to three letters.
EMPHATIC = """
    no yes so too go on run ha bye hi hey oh ok ow wow yay now why
    again always away baby back blah come damn dude easy ever fine girl good great guys hello help here
    hurry just late later long look love many money more most move much never nice nope okay please quick
    quickly quiet real really right same shit slow slowly soon sorry stop sure thank thanks that there true
    very wait well what where work wrong yeah year years
    ja ne nee nein aber bitte danke doch echt genau immer komm lange lieber mehr nie niemals schnell sehr
    viel warte weiter
    oui non si tres très alors attends bien bravo encore jamais merci vite
    sí sim não muy mucho nada nunca oye poco porfa siempre vale vamos
    да нет ну очень ага давай ладно хорошо много никогда пока так тихо
"""
EMPHATIC_WORDS = frozenset(EMPHATIC.split())
NEVER_TWICE = {"yours", "ours", "theirs", "your", "our", "their", "the", "and", "of", "from", "with"}
JOINING = {"and", "or", "but", "with", "for", "to", "of", "because", "und", "oder", "aber", "mit", "y", "et"}


def repeats(text: str, recent: Sequence[str]) -> bool:
    """Is this nearly one of the twin's last answers? Case, punctuation and emoji do not count."""
    words = _words(text)
    if sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in "".join(words)) < EVERYDAY:
        return False
    return any(_nearly_equal(words, _words(earlier)) for earlier in recent)


def without_stutter(text: str) -> str:
    """The looping phrase once, and unchanged where nothing loops."""
    while loop := _loop(text):
        first_end, last_end = loop
        text = text[:first_end] + text[last_end:]
    return text


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return TOKEN.findall(re.sub("['’]", "", folded))


def _nearly_equal(words: list[str], others: list[str]) -> bool:
    numbers, other_numbers = ([word for word in some if word.isnumeric()] for some in (words, others))
    if numbers != other_numbers:  # "at 5" is news after "at 6"
        return False
    return SequenceMatcher(None, words, others, autojunk=False).ratio() >= SAME


def _loop(text: str) -> tuple[int, int] | None:
    """Where the first round of the loop at the end ends, and where the last one does.

    Up to two words may follow the loop, or the beginning of one more round, which goes with it.
    """
    found = list(WORD.finditer(text))
    words = [word.group().casefold() for word in found]
    for size in range(1, min(LONGEST_PHRASE, len(words) // 2) + 1):
        loops = []
        for tail in range(min(max(2, size - 1), len(words) - 2 * size) + 1):
            end = len(words) - tail
            phrase = words[end - size : end]
            unfinished = tail < size and words[end:] == phrase[:tail]
            start = end - size
            while start >= size and words[start - size : start] == phrase:
                start -= size
            rounds = (end - start) // size
            if (
                rounds > 1
                and (tail <= 2 or unfinished)
                and _too_often(text, found[start:end], phrase, rounds)
            ):
                last = found[-1] if unfinished else found[end - 1]
                loops.append((start, tail, found[start + size - 1].end(), last.end()))
        if loops:
            return min(loops)[2:]
    return None


def _too_often(text: str, run: Sequence[re.Match[str]], phrase: Sequence[str], rounds: int) -> bool:
    begin, end = run[0].start(), run[-1].end()
    said = text[begin:end]
    in_code = "`" in said or text[:begin].count("`") % 2 == 1
    if in_code or all(word.isnumeric() for word in phrase):
        return False
    if rounds > ENOUGH:
        return True
    if all(word in EMPHATIC_WORDS or LAUGHTER.fullmatch(word) for word in phrase):
        return False
    if len(phrase) == 1:
        between = set(WORD.sub("", said))
        if phrase[0] in NEVER_TWICE:
            return between <= {" "}
        return rounds > 2 and len(phrase[0]) > 3 and between <= set(" \n,.…")  # "Finally! Finally! Finally!"
    if len(phrase) >= 5:
        return True
    before, after = text[:begin].rpartition("\n")[2], text[end:].partition("\n")[0]
    alone = not WORD.search(before) and not WORD.search(after)
    if alone and phrase[0] not in JOINING:  # "thank you thank you thank you"
        return rounds > 3
    return rounds > 2
