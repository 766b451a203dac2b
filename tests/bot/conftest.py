from __future__ import annotations

from types import SimpleNamespace

import pytest
from fakes import FakePlatform, ScriptedModel

from bot.authority import Authority
from bot.commands import BY_NAME, parse
from bot.drafts import Drafts
from bot.kept import Kept
from bot.on_command import Commands, on_command
from bot.on_message import Conversation, on_delete, on_edit, on_message
from bot.on_press import on_press
from bot.on_reaction import on_reaction_changed
from bot.owner_news import OwnerNews
from bot.platform import Invocation, Person, Press, Reaction
from bot.rhythm import Rhythm
from bot.settings import ChatSettings
from bot.turns import Turns
from brain.live_adapter import LiveAdapter
from brain.memory import Recall, Recaller
from brain.model_client import Sampling
from brain.prompt import Persona
from brain.reply import Brain
from storage.adapters import AdapterStore
from storage.chats import ChatStore, FactStore, PersonStore, QuestionStore
from storage.deliveries import DeliveryStore
from storage.feedback import FeedbackStore
from storage.memories import MemoryStore
from storage.messages import MessageStore
from storage.records import message_key, now
from storage.runs import RunStore

AT_ONCE = {"burst_seconds": 0, "speed": 0, "delivery": "stream", "takeover_minutes": 0}


@pytest.fixture
async def kitchen(sqlite_database):
    """A twin in a kitchen: a chat app, a scripted model, real stores, and the flow between them.

    The owner is "sam". `settings(...)` changes what is set; `restart()` is a new process.
    """
    place = SimpleNamespace(model=ScriptedModel(), platform=FakePlatform(), database=sqlite_database)
    place.messages, place.adapters = MessageStore(sqlite_database), AdapterStore(sqlite_database)
    place.feedback, place.runs = FeedbackStore(sqlite_database), RunStore(sqlite_database)
    place.live = LiveAdapter(place.adapters, place.model, "base")
    place.kept = Kept(
        place.messages,
        DeliveryStore(sqlite_database),
        place.feedback,
        ChatStore(sqlite_database),
        PersonStore(sqlite_database),
        QuestionStore(sqlite_database),
        FactStore(sqlite_database),
    )
    place.memories = MemoryStore(sqlite_database)
    place.brain = Brain(
        place.model,
        place.live,
        place.messages,
        Persona("Sam"),
        base_model="base",
        sampling=Sampling(),
        facts=place.kept.facts,
        memory=Recaller(place.memories, Recall()),
    )
    authority = Authority(accounts={"kitchen-app": "sam"}, trainers=["kitchen-app:tia"])

    def build(leases=None, holder="one", **chat):
        place.chat_settings = ChatSettings(**(AT_ONCE | chat))
        news = OwnerNews(authority, {place.platform.name: place.platform})
        turns = Turns(
            place.brain,
            place.kept,
            place.chat_settings,
            news,
            rhythm=Rhythm(),
            leases=leases,
            holder=holder,
        )
        drafts = Drafts(place.kept, news, place.chat_settings)
        place.talk = Conversation(
            place.kept, turns, drafts, news, place.chat_settings, demonstrate=demonstrate
        )
        place.started.append(turns)
        return place.talk

    async def demonstrate(question, answer):
        place.taught.append((question, answer))
        return bool(answer.strip())

    async def retrain(tell):
        place.retrains.append(tell)
        return "learning"

    async def promote(version):
        place.promoted.append(version)
        return f"{version} answers"

    place.started, place.taught, place.retrains, place.promoted = [], [], [], []
    place.commands = Commands(place.adapters, place.feedback, place.runs, "a stand-in", retrain, promote)
    place.settings = place.restart = build
    build()

    async def arrive(message):
        """It is kept; its answer is to come, or None."""
        return await on_message(message, place.platform, talk=place.talk)

    async def hear(message):
        """The answer to it, once it is there; None when there is none."""
        answer = await arrive(message)
        return await answer if answer else None

    async def edit(message):
        await on_edit(message, place.platform, talk=place.talk)

    async def delete(key):
        await on_delete(key, now(), place.platform, talk=place.talk)

    async def press(action, text=None, by="sam"):
        pressed = Press(action, Person("kitchen-app", by, by.title()), by, "1", now(), text)
        return await on_press(pressed, place.platform, talk=place.talk)

    async def command(line, by="sam", chat="kitchen", private=False, admin=False, about=None):
        """What comes of it; the owner gives it in the kitchen, where others are, unless said otherwise."""
        name, _, rest = line.partition(" ")
        words = parse(BY_NAME[name], rest) if name in BY_NAME else {}
        person = Person("kitchen-app", by, by.title(), is_admin=admin)
        given = Invocation(name, words, person, chat, private, now(), about=about)
        return await on_command(given, place.platform, talk=place.talk, commands=place.commands)

    async def react(message_id, emoji, by="tia", added=True, chat="kitchen"):
        key = message_key("kitchen-app", chat, message_id)
        reaction = Reaction(key, emoji, Person("kitchen-app", by, by.title()), now(), added)
        await on_reaction_changed(reaction, place.platform, talk=place.talk)

    place.arrive, place.hear, place.edit, place.delete = arrive, hear, edit, delete
    place.press, place.react, place.command = press, react, command
    yield place
    for turns in place.started:
        await turns.close(patience=1)
