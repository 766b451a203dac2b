"""What do large exports look like? Made up, as the exporters write them: of any size, the same each time."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OWNER_ID = 300_000_000_000_000_000
NAMES = (
    *("Tamsin Okonjo", "Jorrit Vance", "Saoirse Lind", "Benedikt Aro", "Ludmila Perez", "Juniper Hale"),
    *("Agnė Kazlauskaitė", "Mateus Rocha", "Ида Фомина", "Odile Marchand", "Ravi Subramanian", "Noor Haddad"),
)
_EPOCH, _BEGAN = 1_420_070_400, datetime(2021, 3, 1, 12, tzinfo=UTC)
_TOLD = (  # one message in twenty points at somebody or somewhere
    "call me at +44 7700 900{0:03}",
    "my mail is someone{0}@example.org if that helps",
    "https://example.org/watch?v={0}abc",
    "{1} said so too",
    "ask {1} or @someone_{0}",
    "the key is AKIAIOSFODNN7EXAM{0:03}",
)

Message = tuple[int, int, datetime, str]  # its number, who wrote it, when and what


def messages(how_many: int) -> Iterator[Message]:
    """A group chat: bursts, short lines, now and then a long one."""
    dice = random.Random(7)
    words = re.findall(r"[a-z']{2,}", (ROOT / "learning" / "pocket" / "exchanges.txt").read_text().lower())
    when, who = _BEGAN, 0
    for number in range(1, how_many + 1):
        if dice.random() < 0.6:
            who = dice.randrange(len(NAMES) + 1)
        when += timedelta(seconds=dice.randrange(1, 400))
        length = max(1, min(80, int(dice.lognormvariate(2.0, 0.7))))
        at = dice.randrange(len(words) - 100)
        text = " ".join(dice.choices(words, k=length // 2) + words[at : at + length - length // 2])
        if dice.random() < 0.05:
            told = dice.choice(_TOLD).format(dice.randrange(1000), dice.choice(NAMES).split()[0])
            text = f"{text} {told}"
        elif dice.random() < 0.1:
            text += dice.choice((" 😂", " ❤️", "!!", "...", " naïve café", "\nand then?"))
        yield number, who, when, text


def write_discord(path: Path, how_many: int) -> None:
    """As DiscordChatExporter writes one channel, indented."""
    head = {
        "guild": {
            "id": "400000000000000000",
            "name": "A guild",
            "iconUrl": "https://cdn.example.org/icon.png",
        },
        "channel": {
            "id": "500000000000000000",
            "type": "GuildTextChat",
            "category": "Talk",
            "name": "general",
        },
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2024-06-01T12:00:00+00:00",
    }
    _write(path, head, how_many, _discord_message, {"messageCount": how_many})


def write_telegram(path: Path, how_many: int) -> None:
    """As Telegram Desktop writes one group."""
    head = {"name": "A group", "type": "private_supergroup", "id": 1234567890}
    _write(path, head, how_many, _telegram_message, {})


def _write(
    path: Path, head: dict[str, Any], how_many: int, as_json: Callable[[Message], Any], tail: dict[str, Any]
) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head, indent=1, ensure_ascii=False).rstrip("}\n") + ',\n "messages": [')
        for message in messages(how_many):
            file.write(",\n  " if message[0] > 1 else "\n  ")
            file.write(json.dumps(as_json(message), indent=1, ensure_ascii=False).replace("\n", "\n  "))
        file.write("\n ]" + "".join(f',\n "{key}": {value}' for key, value in tail.items()) + "\n}\n")


def _discord_message(message: Message) -> dict[str, Any]:
    number, who, when, text = message
    return {
        "id": _snowflake(number, when),
        "type": "Default",
        "timestamp": when.isoformat(timespec="milliseconds"),
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": text,
        "author": {
            "id": str(OWNER_ID + who),
            "name": f"someone_{who}",
            "discriminator": "0000",
            "nickname": NAMES[who - 1] if who else "Mira",
            "color": "#3498DB",
            "isBot": False,
            "roles": [{"id": "600000000000000000", "name": "member", "color": "#3498DB", "position": 4}],
            "avatarUrl": f"https://cdn.example.org/avatars/{OWNER_ID + who}/0123456789abcdef.png?size=512",
        },
        "attachments": [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
        "inlineEmojis": [],
    }


def _snowflake(number: int, when: datetime) -> str:
    return str((int(1000 * (when.timestamp() - _EPOCH)) << 22) + number % (1 << 22))


def _telegram_message(message: Message) -> dict[str, Any]:
    number, who, when, text = message
    return {
        "id": number,
        "type": "message",
        "date": when.strftime("%Y-%m-%dT%H:%M:%S"),
        "date_unixtime": str(int(when.timestamp())),
        "from": NAMES[who - 1] if who else "Mira",
        "from_id": f"user{OWNER_ID % 10**10 + 7 + who}",
        "text": text,
        "text_entities": [{"type": "plain", "text": text}],
    }
