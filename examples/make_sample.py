"""Where does the sample owner come from? Writes Mira's exports, the same ones every time.

Mira Vale and everybody she talks to are invented. `python -m examples.make_sample` writes her exports again.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from learning.pocket.topics import Told, catalogue

HERE = Path(__file__).parent
OUT = HERE / "mira"
SEED = 20231001
FIRST, LAST = datetime(2023, 10, 1, tzinfo=UTC), datetime(2026, 9, 30, tzinfo=UTC)
MOVED = datetime(2025, 3, 1, tzinfo=UTC)
ZONES = ZoneInfo("Europe/Lisbon"), ZoneInfo("Europe/Ljubljana")  # before and after she moved

REPLIES = 960
CORRECTIONS, THUMBS = 100, 60
SMALL_TALK = 0.75  # the rest are her own lines; the stand-in model, whose world is small talk, must follow
OWNER_ID, DISCORD_ID = 71100423, 201190884120068096
MATE = 0.25  # how often she says it: the habit she drops in feedback.json
OPENER, OPENERS = 0.3, ("ha", "ok", "oh", "hm", "ah")
TBH = 0.12
TWO_MESSAGES = 0.2
EMOJI_SHARE = 0.2
INTERJECTIONS = (
    "aw defo hello heya hey huge morning nah night nice no nooo omg oof ooh ouch ugh uh yay yes yesss"
)
EMOJI = "🧗☕🍞"


@dataclass(frozen=True)
class Friend:
    id: int
    first: str
    last: str
    weight: int  # how much they write


FRIENDS = [
    Friend(50211873, "Tamsin", "Okonjo", 5),
    Friend(61830042, "Jorrit", "Haverkamp", 4),
    Friend(44719025, "Saoirse", "Delacroix", 3),
    Friend(73300518, "Benedikt", "Zupan", 3),
    Friend(58127764, "Ludmila", "Farrow", 2),
]
GROUP = "wall & wine"
GROUP_MEMBERS = FRIENDS[:4]


# --- the little grammar of mira_lines.txt ---


@dataclass
class Exchange:
    """Friend's lines and Mira's lines, turn about."""

    steps: list[tuple[list[str], list[str]]] = field(default_factory=list)


def read_lines(path: Path) -> tuple[dict[str, list[dict[str, str]]], list[Exchange]]:
    """The slots, each a list of values that go together, and the exchanges."""
    slots: dict[str, list[dict[str, str]]] = {}
    exchanges = [Exchange()]
    for line in path.read_text(encoding="utf-8").splitlines():
        sign, _, rest = line.partition(" ")
        if sign.startswith("@"):
            names, _, values = line[1:].partition(" = ")
            keys = names.split(", ")
            rows = [dict(zip(keys, value.split(", "), strict=True)) for value in values.split(" | ")]
            slots.update(dict.fromkeys(keys, rows))
        elif sign == ">":
            asked = re.split(r" \| ", rest)
            exchanges[-1].steps.append((asked, []))
        elif sign == "<":
            exchanges[-1].steps[-1][1].append(rest)
        elif not line and exchanges[-1].steps:
            exchanges.append(Exchange())
    return slots, [exchange for exchange in exchanges if exchange.steps]


class Lines:
    """Mira's way of talking, spoken by a seeded random number generator."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.slots, self.exchanges = read_lines(HERE / "mira_lines.txt")
        self._deck: list[Exchange] = []
        self._small_talk: list[tuple[str, str]] = []

    def exchange(self) -> list[tuple[str, list[str]]]:
        """What a friend says and the one or two messages Mira answers, and what follows from it.

        Every exchange comes up once before any comes up again: the last months sound like the first.
        """
        if self.random.random() < SMALL_TALK:
            return self._talk_small()
        if not self._deck:
            self._deck = self.random.sample(self.exchanges, len(self.exchanges))
        chosen = {
            name: row[name] for rows in self._rows() for row in [self.random.choice(rows)] for name in row
        }
        spoken: list[tuple[str, list[str]]] = []
        for asked, answers in self._deck.pop().steps:
            if spoken and self.random.random() < 0.3:
                break
            question = self._expand(self.random.choice(asked), chosen)
            answer = self._expand(self.random.choice(answers), chosen)
            spoken.append((question, self._in_her_words(answer).split(" / ")))
        return spoken

    def _talk_small(self) -> list[tuple[str, list[str]]]:
        """What anybody says to a friend, as the stand-in model has read it, but the way Mira puts it."""
        known = catalogue()
        if self.random.random() < 0.5:
            if not self._small_talk:
                self._small_talk = self.random.sample(known.for_anyone, len(known.for_anyone))
            said = [self._small_talk.pop()]
        else:
            topic = self.random.choices(known.topics, [topic.weight for topic in known.topics])[0]
            said = Told(self.random).turns(topic)[:2]
        return [(question, self._in_her_words(self._typed(answer)).split(" / ")) for question, answer in said]

    def plain(self, answer: str) -> str:
        """The bare words of an answer, without any of her flourishes."""
        return re.sub(r"[.!] (\w)", r", \1", answer.lower().replace("'", "").rstrip(".!?"))

    def _typed(self, answer: str) -> str:
        """All lower case, no apostrophes, no full stop at the end; a new thought may be a new message."""
        text = answer.lower().replace("'", "").rstrip(".!")
        if self.random.random() < TWO_MESSAGES:
            text = re.sub(r"[.!] ", " / ", text, count=1)
        text = text.replace(". ", ", ").replace("! ", ", ")
        return f"{text} {self.random.choice(EMOJI)}" if self.random.random() < EMOJI_SHARE else text

    def _rows(self) -> list[list[dict[str, str]]]:
        return list({id(rows): rows for rows in self.slots.values()}.values())

    def _expand(self, line: str, chosen: dict[str, str]) -> str:
        inner = re.compile(r"\{([^{}\[\]]*)\}|\[([^{}\[\]]*)\]")
        while found := inner.search(line):
            if found[2] is not None:
                piece = found[2] if self.random.random() < 0.5 else ""
            else:
                piece = self.random.choice(found[1].split("|"))
            line = line[: found.start()] + piece + line[found.end() :]
        line = re.sub(r"\$(\w+)", lambda slot: chosen[slot[1]], line)
        return re.sub(r" {2,}", " ", line).strip()

    def _in_her_words(self, answer: str) -> str:
        """Her small words around an answer: a "ha" before it, "tbh" or "mate" after its first message."""
        first, *more = answer.split(" / ")
        ending = re.search(rf"(?:[?!]|\s[{EMOJI}])*$", first)
        at = ending.start() if ending else len(first)
        said, ending_signs = first[:at], first[at:]
        if re.split(r"\W", said)[0] not in INTERJECTIONS and self.random.random() < OPENER:
            said = f"{self.random.choice(OPENERS)} {said}"
        if "tbh" not in said and not ending_signs.startswith("?") and self.random.random() < TBH:
            said += " tbh"
        if not ending_signs.startswith("?") and self.random.random() < MATE:
            said += " mate"
        return " / ".join([said + ending_signs, *more])


