"""As the service is built: what was answered before a promotion or a rollback is asked anew after it."""

from __future__ import annotations

from fakes import ScriptedModel, said

from brain.live_adapter import served_name
from storage.cache import open_cache
from storage.records import Adapter, now
from twin.build import Base, Model, build_brain, stores_of
from twin.settings import Settings


async def test_at_temperature_zero_a_promotion_and_a_rollback_each_begin_anew(sqlite_database):
    stores, client = stores_of(sqlite_database, open_cache(None)), ScriptedModel("{model} here")
    settings = Settings(owner={"name": "Sam"}, model={"temperature": 0})
    brain, _ = build_brain(stores, Model(Base("x", "base", True), (), client, "embedded"), settings)
    question = said("who?", number="1")
    await stores.messages.add(question)

    async def asked() -> list[str]:
        before = len(client.prompts)
        told = [(await brain.reply_to([question])).text for _ in range(2)]
        assert len(client.prompts) - before == 1, "once anew, and then it is known"
        return list(dict.fromkeys(told))

    assert await asked() == ["base here"]
    await stores.adapters.add(Adapter("v1", "base", "sft", "/home/adapters/v1", "0" * 64, now()))
    await stores.adapters.go_live("v1", "test")
    assert await asked() == [f"{served_name('v1', '/home/adapters/v1')} here"]
    await stores.adapters.roll_back("worse")
    assert await asked() == ["base here"]
