"""What must nobody read back, and what stands in its place? Names by the roster, the rest by pattern."""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from urllib.parse import urlsplit

from ingest.addresses import POSTCODE, STREET_WORD, STREETS
from ingest.key_shapes import KEY_BLOCK, KEY_SHAPE
from ingest.roster import Roster
from ingest.shapes import (
    ADDRESS_V4,
    ADDRESS_V6,
    ANY_DIGIT,
    AT,
    CARD,
    COORDINATES,
    DATE,
    DIGIT_WORDS,
    DOT,
    EMAIL,
    FOUR_DIGITS,
    HANDLE,
    IBAN,
    INVITE,
    LIKE_A_PLATE,
    LONG_OR_LINK,
    LONG_TOKEN,
    MAC,
    MAY_BE_MAIL,
    NUMBER,
    ROUND,
    SHARE,
    SIGN,
    SIGN_WORDS,
    SPELT_EMAIL,
    SPELT_NUMBER,
    SPELT_SIGN,
    TELLING_HOSTS,
    URL,
    UUID,
    in_any_case,
)
from ingest.spellings import fold
from ingest.told import BIRTHS, HANDLES, IDS, PLATES, SAYS_BORN, SAYS_WHAT, SECRETS

_SAYS_BORN = in_any_case(SAYS_BORN)
_STREET_WORD = in_any_case(STREET_WORD)
_BETWEEN_DIGITS = re.compile(r"[\W_]+")
MOST_ROUNDS = 8
LONG_WORD = 15
_PLACEHOLDER = re.compile("<[A-Z]{2,12}_[0-9a-f]{4,}>")
_LABEL = re.compile("\ue000(person|email|phone|card):([^\ue000\ue001]{1,300})\ue001")

LOOK, ASK = 1, 2  # what `worth_a_look` says of a word

Replace = Callable[[re.Match[str]], str]
Step = tuple[re.Pattern[str], Replace]


