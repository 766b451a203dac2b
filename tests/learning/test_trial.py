"""Does what people say of the adapter on trial decide it, in the database, once?"""

from __future__ import annotations

import pytest
from trial_world import Chats

from storage.adapters import AdapterStore
from storage.database import Database
from storage.records import Role, Signal, now


@pytest.fixture
async def chats(database: Database) -> Chats:
    chats = Chats(database)
    await chats.begin()
    await chats.judged("old", 14, 6, days=-3)
    return chats


async def test_one_that_people_like_less_is_taken_back_and_its_report_says_why(chats):
    await chats.judged("old", 28, 12)
    await chats.judged("new", 8, 32)
    ending = await chats.look()
    assert ending.decision == "roll back"
    assert await chats.states() == {"old": "live", "new": "retired"}
    new = await chats.adapters.get("new")
    assert new.reasons == (ending.words,)
    assert new.report["trial"]["finding"]["opinions"] == {"canary": 40, "live": 40}
    assert await chats.look() is None


async def test_one_that_people_like_as_much_goes_live(chats):
    await chats.judged("old", 84, 36)
    await chats.judged("new", 88, 32)
    assert (await chats.look()).decision == "promote"
    assert await chats.states() == {"old": "retired", "new": "live"}
    [latest, _] = await chats.adapters.promotions()
    assert (latest.version, latest.previous) == ("new", "old")
    assert "120 opinions on the new one" in latest.why
    assert (await chats.adapters.roll_back("no")).version == "old"


async def test_while_nothing_is_clear_the_trial_goes_on_until_its_days_are_over(chats):
    await chats.judged("old", 7, 3)
    await chats.judged("new", 7, 3)
    assert (await chats.look(6.9)).decision == "go on"
    assert (await chats.states())["new"] == "canary"
    assert (await chats.look(7)).decision == "promote"


async def test_with_nothing_on_trial_there_is_nothing_to_see(chats):
    await chats.adapters.roll_back("enough")
    assert await chats.look(30) is None


async def test_a_correction_counts_like_a_thumb_down_and_the_worst_word_on_a_reply_counts_once(chats):
    for number in range(20):
        key = await chats.reply("new")
        if number % 2:
            await chats.judge(key, Signal.UP)
        await chats.judge(key, (Signal.CORRECTION, Signal.COMPLAINT, Signal.TAKEOVER)[number % 3])
        if not number % 2:
            await chats.judge(key, Signal.UP)
    await chats.judged("old", 14, 6)
    ending = await chats.look()
    assert ending.finding.opinions == {"canary": 20, "live": 20}
    assert ending.decision == "roll back"


async def test_a_withdrawn_thumb_and_one_on_another_adapters_reply_do_not_count(chats):
    keys = [await chats.reply("new") for _ in range(3)]
    for key in keys:
        await chats.judge(key, Signal.DOWN)
    await chats.feedback.withdraw(keys[0], "me", Signal.DOWN, now())
    await chats.judged("older", 0, 9)
    await chats.judged("old", 4, 0)
    assert (await chats.look()).finding.opinions == {"canary": 2, "live": 4}


async def test_the_owner_is_one_person_on_every_platform_and_strangers_have_no_say(chats):
    await chats.judged("new", 0, 40, by="stranger", role=Role.OTHER)
    await chats.judged("new", 3, 1, by="my other account")
    await chats.judged("old", 3, 1)
    ending = await chats.look()
    assert ending.finding.opinions == {"canary": 4, "live": 4}
    assert ending.finding.difference == pytest.approx(0)


async def test_what_the_owner_likes_on_one_account_is_their_habit_on_every_other(chats):
    await chats.judged("old", 0, 40, days=-2)
    await chats.judged("old", 40, 0, days=-2, by="tess", role=Role.TRAINER)
    await chats.judged("old", 4, 0, by="tess", role=Role.TRAINER)
    await chats.judged("new", 1, 3, by="my other account")
    assert (await chats.look()).finding.difference == pytest.approx(0, abs=0.1)


async def test_a_slow_one_is_taken_back_before_anybody_complains(chats):
    for _ in range(10):
        await chats.reply("old", ms=400)
        await chats.reply("new", ms=4000)
    ending = await chats.look()
    assert (ending.decision, len(ending.symptoms)) == ("roll back", 1)
    assert ending.words.startswith("Its replies take 4.0 s in the middle")


async def test_one_that_says_the_same_over_and_over_is_taken_back(chats):
    for _ in range(30):
        await chats.reply("old")
        await chats.reply("new", "I would rather talk about something else.")
    assert "repeated themselves" in (await chats.look()).words
    assert (await chats.states())["new"] == "retired"


async def test_short_everyday_answers_are_no_repetition(chats):
    for _ in range(30):
        await chats.reply("old")
        await chats.reply("new", "haha yes")
    assert (await chats.look()).decision == "go on"


async def test_one_that_says_nothing_is_taken_back(chats):
    for _ in range(30):
        await chats.reply("old")
        await chats.reply("new", " ")
    assert "30 of its 30 replies failed" in (await chats.look()).words


async def test_where_another_copy_of_the_service_was_quicker_nobody_hears_of_it_twice(chats):
    class Slow(AdapterStore):
        async def settle_canary(self, version, **decided):
            assert await super().settle_canary(version, **decided)
            return await super().settle_canary(version, **decided)

    await chats.judged("old", 28, 12)
    await chats.judged("new", 8, 32)
    chats.adapters = Slow(chats.database)
    assert await chats.look() is None


async def test_an_owner_who_is_quicker_than_the_watch_is_not_overruled(chats):
    await chats.judged("old", 84, 36)
    await chats.judged("new", 88, 32)
    canary = await chats.adapters.get("new")
    await chats.adapters.roll_back("I do not like it")
    report = {**canary.report, "trial": {}}
    assert not await chats.adapters.settle_canary("new", promote=True, why="liked", report=report)
    assert await chats.states() == {"old": "live", "new": "retired"}
