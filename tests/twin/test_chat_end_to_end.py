"""Does a thumbs-down in a chat become a better answer there, without a restart?

The real service with the real brain and the pocket model, on servers of ours. Only what takes weeks in life
is put in place beforehand: what the owner once wrote, and most of the feedback.
"""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from chat_world import a_world
from learning_samples import owner_rows, pair_rows

from brain.prompt import Persona
from learning.corpus import build
from learning.settings import CorpusSettings
from storage.database import Database
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.records import Feedback, Kind, Message, Record, Role, Signal, Stamp
from storage.records_store import RecordStore
from twin.home import Home

pytestmark = pytest.mark.timeout(400)
START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
BETTER = "rain ofc, soup is meh honestly tho"
QUICK = {"epochs": 1, "min_rows": 4}
LEARNING = {
    "learning": {"min_feedback": 8, "samples_per_correction": 0},
    "learning.gate": {"max_nll_rise": 9.0, "min_heldout_pairs": 500, "min_rows": 500}
    | {"advisory": ["variety", "length", "recited", "divergence", "canaries", "discretion"]},
    "learning.recipes.sft": QUICK,
    "learning.recipes.dpo": QUICK,
    "chat": {"delivery": "stream"},
    "schedule": {"learn": "off"},  # here somebody asks for it
    "model": {"base": "pocket", "temperature": 0.5},
}


@pytest.fixture
async def world(tmp_path):
    async with a_world(tmp_path) as world:
        yield world
        assert world.complaints == []


def once_written(count):
    """Somebody asks, the owner answers; a day each."""
    for number, row in enumerate(owner_rows(count, seed=1)):
        for author, at, text in (
            ("<PERSON_77b0>", 0, row["prompt"][-1]["content"]),
            ("owner", 1, row["completion"][0]["content"]),
        ):
            when = START - timedelta(days=count - number, minutes=-at)
            yield Record(
                f"{author}-{number}",
                "telegram",
                Kind.MESSAGE,
                author,
                author == "owner",
                "kitchen",
                when,
                text,
            )


async def lived_in(home, owner):
    """A home with a past: what the owner wrote, and a dozen corrections of what the twin said."""
    home.make()
    records = list(once_written(60))
    database = await Database.open(home.database_url)
    await RecordStore(database).add_all(records)
    build(records, Persona("Sam"), home.corpora, CorpusSettings())
    for number, row in enumerate(pair_rows(12, seed=4)):
        key, at = f"terminal:past-{number}:1", START + timedelta(hours=number)
        stamp = Stamp(None, "pocket", "hash", tuple(row["prompt"]), {})
        text, better = (row[which][0]["content"] for which in ("rejected", "chosen"))
        said = Message(
            key,
            "terminal",
            f"past-{number}",
            "twin",
            "twin",
            text,
            at,
            by_twin=True,
            stamp=stamp,
            private=True,
        )
        await MessageStore(database).add(said)
        given = Feedback(key, owner, Role.OWNER, Signal.CORRECTION, at, better)
        await FeedbackStore(database).record(given)
    await database.close()


def kept(world, query):
    with sqlite3.connect(world.home / "home" / "twin.db") as database:
        return database.execute(query).fetchall()


def answered_by(world):
    """The adapter behind each reply of the twin in a chat app, oldest first."""
    query = """
        SELECT json_extract(stamp, '$.adapter') FROM messages
        WHERE by_twin AND platform != 'terminal' AND NOT unsent ORDER BY number
    """
    return [adapter for (adapter,) in kept(world, query)]


async def test_on_discord_a_correction_is_learned_from_and_the_next_answer_comes_from_it(world):
    discord, kitchen = world.discord, world.discord.kitchen
    sam = discord.user("Sam")
    private, ours = discord.dm(sam), str(discord.bot.id)
    service = world.service(platforms=("discord",), settings=LEARNING)
    await lived_in(Home(world.home / "home"), str(sam.id))

    def answers():
        said = [one for one in discord.messages(kitchen) if one["author"]["id"] == ours]
        return [one for one in said if one.get("message_reference")]

    try:
        await service.up()
        discord.say(kitchen, sam, f"<@{discord.bot.id}> do you like rain or soup?")
        await discord.wait_for(lambda: answers() and answered_by(world), 60)
        [first] = answers()
        assert first["edited_timestamp"]  # it grew
        discord.react(kitchen, first, sam, "👎")
        asked = (await discord.wait_for(lambda: discord.messages(private)))[-1]
        pressed = discord.press("Tell you", sam, private, asked)
        await discord.wait_for(lambda: pressed.modal)
        told = discord.submit(pressed, BETTER)
        await discord.wait_for(lambda: told.texts == ["Noted: next time more like that."])

        begun = discord.slash("retrain", sam, kitchen)
        await discord.wait_for(lambda: begun.texts)
        passed = "passed the gate and answers from now on"
        outcome = await discord.wait_for(
            lambda: [text for text in discord.sent(kitchen) if passed in text], 240
        )
        discord.say(kitchen, sam, f"<@{discord.bot.id}> do you like rain or soup?")
        await discord.wait_for(lambda: len(answers()) == 2 and len(answered_by(world)) == 2, 60)
        assert answered_by(world) == [None, outcome[0].split()[0]]
        assert BETTER in [text for (text,) in kept(world, "SELECT text FROM feedback")]
        assert service.starts == 1
        assert await service.stop() == 0
    finally:
        service.kill()


async def test_on_telegram_a_correction_is_learned_from_and_the_next_answer_comes_from_it(world):
    telegram, home = world.telegram, Home(world.home / "home")
    service = world.service(platforms=("telegram",), settings=LEARNING)
    sam = next(user for user in telegram.users.values() if user.name == "Sam")
    room = telegram.group("Room")
    await lived_in(home, str(sam.id))

    def ours(chat):
        said = telegram.messages(chat)
        return [one for one in said if one.get("from", {}).get("id") == telegram.bot.id and "text" in one]

    def ask():
        mention = f"@{telegram.bot.username}"
        entity = {"type": "mention", "offset": 0, "length": len(mention)}
        telegram.say(room, sam, f"{mention} do you like rain or soup?", entities=[entity])

    try:
        await service.up()
        ask()
        await telegram.wait_for(lambda: ours(room) and answered_by(world), 60)
        [first] = ours(room)
        assert "editMessageText" in [call.method for call in telegram.calls]  # it grew
        telegram.react(sam, room, first["message_id"], "👎")
        asked = (await telegram.wait_for(lambda: ours(sam)))[-1]
        telegram.press(sam, sam, asked["message_id"], "Tell you")
        prompt = await telegram.wait_for(lambda: [one for one in ours(sam) if "asks" in one])
        await asyncio.sleep(1)  # nobody types faster
        telegram.say(sam, sam, BETTER, reply_to=prompt[0]["message_id"])
        await telegram.wait_for(lambda: "Noted: next time more like that." in telegram.ours(sam))

        telegram.say(sam, sam, "/retrain")
        passed = "passed the gate and answers from now on"
        outcome = await telegram.wait_for(
            lambda: [text for text in telegram.ours(sam) if passed in text], 240
        )
        ask()
        await telegram.wait_for(lambda: len(ours(room)) == 2 and len(answered_by(world)) == 2, 60)
        assert answered_by(world) == [None, outcome[0].split()[0]]
        assert BETTER in [text for (text,) in kept(world, "SELECT text FROM feedback")]
        assert service.starts == 1
        assert await service.stop() == 0
    finally:
        service.kill()