class Redactor:
    """Text in, text fit to keep out. The same value always becomes the same placeholder."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._groups = self._patterns()

    def worth_a_look(self, word: str) -> int:
        """LOOK: a text with this word, which has no blank in it, may have to change. ASK: if it `says_more`.

        `redact` leaves a text alone whose words are neither.
        """
        if SIGN.search(word) or "\ue000" in word or self._roster.may_be_a_name(word):
            return LOOK
        small = word.lower()
        if len(small) > LONG_WORD or small in SIGN_WORDS:
            return LOOK
        return ASK if "-" in word or "," in word or small == "at" or small in DIGIT_WORDS else 0

    def redact(self, text: str, done: Callable[[str], bool] = lambda rest: False) -> str:
        """Raises only on our own mistakes; the pipeline then keeps the text out altogether.

        `done` may say of what a round has left, without its placeholders, that another would find nothing.
        """
        if "\ue000" in text:
            text = _LABEL.sub(self._label, text)
        for _ in range(MOST_ROUNDS):  # what was replaced may have hidden what is glued to it
            before, text = text, self._once(text)
            if text == before or done(without_placeholders(text)):
                break
        return text

    def _once(self, text: str) -> str:
        rest = without_placeholders(text)
        if SIGN.search(rest) or says_more(rest):
            for worth_a_look, steps in self._groups:
                if worth_a_look(text):
                    for pattern, replace in steps:
                        text = pattern.sub(replace, text)
        return self._roster.hide_names(text)

    def _patterns(self) -> list[tuple[Callable[[str], object], list[Step]]]:
        """In this order: what holds other things first, so that nothing is left of it in halves."""
        long_or_link: list[Step] = [
            (KEY_BLOCK, self._as("SECRET")),
            (URL, self._url),
            (KEY_SHAPE, self._as("SECRET")),
            (INVITE, lambda found: found[0].partition("/")[0]),
            (UUID, self._as("ID")),
        ]
        mail: list[Step] = [(EMAIL, self._as("EMAIL")), (SPELT_EMAIL, self._spelt_email)]
        told = [(pattern, self._told("SECRET")) for pattern in SECRETS]
        told += [(pattern, self._told_handle) for pattern in HANDLES]
        numbers: list[Step] = [
            (IBAN, self._iban),
            (CARD, self._card),
            (MAC, self._as("ID")),
            (ADDRESS_V6, self._ip),
            (ADDRESS_V4, self._ip),
            (COORDINATES, self._as("PLACE")),
        ]
        births = [(pattern, self._told("BIRTHDAY")) for pattern in BIRTHS]
        ids = [(pattern, self._told("ID")) for pattern in IDS]
        plates = [(pattern, self._told("PLATE")) for pattern in PLATES]
        places: list[Step] = [(pattern, self._as("ADDRESS")) for pattern in (*STREETS, POSTCODE)]
        return [
            (LONG_OR_LINK.search, long_or_link),
            (in_any_case(MAY_BE_MAIL), mail),
            (in_any_case(SAYS_WHAT), told),
            (LONG_OR_LINK.search, [(LONG_TOKEN, self._long_token)]),
            (FOUR_DIGITS.search, numbers),
            (_may_be_a_birthday, births),
            (FOUR_DIGITS.search, ids),
            (LIKE_A_PLATE.search, plates),
            (_may_be_a_place, places),
            (FOUR_DIGITS.search, [(NUMBER, self._number)]),
            (_spells_a_number, [(SPELT_NUMBER, self._spelt_number)]),
            (re.compile("@").search, [(HANDLE, lambda found: self._roster.by_handle(found[0][1:]))]),
        ]

    def _as(self, kind: str) -> Callable[[re.Match[str]], str]:
        return lambda found: self._roster.value(kind, fold(found[0]))

    def _label(self, found: re.Match[str]) -> str:
        kind, value = found[1], found[2]
        if kind == "person":
            return self._roster.placeholder(value)
        if kind == "phone":
            return self._roster.value("PHONE", _digits(value))
        return self._roster.value(kind.upper(), fold(value))

    def _told(self, kind: str) -> Replace:
        def replace(found: re.Match[str]) -> str:
            value = found["told"].rstrip("\"'`,;)")
            return _instead(found, value, self._roster.value(kind, fold(value)))

        return replace

    def _told_handle(self, found: re.Match[str]) -> str:
        return _instead(found, found["told"], self._roster.by_handle(found["told"]))

    def _long_token(self, found: re.Match[str]) -> str:
        token = found[0]
        kinds = sum(bool(re.search(kind, token)) for kind in ("[a-z]", "[A-Z]", r"\d"))
        counts = Counter(token).values()
        entropy = -sum(count / len(token) * math.log2(count / len(token)) for count in counts)
        digits = sum(letter.isdigit() for letter in token)
        if len(token) < 32:
            is_secret = kinds == 3 and digits >= 3 and entropy > 3.6
        else:
            is_secret = kinds >= 2 and digits > 0 and entropy > 3.2
        return self._roster.value("SECRET", token) if is_secret else token

    def _url(self, found: re.Match[str]) -> str:
        """The address, unless it carries somebody's token, name or meeting: then no more than the host."""
        url = found[0]
        tail = url[len(url.rstrip(".,;:!?)]}")) :]
        try:
            parts = urlsplit(url if "://" in url else f"https://{url}")
            host = parts.hostname or ""
        except ValueError:
            return self._roster.value("LINK", url)
        telling = (
            parts.query or parts.fragment or "@" in parts.netloc or parts.scheme not in ("http", "https")
        )
        if telling or _is_one_of(host, TELLING_HOSTS) or re.search(r"[0-9]{6}|[\w-]{20}|@", parts.path):
            return (host if "." in host else self._roster.value("LINK", url)) + tail
        return url

    def _spelt_email(self, found: re.Match[str]) -> str:
        """Only where a sign is written the way people hide one: "meet me at home . ok" is no address."""
        if not SPELT_SIGN.search(found[0]):
            return found[0]
        plain = re.sub(
            rf"\s?[(\[{{<]?\s?\b(?:{AT})\b\s?[)\]}}>]?\s?", "@", found[0], count=1, flags=re.IGNORECASE
        )
        plain = re.sub(rf"\s?[(\[{{<]?\s?\b(?:{DOT})\b\s?[)\]}}>]?\s?", ".", plain, flags=re.IGNORECASE)
        return self._roster.value("EMAIL", fold(re.sub(r"\s", "", plain)))

    def _iban(self, found: re.Match[str]) -> str:
        plain = re.sub(r"[ -]", "", found[0]).upper()
        for end in range(len(plain), 14, -1):  # the words after it may look like more of it
            number = "".join(str(int(letter, 36)) for letter in plain[4:end] + plain[:4])
            if int(number) % 97 == 1:
                at = _offset(found[0], end)
                return self._roster.value("IBAN", plain[:end]) + found[0][at:]
        return found[0]

    def _card(self, found: re.Match[str]) -> str:
        digits = [int(digit) for digit in _digits(found[0])]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
        valid = (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
        return self._roster.value("CARD", _digits(found[0])) if valid else found[0]

    def _ip(self, found: re.Match[str]) -> str:
        try:
            return self._roster.value("IP", str(ipaddress.ip_address(found[0])))
        except ValueError:
            return found[0]

    def _number(self, found: re.Match[str]) -> str:
        """Seven digits and more are a phone or some other number that points at one person; dates are not."""
        text, digits = found[0], _digits(found[0])
        if DATE.fullmatch(text) or ROUND.fullmatch(text):
            return text
        if SHARE.fullmatch(text) and found.string.startswith("%", found.end()):
            return text
        if all(
            DATE.fullmatch(part) or len(part) < 5 for part in re.split(r"[ \u00a0]+", text)
        ) and DATE.search(text):
            return text
        return self._roster.value("PHONE" if len(digits) <= 15 else "ID", digits)

    def _spelt_number(self, found: re.Match[str]) -> str:
        """A number said digit by digit; counting up to ten is none."""
        words = re.findall(r"\w+", found[0].lower())
        counting = all(word != following for word, following in pairwise(words)) and len(set(words)) == len(
            words
        )
        length = sum(len(word) if word.isdigit() else 1 for word in words)
        if length < 7 or all(map(str.isdigit, words)) or counting:
            return found[0]
        return self._roster.value("PHONE", " ".join(words))


def _is_one_of(host: str, hosts: tuple[str, ...]) -> bool:
    return host in hosts or host.endswith(tuple(f".{one}" for one in hosts))


def _instead(found: re.Match[str], value: str, placeholder: str) -> str:
    """What was found with its value replaced."""
    at = found.start("told") - found.start()
    return found[0][:at] + placeholder + found[0][at + len(value) :]


def without_placeholders(text: str) -> str:
    return _PLACEHOLDER.sub(" ", text) if "<" in text else text


def says_more(text: str) -> bool:
    """Whether words alone may hold something: an address or a number spelt out, a key, a passphrase."""
    words = text.lower().split()
    if not SIGN_WORDS.isdisjoint(words) or text.count("-") > 1 or max(map(len, words), default=0) > LONG_WORD:
        return True
    if (not DIGIT_WORDS.isdisjoint(words) or text.count(",") > 2) and _spells_a_number(text):
        return True
    return "." in text and "at" in words


def _may_be_a_place(text: str) -> bool:
    return bool(ANY_DIGIT.search(text)) and (
        any(map(_in_a_street, text.split())) or bool(POSTCODE.search(text))
    )


@lru_cache(maxsize=50_000)
def _in_a_street(word: str) -> bool:
    """Between blanks, as it stands in a text: some are known by those."""
    return bool(_STREET_WORD(f" {word} "))


def _may_be_a_birthday(text: str) -> bool:
    return bool(FOUR_DIGITS.search(text) and _SAYS_BORN(text))


def _spells_a_number(text: str) -> bool:
    digits = [word for word in _BETWEEN_DIGITS.split(text.lower()) if word in DIGIT_WORDS or word.isdigit()]
    return len(digits) > 3


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _offset(text: str, count: int) -> int:
    """Where the first `count` characters end that are neither blank nor hyphen."""
    for at, letter in enumerate(text):
        count -= letter not in " -"
        if count == 0:
            return at + 1
    return len(text)
