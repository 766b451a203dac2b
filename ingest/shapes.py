"""What does it look like? Addresses of the net, numbers and links that point at one person, by shape."""

from __future__ import annotations

import re
from collections.abc import Callable

# Most chat lines are words and ordinary punctuation; what is left is looked at only by what could match.
SIGN = re.compile(r"[\d_@:=#$%&*+^~/\\<>()\[\]{}°〒]|[.!?]\w")
ANY_DIGIT = re.compile(r"\d")
FOUR_DIGITS = re.compile(r"\d(?:[^\d\n]{0,9}\d){3}")
LIKE_A_PLATE = re.compile(r"[A-ZА-ЯÄÖÜ]{1,3}[ -]?\d|\d[ -]?[A-ZА-Я]{1,3}")
LONG_OR_LINK = re.compile(r"[\w+/=-]{16}|://|www\.|-----BEGIN|\.(?:gg|me|com|us|ru|de)/")
AT = r"at|ät|arroba|arobase|chiocciola|собака|собачка|małpa|zavináč"
DOT = r"dot|punkt|punto|point|ponto|точка|kropka|tečka|taškas"
MAY_BE_MAIL = re.compile(
    rf"@|\b(?:{AT})\b[)\]}}>]?\s?[\w-]+\s?(?:\.\w|[(\[{{<]?\s?\b(?:{DOT})\b)", re.IGNORECASE
)

LONG_TOKEN = re.compile(r"(?<![\w+/=-])[\w+/=-]{20,400}(?![\w+/=-])")
URL = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,20}://|\bwww\.)[^\s<>\"'\ue000]{1,2000}", re.IGNORECASE)
TELLING_HOSTS = (  # whoever has such a link gets in, or knows who it is
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
INVITE = re.compile(
    rf"(?<![\w.@/])(?:[\w-]{{1,20}}\.)?(?:{'|'.join(map(re.escape, TELLING_HOSTS))})"
    r"/[^\s<>\"'\ue000]{2,400}",
    re.IGNORECASE,
)
EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
SPELT_EMAIL = re.compile(
    rf"(?<![\w.+-])[\w.+-]{{1,64}}(?:\s?[(\[{{<]\s?(?:{AT}|@)\s?[)\]}}>]\s?|\s(?:{AT}|@)\s)[\w-]{{1,63}}"
    rf"(?:(?:\s?[(\[{{<]\s?(?:{DOT})\s?[)\]}}>]\s?|\s(?:{DOT})\s|\s?\.\s?)[\w-]{{2,63}}){{0,3}}"
    rf"(?:\s?[(\[{{<]\s?(?:{DOT})\s?[)\]}}>]\s?|\s(?:{DOT})\s|\s?\.\s?)(?:com|org|net|edu|gov|info"
    rf"|name|dev|app"
    r"|[a-z]{2})\b",
    re.IGNORECASE,
)
SPELT_SIGN = re.compile(
    rf"[(\[{{<]\s?(?:{AT}|{DOT})\s?[)\]}}>]|\s(?:{DOT})\s|\s@\s|^\w*[\d._]\S*\s|\s(?!at\s)(?:{AT})\s",
    re.IGNORECASE,
)
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}\b", re.IGNORECASE)
CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d)")
UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
ADDRESS_V4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)")
ADDRESS_V6 = re.compile(
    r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|:?[0-9a-f]{0,4})(?![\w:])", re.IGNORECASE
)
MAC = re.compile(r"\b(?:(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})\b", re.IGNORECASE)
_DEGREES = r"\d{1,3}°\s?\d{1,2}\s?['′’](?:\s?\d{1,2}(?:\.\d+)?\s?[\"″”'’]{1,2})?\s?[NSEWO]"
COORDINATES = re.compile(
    r"-?\d{1,3}\.\d{4,15}\s?,\s?-?\d{1,3}\.\d{4,15}"
    rf"|{_DEGREES}(?:[\s,;/]{{1,3}}{_DEGREES})?"
    r"|\d{1,3}\.\d{3,15}\s?°?\s?[NS][\s,;/]{1,3}\d{1,3}\.\d{3,15}\s?°?\s?[EWO]\b"
    r"|\b[Ll]at\w{0,5}\W{1,3}-?\d{1,2}\.\d{3,15}\W{1,4}[Ll](?:on|ng|ong)\w{0,6}\W{1,3}-?\d{1,3}\.\d{3,15}"
)
NUMBER = re.compile(r"(?<![\w.,])(?:\+|\(\+?)?\d(?:(?:[ \u00a0()./-]{0,2}| / )\d){6,24}(?!\d)")
SHARE = re.compile(r"\d{1,9}[.,]\d+")  # before a percent sign
DATE = re.compile(
    r"\d{4}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2\d{2,4}|\d{4}\s?-\s?\d{4}"  # days, years
)
ROUND = re.compile(  # ten million, decimals, and counting
    r"\d{1,3}(?:[ \u00a0.]000){2,4}|\d\.\d+|[1-9]0{6,}|\d(?: \d){6,}"
)
_DIGITS = (
    "zero oh one two three four five six seven eight nine double null eins zwei drei vier fünf sechs sieben"
    " acht neun cero uno dos tres cuatro cinco seis siete ocho nueve um dois três quatro sete oito nove deux"
    " trois quatre cinq sept huit neuf"
)
DIGIT_WORDS = frozenset(_DIGITS.split())
SIGN_WORDS = frozenset(DOT.split("|")) | frozenset(AT.split("|")) - {"at"}
SPELT_NUMBER = re.compile(
    rf"\b(?:(?:{_DIGITS.replace(' ', '|')}|\d{{1,4}})[\s,-]+){{3,15}}(?:{_DIGITS.replace(' ', '|')}"
    rf"|\d{{1,4}})\b",
    re.IGNORECASE,
)
HANDLE = re.compile(r"(?<![\w/@.])@(?!(?:everyone|here|channel)\b)[A-Za-z_](?:[\w.]{0,30}\w)")


def in_any_case(pattern: re.Pattern[str]) -> Callable[[str], object]:
    """`pattern.search`, which ignores case, in a third of the time for plain ASCII.

    The pattern has to be written in small letters.
    """
    whole, small = pattern.search, re.compile(pattern.pattern).search
    return lambda text: small(text.lower()) if text.isascii() else whole(text)
