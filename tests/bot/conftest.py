from __future__ import annotations

from types import SimpleNamespace

import pytest
from fakes import FakePlatform, ScriptedModel

from bot.on_message import ChatLocks, on_message
from brain.live_adapter import LiveAdapter
from brain.model_client import Sampling
from brain.prompt import Persona
from brain.reply import Brain
from storage.adapters import AdapterStore
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.runs import RunStore


@pytest.fixture
async def kitchen(sqlite_database):
    """A twin in a kitchen: a chat app, a scripted model, real stores, and the flow between them."""
    model, platform = ScriptedModel(), FakePlatform()
    messages, adapters = MessageStore(sqlite_database), AdapterStore(sqlite_database)
    live = LiveAdapter(adapters, model, "base")
    brain = Brain(model, live, messages, Persona("Sam"), base_model="base", sampling=Sampling())
    locks = ChatLocks()

    async def hear(message):
        return await on_message(message, platform, brain=brain, messages=messages, one_at_a_time=locks)

    return SimpleNamespace(
        model=model,
        platform=platform,
        messages=messages,
        adapters=adapters,
        live=live,
        brain=brain,
        hear=hear,
        feedback=FeedbackStore(sqlite_database),
        runs=RunStore(sqlite_database),
    )
