"""What must nobody read back, and what stands in its place? Names by the roster, the rest by pattern."""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import urlsplit

from ingest.addresses import POSTCODE, STREET_WORD, STREETS
from ingest.key_shapes import KEY_BLOCK, KEY_SHAPE
from ingest.roster import Roster
from ingest.spellings import fold
from ingest.told import BIRTHS, HANDLES, IDS, PLATES, SAYS_WHAT, SECRETS

_LABEL = re.compile("\ue000(person|email|phone|card):([^\ue000\ue001]{1,300})\ue001")

# Most chat lines are words and ordinary punctuation; what is left is looked at only by what could match.
_SIGN = re.compile(r"[\d_@:=#$%*+~/\\<>()\[\]{}°〒]")
_ANY_DIGIT = re.compile(r"\d")
_FOUR_DIGITS = re.compile(r"\d(?:[^\d\n]{0,9}\d){3}")
_LIKE_A_PLATE = re.compile(r"[A-ZА-ЯÄÖÜ]{1,3}[ -]?\d|\d[ -]?[A-ZА-Я]{1,3}")
_LONG_OR_LINK = re.compile(r"[\w+/=-]{16}|://|www\.|-----BEGIN|\.(?:gg|me|com|us|ru|de)/")
_AT = r"at|ät|arroba|arobase|chiocciola|собака|собачка|małpa|zavináč"
_DOT = r"dot|punkt|punto|point|ponto|точка|kropka|tečka|taškas"
_MAY_BE_MAIL = re.compile(
    rf"@|\b(?:{_AT})\b[)\]}}>]?\s?[\w-]+\s?(?:\.\w|[(\[{{<]?\s?\b(?:{_DOT})\b)", re.IGNORECASE
)

