"""What does one line of a WhatsApp export say? Its date and sender, and which texts nobody typed.

The app writes lines in the phone's language and habits: every date order, 12 or 24 hours, invisible marks.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import time

from ingest.attachments import attachment
from ingest.day_order import Numbers
from ingest.source import marked
from storage.records import Attachment

_MARK = "[\u200e\u200f\u061c\u202a-\u202e\ufeff]*+"
_HALF = r"[AaPp]\.?\s?[Mm]\.?|上午|下午|午前|午後|오전|오후|[صم]"
_LINE = re.compile(
    rf"{_MARK}\[?{_MARK}(?P<one>\d{{1,4}}){_MARK}(?P<sep>[./-]){_MARK}\s?(?P<two>\d{{1,2}}){_MARK}(?P=sep){_MARK}"
    rf"\s?(?P<three>\d{{1,4}})\.?{_MARK}[,،]?\s{{1,2}}(?:(?:klo|kl\.?|à|às|um|om|alle)\s)?(?:(?P<before>{_HALF})\s?)?"
    rf"(?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})(?:[:.](?P<second>\d{{2}}))?(?:\s?(?P<after>{_HALF}))?{_MARK}"
    r"(?:\]|\s[-–](?=\s|$))\s?(?P<rest>.*)"
)
_SAID = re.compile(r'(?P<who>[^:"“«\n]{1,80}):(?:\s(?P<text>.*)|$)')
_AFTERNOON = re.compile(r"p|下午|午後|오후|م", re.IGNORECASE)
_PHONE = re.compile(r"\+?[\d\s().\u2011-]{7,24}")

_EDITED = re.compile(
    r"\u200e?<[^<>\n]{0,40}(?:edited|edit[óo]|editad|bearbeitet|modifi|bewerkt|измен|отредакт|edytow|düzenlen)"
    r"[^<>\n]{0,40}>\Z",
    re.IGNORECASE,
)
_DELETED = re.compile(
    r"(?:this message was deleted(?: by admin .{1,60})?|you deleted this message|message deleted"
    r"|(?:diese nachricht wurde|du hast diese nachricht) gelöscht"
    r"|se eliminó este mensaje|eliminaste este mensaje"
    r"|(?:essa |esta )?mensagem (?:foi )?apagada|(?:você )?apagou (?:essa|esta) mensagem"
    r"|ce message a été supprimé|vous avez supprimé ce message|questo messaggio è stato eliminato"
    r"|hai eliminato questo messaggio|dit bericht is verwijderd|je hebt dit bericht verwijderd"
    r"|(?:данное|это) сообщение удалено|вы удалили (?:данное|это) сообщение)\.?",
    re.IGNORECASE,
)
_LEFT_OUT = re.compile(
    r"<[^<>\n]{0,30}(?:medi[ae]|médias?|mídia|multim[eé]dia|медиа|medya|archivo|arquivo|fichier)[^<>\n]{0,30}>",
    re.IGNORECASE,
)
_FILE = r"[^\n<>/\u200e]{1,120}\.\w{2,5}"
_ATTACHED = re.compile(  # "IMG-WA0001.jpg (file attached)" above the words; "<attached: 0012-PHOTO.jpg>"
    rf"\A(?:\u200e(?P<marked>{_FILE}) \([^()\n]{{4,30}}\)|(?P<bare>{_FILE}) \((?:file attached"
    r"|Datei angehängt|archivo adjunto|arquivo anexado|fichier joint|file allegato|bestand bijgevoegd"
    r"|файл добавлен|прикреплённый файл|bifogad fil|vedhæftet fil|dosya ekli|plik załączony)\))(?=\n|\Z)"
    rf"|\u200e?<[^<>:\n]{{3,24}}: (?P<named>{_FILE})>",
    re.IGNORECASE,
)
_OMITTED = re.compile(
    r"(?:\u200e(?P<what>[^\n\u200e:]{2,30}?) (?:omitted|weggelassen|ausgelassen|omitid[oa]|ocultad[oa]"
    r"|absente?|omess[oa]|weggelaten|опущено|пропущено|pominięt[oaey]|utelatt|utelämnad)"
    r"|\A(?P<plain>image|video|audio|sticker|gif|document|contact card) omitted)\Z",
    re.IGNORECASE,
)
_KINDS = (
    (re.compile(r"sticker|стикер|naklejk", re.IGNORECASE), "sticker"),
    (re.compile(r"v[ií]d[eé]o|видео|wideo", re.IGNORECASE), "video"),
    (re.compile(r"audio|áudio|аудио|voice|sprach", re.IGNORECASE), "audio"),
    (
        re.compile(r"image|bild|imagen|immagine|afbeelding|gif|photo|foto|изображение|obraz", re.IGNORECASE),
        "image",
    ),
)
_PLACE = re.compile(r"\u200e?(?:[^:\n]{1,30}: )?https://maps\.google\.com/\S*", re.IGNORECASE)
_MENTION = re.compile("@\u2068([^\u2068\u2069\n]{1,80})\u2069|@(\\d{7,15})(?!\\d)")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that begins a message, or a notice of the app when there is no sender."""

    numbers: Numbers  # of the date, as they stand
    at: time
    to_the_second: bool
    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """What is left of a message when what the app wrote is taken away. `reason`: why nothing is."""

    words: str
    attachments: tuple[Attachment, ...] = ()
    reason: str | None = None