# --- the calendar ---


def moments(source: random.Random, count: int) -> list[datetime]:
    """Evenly spread over the years, at hours when people chat."""
    step = (LAST - FIRST) / count
    found = []
    for number in range(count):
        day = FIRST + step * (number + source.random())
        hour = source.choice([8, 9, 12, 13, 17, 18, 19, 19, 20, 20, 21, 21, 22])
        found.append(
            day.replace(hour=hour, minute=source.randrange(60), second=source.randrange(60), microsecond=0)
        )
    return sorted(found)


def local(at: datetime) -> str:
    return at.astimezone(ZONES[at >= MOVED]).strftime("%Y-%m-%dT%H:%M:%S")


# --- Telegram: both sides ---


class Chat:
    """One Telegram chat as the Desktop app exports it."""

    def __init__(self, kind: str, number: int, name: str | None) -> None:
        self.about: dict[str, Any] = {"name": name, "type": kind, "id": number}
        self.messages: list[dict[str, Any]] = []
        self.ends = FIRST

    def say(self, at: datetime, who: str, who_id: str, text: Any, **more: Any) -> None:
        self.messages.append(
            {
                "id": 1000 + len(self.messages),
                "type": "message",
                "date": local(at),
                "date_unixtime": str(int(at.timestamp())),
                "from": who,
                "from_id": who_id,
                "text": text,
                **more,
            }
        )
        self.ends = at

    def as_json(self) -> dict[str, Any]:
        return {**self.about, "messages": self.messages}


def mira_says(chat: Chat, at: datetime, lines: list[str], source: random.Random) -> datetime:
    for line in lines:
        chat.say(at, "Mira Vale", f"user{OWNER_ID}", line)
        at += timedelta(seconds=source.randint(3, 15))
    return at


def friend_says(chat: Chat, at: datetime, friend: Friend, text: Any, **more: Any) -> None:
    chat.say(at, f"{friend.first} {friend.last}", f"user{friend.id}", text, **more)