_LONG_TOKEN = re.compile(r"(?<![\w+/=-])[\w+/=-]{20,400}(?![\w+/=-])")
_URL = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,20}://|\bwww\.)[^\s<>\"'\ue000]{1,2000}", re.IGNORECASE)
_TELLING_HOSTS = (  # whoever has such a link gets in, or knows who it is
    "zoom.us",
    "meet.google.com",
    "teams.microsoft.com",
    "teams.live.com",
    "webex.com",
    "whereby.com",
    "meet.jit.si",
    "discord.gg",
    "t.me",
    "wa.me",
    "chat.whatsapp.com",
    "docs.google.com",
    "drive.google.com",
    "dropbox.com",
    "wetransfer.com",
    "facebook.com",
    "fb.com",
    "fb.me",
    "instagram.com",
    "linkedin.com",
    "x.com",
    "twitter.com",
    "threads.net",
    "tiktok.com",
    "snapchat.com",
    "vk.com",
    "ok.ru",
    "strava.com",
    "venmo.com",
    "paypal.me",
    "cash.app",
    "calendly.com",
    "cal.com",
    "linktr.ee",
    "maps.app.goo.gl",
    "steamcommunity.com",
)
_INVITE = re.compile(
    rf"(?<![\w.@/])(?:www\.)?(?:{'|'.join(map(re.escape, _TELLING_HOSTS))})/[^\s<>\"'\ue000]{{2,400}}",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_SPELT_EMAIL = re.compile(
    rf"(?<![\w.+-])[\w.+-]{{1,64}}(?:\s?[(\[{{<]\s?(?:{_AT}|@)\s?[)\]}}>]\s?|\s(?:{_AT}|@)\s)[\w-]{{1,63}}"
    rf"(?:(?:\s?[(\[{{<]\s?(?:{_DOT})\s?[)\]}}>]\s?|\s(?:{_DOT})\s|\s?\.\s?)[\w-]{{2,63}}){{0,3}}"
    rf"(?:\s?[(\[{{<]\s?(?:{_DOT})\s?[)\]}}>]\s?|\s(?:{_DOT})\s|\s?\.\s?)(?:com|org|net|edu|gov|info"
    rf"|name|dev|app"
    r"|[a-z]{2})\b",
    re.IGNORECASE,
)
_SPELT_SIGN = re.compile(
    rf"[(\[{{<]\s?(?:{_AT}|{_DOT})\s?[)\]}}>]|\s(?:{_DOT})\s|\s@\s|^\w*[\d._]\S*\s|\s(?!at\s)(?:{_AT})\s",
    re.IGNORECASE,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}\b", re.IGNORECASE)
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d)")
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_ADDRESS_V4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)")
_ADDRESS_V6 = re.compile(
    r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|:?[0-9a-f]{0,4})(?![\w:])", re.IGNORECASE
)
_MAC = re.compile(r"\b(?:(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})\b", re.IGNORECASE)
_DEGREES = r"\d{1,3}°\s?\d{1,2}\s?['′’](?:\s?\d{1,2}(?:\.\d+)?\s?[\"″”'’]{1,2})?\s?[NSEWO]"
_COORDINATES = re.compile(
    r"-?\d{1,3}\.\d{4,15}\s?,\s?-?\d{1,3}\.\d{4,15}"
    rf"|{_DEGREES}(?:[\s,;/]{{1,3}}{_DEGREES})?"
    r"|\d{1,3}\.\d{3,15}\s?°?\s?[NS][\s,;/]{1,3}\d{1,3}\.\d{3,15}\s?°?\s?[EWO]\b"
    r"|\b[Ll]at\w{0,5}\W{1,3}-?\d{1,2}\.\d{3,15}\W{1,4}[Ll](?:on|ng|ong)\w{0,6}\W{1,3}-?\d{1,3}\.\d{3,15}"
)
_NUMBER = re.compile(r"(?<![\w.,])(?:\+|\(\+?)?\d(?:(?:[ \u00a0()./-]{0,2}| / )\d){6,24}(?![\d%])")
_DATE = re.compile(
    r"\d{4}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2\d{2,4}|\d{4}\s?-\s?\d{4}"  # days, years
)
_ROUND = re.compile(  # ten million, decimals, and counting
    r"\d{1,3}(?:[ \u00a0.]000){2,4}|\d\.\d+|[1-9]0{6,}|\d(?: \d){6,}"
)
_DIGITS = (
    "zero oh one two three four five six seven eight nine double null eins zwei drei vier fünf sechs sieben"
    " acht neun cero uno dos tres cuatro cinco seis siete ocho nueve um dois três quatro sete oito nove deux"
    " trois quatre cinq sept huit neuf"
)
_DIGIT_WORDS = frozenset(_DIGITS.split())
_SIGN_WORDS = _DIGIT_WORDS | frozenset(_DOT.split("|"))
_SPELT_NUMBER = re.compile(
    rf"\b(?:(?:{_DIGITS.replace(' ', '|')}|\d{{1,4}})[\s,-]+){{3,15}}(?:{_DIGITS.replace(' ', '|')}"
    rf"|\d{{1,4}})\b",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w/@.])@(?!(?:everyone|here|channel)\b)[A-Za-z_](?:[\w.]{0,30}\w)")

Replace = Callable[[re.Match[str]], str]
Step = tuple[re.Pattern[str], Replace]


