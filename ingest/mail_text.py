"""What did the sender of a mail write themselves? Not what they quoted, nor what ends every mail."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"\s?>")
_SIGNATURE = re.compile(r"--\s?")
_ATTRIBUTION = re.compile(  # "On Mon, 5 Jan 2024 at 11:30, Tam <tam@example.org> wrote:", with a date in it
    r"(?=[^\n]*\d)(?:On|Am|Le|El|Em|Il|Op|Den|Dne|Dana|W dniu|Dnia|В|\d{1,4}[./-]\d{1,2})\b[^\n]{0,400}"
    r"(?:wrote|schrieb|écrit|escribió|escreveu|ha scritto|schreef|skrev|napsala?|napisala?"
    r"|napisał(?:\(a\)|a)?|написала?|пишет)[^\n]{0,100}:"
    r"|\d{1,4}[./-]\d{1,2}[./-]\d{2,4}[^\n]{0,200}<[^<>\n]{3,200}>:"
)
_CUT = re.compile(  # all below is an earlier mail
    r"-{2,}\s?(?:Original Message|Forwarded message|Forwarded Message|Ursprüngliche Nachricht"
    r"|Message d'origine|Weitergeleitete Nachricht|Message transféré|Mensaje original|Mensagem original"
    r"|Messaggio originale|Oorspronkelijk bericht|Исходное сообщение)\s?-{2,}"
    r"|_{20,}|Begin forwarded message:",
    re.IGNORECASE,
)
_HEADER = re.compile(r"\*?(?:From|Von|De|Da|Van|От|Od|Från|Fra)\*?\s?:\*?\s\S.*")
_NEXT_HEADER = re.compile(
    r"\*?(?:Sent|Date|To|Gesendet|Datum|An|Envoyé|À|Enviado|Para|Inviato|A|Verzonden|Aan)\*?\s?:"
)
_DEVICE = re.compile(
    r"(?:Sent from|Get Outlook for|Sent via|Sent with|Gesendet von meinem|Von meinem .{1,40} gesendet"
    r"|Envoyé de mon|Enviado (?:desde|do|from)|Inviato da|Verstuurd vanaf|Отправлено с)\b.{0,100}",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    """The text without quotes, attributions, earlier mails, signature and the boast of the device."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        if _SIGNATURE.fullmatch(lines[at]) or _CUT.fullmatch(line) or _is_header(lines, at):
            break
        if length := _attribution(lines, at):
            at += length
            if not _goes_on_quoted(lines, at):
                break  # the quote below bears no marks: all of it goes
            continue
        if not _QUOTED.match(lines[at]):
            kept.append(lines[at].rstrip())
        at += 1
    while kept and (not kept[-1].strip() or _DEVICE.fullmatch(kept[-1].strip())):
        kept.pop()
    return "\n".join(kept).strip()


def unflowed(text: str, deletes_space: bool = False) -> str:
    """Lines that end in a blank go on in the next (RFC 3676); a signature's mark does not."""
    out: list[str] = []
    goes_on = False
    for line in text.replace("\r\n", "\n").split("\n"):
        quoted = line.startswith(">")
        plain = line[1:] if line.startswith(" ") else line
        if goes_on and not quoted and plain != "-- ":
            out[-1] += plain
        else:
            out.append(plain)
        goes_on = not quoted and plain.endswith(" ") and plain != "-- "
        if goes_on and deletes_space:
            out[-1] = out[-1][:-1]
    return "\n".join(out)


def _attribution(lines: list[str], at: int) -> int:
    """How many lines announce a quote here: one, two when it was wrapped, or none."""
    line = lines[at].strip()
    if not line or len(line) > 600:
        return 0
    if _ATTRIBUTION.fullmatch(line):
        return 1
    if at + 1 < len(lines) and _ATTRIBUTION.fullmatch(f"{line} {lines[at + 1].strip()[:200]}"):
        return 2
    return 0


def _goes_on_quoted(lines: list[str], at: int) -> bool:
    for line in lines[at : at + 5]:
        if line.strip():
            return bool(_QUOTED.match(line))
    return False


def _is_header(lines: list[str], at: int) -> bool:
    """Outlook puts the header of the earlier mail above it."""
    if not _HEADER.fullmatch(lines[at].strip()):
        return False
    return sum(bool(_NEXT_HEADER.match(line.strip())) for line in lines[at + 1 : at + 5]) >= 2