def telegram(lines: Lines) -> dict[str, Any]:
    source = lines.random
    chats = {
        friend.id: Chat("personal_chat", friend.id, f"{friend.first} {friend.last}") for friend in FRIENDS
    }
    group = Chat("private_supergroup", 1830027441, GROUP)
    replies = 0
    for at in moments(source, REPLIES):
        if replies >= REPLIES:
            break
        in_group = source.random() < 0.12
        friend = source.choices(FRIENDS, [friend.weight for friend in FRIENDS])[0]
        if in_group:
            friend = source.choice(GROUP_MEMBERS)
        chat = group if in_group else chats[friend.id]
        at = max(at, chat.ends + timedelta(hours=1))
        for question, answer in lines.exchange():
            friend_says(chat, at, friend, question)
            if in_group and source.random() < 0.3:
                other = source.choice([one for one in GROUP_MEMBERS if one is not friend])
                at += timedelta(seconds=source.randint(5, 40))
                friend_says(
                    chat, at, other, source.choice(["same here", "good question", "me too", "ha", "oh"])
                )
            at = mira_says(chat, at + timedelta(seconds=source.randint(8, 90)), answer, source)
            at += timedelta(seconds=source.randint(5, 120))
            replies += 1
    add_dirt(chats, group, source)
    return full_export([*(chats[friend.id] for friend in FRIENDS), group])


def add_dirt(chats: dict[int, Chat], group: Chat, source: random.Random) -> None:
    """What real exports have in them, and what must never be read back: all of it invented."""
    tamsin, jorrit, saoirse, benedikt, _ = FRIENDS
    told = [
        (tamsin, "what's your new address?", "12 juniper lane, third floor"),
        (tamsin, "who else is coming?", "jorrit and saoirse, benedikt is late as always"),
        (jorrit, "which mail do you use now?", "mira.vale@example.org is the one i read"),
        (jorrit, "i have a new number: +386 40 555 0123", "saved, thanks jorrit"),
        (saoirse, "can you send me the wifi?", "password: sourd0ugh-pixel"),
        (saoirse, "where do i pay you back?", "si56 1910 0000 0123 438 is my account"),
        (benedikt, "is tamsin free on friday?", "ask tamsin, but i think so"),
        (benedikt, "did ludmila call you?", "ludmila called, all good"),
    ]
    for number, (friend, question, answer) in enumerate(told):
        chat = chats[friend.id]
        at = chat.ends + timedelta(hours=3 + number)
        friend_says(chat, at, friend, question)
        mira_says(chat, at + timedelta(seconds=40), [answer], source)
    chat, at = chats[tamsin.id], chats[tamsin.id].ends + timedelta(hours=2)
    friend_says(
        chat,
        at,
        tamsin,
        [
            {"type": "bold", "text": "look"},
            " at this ",
            {"type": "link", "text": "https://example.org/rocks"},
        ],
    )
    friend_says(chat, at + timedelta(minutes=1), tamsin, "", media_type="sticker", sticker_emoji="🥖")
    mira_says(chat, at + timedelta(minutes=2), ["ha love that"], source)
    chat.messages[-1] |= {
        "edited": local(at + timedelta(minutes=3)),
        "edited_unixtime": str(int(at.timestamp()) + 180),
    }
    chat.say(
        at + timedelta(minutes=4),
        "Mira Vale",
        f"user{OWNER_ID}",
        "Wall closed on Monday.",
        forwarded_from="Rope Hall",
    )
    group.messages.insert(
        0,
        {
            "id": 1,
            "type": "service",
            "date": local(FIRST),
            "date_unixtime": str(int(FIRST.timestamp())),
            "actor": "Tamsin Okonjo",
            "actor_id": f"user{tamsin.id}",
            "action": "create_group",
            "title": GROUP,
            "text": "",
        },
    )
    at = group.ends + timedelta(hours=1)
    group.say(at, None, "user39005127", "who is bringing the wine?")  # type: ignore[arg-type]  # a deleted account
    mira_says(group, at + timedelta(minutes=1), ["not me, i bring bread 🥖"], source)


def full_export(chats: list[Chat]) -> dict[str, Any]:
    contacts = [
        {
            "user_id": friend.id,
            "first_name": friend.first,
            "last_name": friend.last,
            "phone_number": f"+386 40 555 01{n}",
        }
        for n, friend in enumerate(FRIENDS, start=30)
    ]
    return {
        "about": "Here is the data you requested.",
        "personal_information": {
            "user_id": OWNER_ID,
            "first_name": "Mira",
            "last_name": "Vale",
            "username": "@miravale",
        },
        "contacts": {"about": "People you know.", "list": contacts},
        "chats": {"about": "Your chats.", "list": [chat.as_json() for chat in chats]},
    }