class Redactor:
    """Text in, text fit to keep out. The same value always becomes the same placeholder."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._groups = self._patterns()

    def redact(self, text: str) -> str:
        """Raises only on our own mistakes; the pipeline then keeps the text out altogether."""
        if "\ue000" in text:
            text = _LABEL.sub(self._label, text)
        if _SIGN.search(text) or _says_more(text):
            for worth_a_look, steps in self._groups:
                if worth_a_look(text):
                    for pattern, replace in steps:
                        text = pattern.sub(replace, text)
        return self._roster.hide_names(text)

    def _patterns(self) -> list[tuple[Callable[[str], object], list[Step]]]:
        """In this order: what holds other things first, so that nothing is left of it in halves."""
        long_or_link: list[Step] = [
            (KEY_BLOCK, self._as("SECRET")),
            (_URL, self._url),
            (KEY_SHAPE, self._as("SECRET")),
            (_INVITE, lambda found: found[0].partition("/")[0]),
            (_UUID, self._as("ID")),
        ]
        mail: list[Step] = [(_EMAIL, self._as("EMAIL")), (_SPELT_EMAIL, self._spelt_email)]
        told = [(pattern, self._told("SECRET")) for pattern in SECRETS]
        told += [(pattern, self._told_handle) for pattern in HANDLES]
        numbers: list[Step] = [
            (_IBAN, self._iban),
            (_CARD, self._card),
            (_MAC, self._as("ID")),
            (_ADDRESS_V6, self._ip),
            (_ADDRESS_V4, self._ip),
            (_COORDINATES, self._as("PLACE")),
            *((pattern, self._told("BIRTHDAY")) for pattern in BIRTHS),
            *((pattern, self._told("ID")) for pattern in IDS),
        ]
        plates = [(pattern, self._told("PLATE")) for pattern in PLATES]
        places: list[Step] = [(pattern, self._as("ADDRESS")) for pattern in (*STREETS, POSTCODE)]
        return [
            (_LONG_OR_LINK.search, long_or_link),
            (_MAY_BE_MAIL.search, mail),
            (SAYS_WHAT.search, told),
            (_LONG_OR_LINK.search, [(_LONG_TOKEN, self._long_token)]),
            (_FOUR_DIGITS.search, numbers),
            (_LIKE_A_PLATE.search, plates),
            (_may_be_a_place, places),
            (_FOUR_DIGITS.search, [(_NUMBER, self._number)]),
            (_has_digit_words, [(_SPELT_NUMBER, self._spelt_number)]),
            (re.compile("@").search, [(_HANDLE, lambda found: self._roster.by_handle(found[0][1:]))]),
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
        if telling or host.endswith(_TELLING_HOSTS) or re.search(r"[0-9]{6}|[\w-]{20}|@", parts.path):
            return (host if "." in host else self._roster.value("LINK", url)) + tail
        return url

    def _spelt_email(self, found: re.Match[str]) -> str:
        """Only where a sign is written the way people hide one: "meet me at home . ok" is no address."""
        if not _SPELT_SIGN.search(found[0]):
            return found[0]
        plain = re.sub(
            rf"\s?[(\[{{<]?\s?\b(?:{_AT})\b\s?[)\]}}>]?\s?", "@", found[0], count=1, flags=re.IGNORECASE
        )
        plain = re.sub(rf"\s?[(\[{{<]?\s?\b(?:{_DOT})\b\s?[)\]}}>]?\s?", ".", plain, flags=re.IGNORECASE)
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
        if _DATE.fullmatch(text) or _ROUND.fullmatch(text):
            return text
        if all(
            _DATE.fullmatch(part) or len(part) < 5 for part in re.split(r"[ \u00a0]+", text)
        ) and _DATE.search(text):
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


def _instead(found: re.Match[str], value: str, placeholder: str) -> str:
    """What was found with its value replaced."""
    at = found.start("told") - found.start()
    return found[0][:at] + placeholder + found[0][at + len(value) :]


def _says_more(text: str) -> bool:
    """Whether words alone may hold something: an address or a number spelt out, a key, a passphrase."""
    words = text.lower().split()
    return (
        not _SIGN_WORDS.isdisjoint(words) or text.count("-") > 1 or len(max(words, key=len, default="")) > 15
    )


def _may_be_a_place(text: str) -> bool:
    return bool(_ANY_DIGIT.search(text) and (STREET_WORD.search(text) or POSTCODE.search(text)))


def _has_digit_words(text: str) -> bool:
    return not _DIGIT_WORDS.isdisjoint(text.lower().split())


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _offset(text: str, count: int) -> int:
    """Where the first `count` characters end that are neither blank nor hyphen."""
    for at, letter in enumerate(text):
        count -= letter not in " -"
        if count == 0:
            return at + 1
    return len(text)
