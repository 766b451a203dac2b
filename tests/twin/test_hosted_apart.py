"""Is an answer that one twin has given ever found by another that shares its Redis?"""

from __future__ import annotations

from contextlib import AsyncExitStack

from fakes import ScriptedModel, said

from brain.cached import Cached
from brain.live_adapter import LiveAdapter
from brain.model_client import Sampling
from brain.prompt import Persona
from brain.reply import Brain
from twin.build import open_stores
from twin.home import Home
from twin.settings import Settings


async def test_two_twins_that_are_asked_the_same_at_temperature_0_answer_for_themselves(tmp_path, redis_url):
    settings, model, told = Settings(storage={"redis_url": redis_url}), ScriptedModel(), []
    model.answers = ["I am Mira", "I am Bo", "nobody is asked a third time"]
    async with AsyncExitStack() as closing:
        for name in ("mira", "bo", "bo"):  # the last is another copy of the service, on Bo's database
            home = Home(tmp_path / name)
            home.make()
            stores = await closing.enter_async_context(open_stores(home, settings))
            stores.cache._patience = 5  # not 50 ms: this machine may be busy with other tests
            brain = Brain(
                model,
                LiveAdapter(stores.adapters, model, "base"),
                stores.messages,
                Persona("Sam"),
                base_model="base",
                sampling=Sampling(temperature=0),
                cached=Cached(stores.cache),
            )
            message = said("who are you?", number="1")
            await stores.messages.add(message)
            told.append((await brain.reply_to([message])).text)
    assert told == ["I am Mira", "I am Bo", "I am Bo"]