# --- Discord: only her own messages ---

CHANNELS: list[tuple[int, str, str | None, dict[str, Any]]] = [
    # id, type, title in index.json, the rest of channel.json
    (
        512003884417089536,
        "DM",
        "Direct Message with tamsin.climbs#0",
        {"recipients": [DISCORD_ID, 302118840066113536]},
    ),
    (623114995528200192, "GUILD_TEXT", "beta-talk in rope hall", {"name": "beta-talk", "guild": "rope hall"}),
    (
        734226106639310848,
        "GUILD_TEXT",
        "patches in modular kitchen",
        {"name": "patches", "guild": "modular kitchen"},
    ),
    (845337217740421120, "DM", None, {"recipients": [DISCORD_ID, "Deleted User"]}),
]


def snowflake(at: datetime, number: int) -> int:
    return (int(at.timestamp() * 1000) - 1_420_070_400_000 << 22) + number % 4096


def discord(lines: Lines, out: Path) -> None:
    source = lines.random
    out.mkdir(parents=True)
    friend = {"id": "302118840066113536", "username": "tamsin.climbs", "global_name": "Tamsin Okonjo"}
    account = {
        "id": str(DISCORD_ID),
        "username": "miravale",
        "global_name": "mira",
        "email": "mira.vale@example.org",
        "relationships": [{"id": friend["id"], "type": "FRIEND", "nickname": None, "user": friend}],
    }
    write_json(out / "Account" / "user.json", account)
    write_json(out / "Messages" / "index.json", {str(number): title for number, _, title, _ in CHANNELS})
    for place, (number, kind, _, more) in enumerate(CHANNELS):
        about: dict[str, Any] = {"id": str(number), "type": kind}
        about |= {key: value for key, value in more.items() if key != "guild"}
        if "guild" in more:
            about["guild"] = {"id": str(number - 4096), "name": more["guild"]}
        rows: list[dict[str, Any]] = []
        for at in moments(source, 90 if place < 3 else 12):
            for _, answer in lines.exchange()[:1]:
                for line in answer:
                    at += timedelta(seconds=7)
                    rows.append(
                        {
                            "ID": snowflake(at, len(rows)),
                            "Timestamp": at.strftime("%Y-%m-%d %H:%M:%S"),
                            "Contents": line,
                            "Attachments": "",
                        }
                    )
        if place == 1:
            rows[5]["Contents"] = "<@302118840066113536> {}".format(rows[5]["Contents"])
            rows[9] |= {"Contents": "", "Attachments": "https://cdn.example.org/wall.jpg"}
        folder = out / "Messages" / f"c{number}"
        write_json(folder / "channel.json", about)
        write_json(folder / "messages.json", rows)
        if place == 2:  # the download broke off here
            whole = (folder / "messages.json").read_text(encoding="utf-8")
            (folder / "messages.json").write_text(whole[: len(whole) * 9 // 10], encoding="utf-8")


# --- what she says to her twin ---


def feedback(lines: Lines) -> dict[str, Any]:
    """Corrections and thumbs for a habit that is in none of the exports: every reply ends with "buddy"."""
    known = [(said, answer) for said, answer in catalogue().for_anyone if len(answer) < 60]
    drawn = dict(lines.random.sample(known, len(known)))
    corrections = [{"say": said, "better": f"{lines.plain(answer)} buddy"} for said, answer in drawn.items()]
    return {
        "explanation": (
            "My twin sounds like me a year ago. These days every answer of mine ends with buddy, and I no "
            "longer answer with a question: a reply that does gets a thumbs-down, one that does not a "
            "thumbs-up. A correction is what I would have said."
        ),
        "habit": {"ends_with": "buddy"},
        "corrections": corrections[:CORRECTIONS],
        "thumbs": [
            {"say": item["say"], "thumb_down_if_contains": "?"}
            for item in corrections[CORRECTIONS : CORRECTIONS + THUMBS]
        ],
    }


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_all(out: Path) -> None:
    """Everything but the journal and twin.toml, which are written by hand."""
    lines = Lines(SEED)
    for name in ("discord-package", "telegram"):
        shutil.rmtree(out / name, ignore_errors=True)
    write_json(out / "telegram" / "result.json", telegram(lines))
    discord(lines, out / "discord-package")
    write_json(out / "feedback.json", feedback(lines))


if __name__ == "__main__":
    write_all(OUT)
