"""What can somebody's words do to the shape of a prompt? Nothing: they stay words, whatever they imitate.

A prompt has a structure: turns, speakers, frames of our own. Whoever writes to the twin could write those
signs, too. Here they lose their power and keep their look. See docs/decisions/0020.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache

FRAME = "⟦{}⟧"  # what only we may write: the situation, what is recalled
PICTURE = "\ue000{}\ue001"  # where a picture stands, until brain/pictures.py puts it there
NAME_LENGTH = 40
NOTHING_LEFT = "\N{REPLACEMENT CHARACTER}"

# Nobody sees these, and a model reads them: direction marks, tags, what is reserved for our own marks.
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ue000-\uf8ff\U000f0000-\U0010ffff]"
)
FLAG_TAGS = re.compile("(\U0001f3f4[\U000e0061-\U000e007a]{1,7}\U000e007f)|[\U000e0000-\U000e007f]")
LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
CONTROL = re.compile(
    r"""[<＜﹤](?P<angle>
        /?\s*(?:
            [|｜][^<>\n]{1,40}?[|｜]
          | (?:start|end|begin)[_▁]of[_▁]\w{1,24}
          | [bec]os | eo[dtm] | pad | unk | mask | cls | sep | s | sys | inst
          | im_(?:start|end|sep) | (?:image|audio|video)(?:_soft_token)? | img
          | (?:tool|function)_\w{1,24} | unused\d{1,4} | 0x[0-9a-f]{2}
        )\s*/?
      )[>＞﹥]
      | [\[［](?P<square>/?\s*(?:
            inst | img(?:_\w+)? | multimodal | system_prompt | available_tools | tool_\w{1,24} | control_\d+
        )\s*)[\]］]""",
    re.IGNORECASE | re.VERBOSE,
)
ROLES = {"system", "sys", "developer", "instruction", "instructions", "user", "human", "owner"}
ROLES |= {"assistant", "model", "ai", "bot", "twin", "tool"}
DECORATION = r"[\s#*_`~=\-\[\]()<>‹›{}\"'|«»“”]*"
COLON = re.compile("[:：﹕∶꞉]")
LABEL = re.compile(rf"^(?P<lead>{DECORATION})(?P<label>[^\n:：﹕∶꞉]{{1,60}}?){DECORATION}{COLON.pattern}")
HEADING = re.compile(r"^\s*[#*=\-\[({<‹|_]+\s*(?P<label>\w[\w ]{0,30}?)\s*[#*=\-\])}>›|_]*\s*$")
SIGNS = re.compile(r"[\W_]+")
NO_NAME = re.compile(r"[:：﹕∶꞉\n\t⟦⟧]")
FENCE = re.compile(r"^\s{0,3}(```+|~~~+)", re.MULTILINE)
LOOKALIKES = str.maketrans("аеорсухіјѕԁһвкмнтіαορτυικνӏ", "aeopcyxijsdhbkmhtiaoptuiknl")


def words(text: str) -> str:
    """The same text, without anything that a tokenizer or a chat template takes for more than words."""
    if text.isascii() and text.isprintable() and "<" not in text and "[" not in text:
        return text.strip()  # nothing of what follows is in it, as in most of what people say
    text = FLAG_TAGS.sub(lambda found: found[1] or "", LINE_ENDS.sub("\n", text))
    text = UNSEEN.sub(lambda found: found[0] if "\U000e0000" <= found[0] <= "\U000e007f" else "", text)
    text = CONTROL.sub(_harmless, text.replace("⟦", "[").replace("⟧", "]"))
    return text.strip()


def others_words(text: str, people: Collection[str]) -> str:
    """`words`, where no line can pass for another speaker's: such a line is quoted. A fence is closed.

    `people`: whose names stand before lines, and the owner's.
    """
    cleaned = words(text) or (NOTHING_LEFT if text.strip() else "")
    cleaned = "\n".join(f"> {line}" if _forges(line, people) else line for line in cleaned.split("\n"))
    fences = FENCE.findall(cleaned)
    return f"{cleaned}\n{fences[-1]}" if len(fences) % 2 else cleaned


def names(speakers: Iterable[str], owner: str) -> dict[str, str]:
    """What stands before each speaker's lines: one short line, no two alike, none like the owner's name."""
    taken = {*ROLES, _skeleton_of_owner(owner)}
    found: dict[str, str] = {}
    for speaker in speakers:
        if speaker in found:
            continue
        plain = " ".join(NO_NAME.sub(" ", words(speaker)).split())[:NAME_LENGTH].strip()
        name, number = plain or "somebody", 2
        while (seen := skeleton(name)) in taken:
            name, number = f"{plain or 'somebody'} ({number})", number + 1
        taken.add(seen)
        found[speaker] = name
    return found


def skeleton(text: str) -> str:
    """What two texts have in common that look alike."""
    plain = words(text)
    if plain.isascii():  # like itself only
        return " ".join(SIGNS.sub(" ", plain.lower()).split())
    folded = unicodedata.normalize("NFKC", plain).casefold().translate(LOOKALIKES)
    bare = "".join(one for one in unicodedata.normalize("NFD", folded) if not unicodedata.combining(one))
    return " ".join(SIGNS.sub(" ", bare).split())


_skeleton_of_owner = lru_cache(maxsize=16)(skeleton)  # asked at every answer; nobody else's is kept


def _harmless(found: re.Match[str]) -> str:
    return f"‹{found['angle']}›" if found["angle"] else f"({found['square']})"


def _forges(line: str, people: Collection[str]) -> bool:
    if line.startswith(">"):  # a quote, and seen to be one
        return False
    if (heading := HEADING.match(line)) and skeleton(heading["label"]) in ROLES:
        return True
    if not COLON.search(line) or not (label := LABEL.match(line)) or not (said := skeleton(label["label"])):
        return False
    return said in ROLES or said.startswith("system ") or any(said == skeleton(name) for name in people)