def begins(line: str) -> Line | None:
    """None: the line goes on with the message before it."""
    found = _LINE.fullmatch(line)
    if not found:
        return None
    hour = int(found["hour"])
    if half := found["before"] or found["after"]:
        hour = hour % 12 + (12 if _AFTERNOON.match(half) else 0)
    try:
        at = time(hour, int(found["minute"]), int(found["second"] or 0))
    except ValueError:
        return None
    numbers = (int(found["one"]), int(found["two"]), int(found["three"]))
    said = _SAID.fullmatch(found["rest"])
    sender, text = (name_of(said["who"]), said["text"] or "") if said else ("", found["rest"])
    return Line(numbers, at, found["second"] is not None, sender, text)


def name_of(written: str) -> str:
    """The sender without the app's marks and the tilde before names that are not in the address book."""
    name = re.sub(_MARK, "", written).strip()
    return name.removeprefix("~").strip()


def key_of(sender: str) -> str:
    """A phone number in one spelling; other names as they are."""
    return "+" + re.sub(r"\D", "", sender) if is_phone(sender) else sender


def is_phone(sender: str) -> bool:
    return bool(_PHONE.fullmatch(sender))


def said(text: str, own: Collection[str] = ()) -> Said:
    """The words of a message. What stands for media hangs on it; an invisible mark tells other notices.

    `own` are the names the owner goes by there: mentioned, they are no secret.
    """
    text = _EDITED.sub("", text)
    bare = text.strip("\u200e\u200f \n")
    if _DELETED.fullmatch(bare):
        return Said("", reason="deleted")
    attachments: list[Attachment] = []

    def hang(found: re.Match[str]) -> str:
        attachments.append(attachment(found["marked"] or found["bare"] or found["named"]))
        return ""

    text = _ATTACHED.sub(hang, text)
    if omitted := _OMITTED.search(text):
        kind = next((kind for pattern, kind in _KINDS if pattern.search(omitted[0])), "file")
        attachments.append(Attachment(kind))
        text = text[: omitted.start()]
    if _LEFT_OUT.fullmatch(bare):
        attachments.append(Attachment("file"))
        text = ""
    if _PLACE.fullmatch(bare):
        return Said("", reason="a place, not words")
    if text.startswith("\u200e") and not attachments:
        return Said("", reason="a system message")

    def who(found: re.Match[str]) -> str:
        name = name_of(found[1]) if found[1] else f"+{found[2]}"
        if name in own and not is_phone(name):
            return f"@{name.split()[0]}"
        return "@" + marked("person", f"whatsapp:{key_of(name)}")

    words = _MENTION.sub(who, text).strip("\u200e \n")
    if not words or words == "null":  # null: seen once, and gone
        return Said("", tuple(attachments), "no words in it")
    return Said(words, tuple(attachments))
