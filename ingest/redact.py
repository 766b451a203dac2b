"""What must nobody read back, and what stands in its place? Names by the roster, the rest by pattern."""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from ingest.roster import Roster
from ingest.spellings import fold

_LABEL = re.compile("\ue000(person|email|phone|card):([^\ue000\ue001]{1,300})\ue001")
# One of these must be there before any pattern below can match: most chat lines have none.
_WORTH_A_LOOK = re.compile(
    r"[0-9@]|://|www\.|BEGIN|\bat\b|[(\[]at[)\]]|pass(?:word|wd|code|phrase)|\bpwd\b|secret|token|api.?key|\w{24}"
    r"|\.(?:gg|me)/",
    re.IGNORECASE,
)

_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]{3,40}-----.*?(?:-----END [A-Z ]{3,40}-----|\Z)", re.DOTALL)
_KNOWN_SECRET = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}"
    r"|AIza[\w-]{35}|hf_\w{30,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*|[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}"
    r"|\d{8,10}:[\w-]{35})"
)
_TOLD_SECRET = re.compile(
    r"(\b(?:passw(?:or)?d|passcode|passphrase|pwd|pin|api[ _-]?key|secret(?: key)?|(?:access )?token)\b\s?)"
    r"(?:([:=]\s{0,3})(\S{4,200})|((?:is|was)\s{1,3})((?=\S{0,199}[\d!#$%&*+=?^_~])\S{4,200}))",
    re.IGNORECASE,
)
_LONG_TOKEN = re.compile(r"(?<![\w+/=-])[\w+/=-]{32,400}(?![\w+/=-])")
_URL = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,20}://|\bwww\.)[^\s<>\"'\ue000]{1,2000}", re.IGNORECASE)
_INVITE = re.compile(r"\b(?:discord\.gg|t\.me|wa\.me|chat\.whatsapp\.com)/[\w+/-]{2,100}", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_SPELT_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}(?:\s?[(\[{]\s?at\s?[)\]}]\s?|\s(?:at|@)\s)[\w-]{1,63}"
    r"(?:(?:\s?[(\[{]\s?dot\s?[)\]}]\s?|\sdot\s|\s?\.\s?)[\w-]{2,63}){0,3}"
    r"(?:\s?[(\[{]\s?dot\s?[)\]}]\s?|\sdot\s|\s?\.\s?)(?:com|org|net|edu|gov|info|name|dev|app|[a-z]{2})\b",
    re.IGNORECASE,
)
_SPELT_SIGN = re.compile(r"[(\[{]\s?(?:at|dot)\s?[)\]}]|\sdot\s|\s@\s", re.IGNORECASE)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}\b", re.IGNORECASE)
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d)")
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_ADDRESS_V4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)")
_ADDRESS_V6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,8}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)
_MAC = re.compile(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b", re.IGNORECASE)
_COORDINATES = re.compile(r"-?\d{1,3}\.\d{4,15}\s?,\s?-?\d{1,3}\.\d{4,15}")
_NUMBER = re.compile(r"(?<![\w.,])(?:\+|\(\+?)?\d(?:[ \u00a0()./-]{0,2}\d){6,24}(?![\d%])")
_DATE = re.compile(
    r"\d{4}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2\d{2,4}|\d{4}\s?-\s?\d{4}"  # days, years
)
_ROUND = re.compile(r"\d{1,3}(?:[ \u00a0.]000){2,4}|\d\.\d+")  # ten million, and decimals
_STREET = re.compile(
    r"\b\d{1,4}[a-z]?,?\s(?:(?!(?:the|an?|of|on|off|down|up|in|to|from|more|and|miles?|km|blocks?)\s)[^\W\d_][\w'’]{1,25}\s){1,3}"
    r"(?:street|road|avenue|lane|square|terrace|crescent|boulevard)\b"
    r"|\b[^\W\d_][\w-]{2,30}[\s-]?(?:stra(?:ß|ss)e|str\.|gasse)\s\d{1,4}[a-z]?\b",
    re.IGNORECASE,
)
_STREET_CAPITALS = re.compile(  # words too common to go by alone
    r"\b\d{1,4}[a-z]?,?\s(?:[A-Z][\w'’]{1,25}\s){1,3}(?:St|Rd|Ave|Ln|Dr|Drive|Close|Court|Way|Gardens|Hill)\b"
    r"|\b[A-Z]\w{2,30}(?:weg|allee|platz)\s\d{1,4}[a-z]?\b"
    r"|\b(?:Rua|Calle|Via|Rue|Ulica|Trg)\s(?:[^\W\d_][\w'’]{1,25},?\s){1,4}\d{1,4}[a-z]?\b"
)
_POSTCODE = re.compile(r"\b(?:[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}|[A-Z]{2}\s\d{5}(?:-\d{4})?)\b")
_HANDLE = re.compile(r"(?<![\w/@.])@(?!(?:everyone|here|channel)\b)[A-Za-z_](?:[\w.]{0,30}\w)")
_TELLING_HOSTS = (
    "zoom.us",
    "meet.google.com",
    "teams.microsoft.com",
    "discord.gg",
    "t.me",
    "wa.me",
    "chat.whatsapp.com",
)


class Redactor:
    """Text in, text fit to keep out. The same value always becomes the same placeholder."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._steps = self._patterns()

    def redact(self, text: str) -> str:
        """Raises only on our own mistakes; the pipeline then keeps the text out altogether."""
        if "\ue000" in text:
            text = _LABEL.sub(self._label, text)
        if _WORTH_A_LOOK.search(text):
            for pattern, replace in self._steps:
                text = pattern.sub(replace, text)
        return self._roster.hide_names(text)

    def _patterns(self) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
        """In this order: what holds other things first, so that nothing is left of it in halves."""
        return [
            (_KEY_BLOCK, self._as("SECRET")),
            (_KNOWN_SECRET, self._as("SECRET")),
            (_URL, self._url),
            (_INVITE, lambda found: found[0].partition("/")[0]),
            (_TOLD_SECRET, self._told_secret),
            (_UUID, self._as("ID")),
            (_LONG_TOKEN, self._long_token),
            (_EMAIL, self._as("EMAIL")),
            (_SPELT_EMAIL, self._spelt_email),
            (_IBAN, self._iban),
            (_CARD, self._card),
            (_MAC, self._as("ID")),
            (_ADDRESS_V4, self._ip),
            (_ADDRESS_V6, self._ip),
            (_COORDINATES, self._as("PLACE")),
            (_NUMBER, self._number),
            (_STREET, self._as("ADDRESS")),
            (_STREET_CAPITALS, self._as("ADDRESS")),
            (_POSTCODE, self._as("ADDRESS")),
            (_HANDLE, lambda found: self._roster.by_handle(found[0][1:])),
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

    def _told_secret(self, found: re.Match[str]) -> str:
        before, value = found[1] + (found[2] or found[4]), found[3] or found[5]
        return before + self._roster.value("SECRET", value)

    def _long_token(self, found: re.Match[str]) -> str:
        token = found[0]
        kinds = sum(bool(re.search(kind, token)) for kind in ("[a-z]", "[A-Z]", r"\d"))
        counts = Counter(token).values()
        entropy = -sum(count / len(token) * math.log2(count / len(token)) for count in counts)
        is_secret = kinds >= 2 and re.search(r"\d", token) and entropy > 3.2
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
        plain = re.sub(r"\s?[(\[{]?\s?\bat\b\s?[)\]}]?\s?", "@", found[0], count=1, flags=re.IGNORECASE)
        plain = re.sub(r"\s?[(\[{]?\s?\bdot\b\s?[)\]}]?\s?", ".", plain, flags=re.IGNORECASE)
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


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _offset(text: str, count: int) -> int:
    """Where the first `count` characters end that are neither blank nor hyphen."""
    for at, letter in enumerate(text):
        count -= letter not in " -"
        if count == 0:
            return at + 1
    return len(text)
