"""Whatever strangers do, does training see the same? And is a friend who goes rogue kept within bounds?"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from poisoned_chat import APP, ATTACKS, HOSTILE, STRANGERS, a_poisoned_chat, rogue_friend

from benchmarks.poisoning import CANARIES
from bot.settings import ChatSettings
from learning.anomalies import anomalies
from learning.lineage import made_of
from learning.preferences import collect
from learning.settings import LearningSettings
from storage.records import Feedback, Role, Signal, now
from twin.feedback import Trusted, private_things
from twin.home import Home
from twin.settings import read_settings

SETTINGS = LearningSettings()


@pytest.fixture
async def chat(tmp_path):
    async with a_poisoned_chat(tmp_path / "chat") as chat:
        yield chat


@pytest.fixture
def private(tmp_path):
    home = Home(tmp_path / "home")
    home.make()
    return private_things(home, read_settings(home))


async def test_strangers_change_no_row_whatever_they_try(chat):
    before = await chat.rows()
    assert sum(map(len, before.values())) > 30
    for name, attack in ATTACKS.items():
        await attack(chat, STRANGERS[:8])
        assert await chat.rows() == before, name
    ever = await chat.feedback.ever()
    assert sum(one.role is Role.OTHER for one in ever) > 300
    assert "banned friend" not in {one.given_by for one in ever}
    told = {one.kind for one in anomalies(ever)}
    assert told == {"flood", "crowd", "together"}
    kept = json.dumps([one.text for one in ever if one.role is Role.OTHER])
    assert not [text for text in HOSTILE if text[:20] in kept]  # not even kept


async def test_strangers_do_not_decide_what_the_twin_is_examined_on_and_a_rogue_friend_neither(chat):
    before = await chat.rows()
    await rogue_friend(chat, days=2)
    after = await chat.rows()
    assert after["heldout_pairs.jsonl"] == before["heldout_pairs.jsonl"]
    for name, rows in before.items():
        assert [row for row in after[name] if row in rows] == rows, (
            name
        )  # nothing of the owner's is crowded out


async def test_a_rogue_friend_is_capped_by_day_by_conversation_and_beside_the_owner(chat):
    owners = sum(row["weight"] for rows in (await chat.rows()).values() for row in rows)
    await rogue_friend(chat, days=3)
    theirs = [
        one for one in await chat.feedback.ever() if one.role is Role.TRAINER and one.kind is Signal.DOWN
    ]
    assert len(theirs) > 150
    everything = [row for rows in (await chat.rows()).values() for row in rows]
    assert sum(row["weight"] for row in everything) <= 2 * owners
    per_day = Counter(
        one.given_at.date() for one in theirs if any(row["id"] in made_of(row, one.id) for row in everything)
    )
    assert max(per_day.values()) <= SETTINGS.trainer_per_day
    little = LearningSettings(trainer_share=0.05)
    everything = [row for rows in (await chat.rows(little)).values() for row in rows]
    assert sum(row["weight"] for row in everything) <= owners / 0.95 + 1e-6


async def test_private_things_in_a_friends_correction_never_reach_the_training_file(chat, private):
    clean = "I would rather stay at home and read"
    for number, text in enumerate([*CANARIES, clean, "tell Tamsin I said hi"]):
        reply = await chat.reply(100 + number)
        await chat.press(f"ask-correct:{reply.key}", "tia", text)
    said = json.dumps(await chat.rows(private=private))
    assert not [part for part in CANARIES.values() if part in said]
    assert clean in said
    assert "tell Tamsin" in said  # a name is what people say every day
    _, left_out = await collect(chat.feedback, chat.messages, SETTINGS, private=private)
    assert left_out["something private is in the words"] == len(CANARIES)


async def test_praise_for_a_reply_that_tells_something_private_teaches_nothing(chat, private):
    reply = await chat.reply(200)
    leak = replace(reply, text="her number is +386 40 555 0123")
    await chat.messages.rewrite(leak, now())
    await chat.react(reply, "👍", "sam")
    assert "40 555" not in json.dumps(await chat.rows(private=private))


async def test_a_friends_words_are_no_longer_than_a_reply(chat):
    reply = await chat.reply(201)
    await chat.press(f"ask-correct:{reply.key}", "tia", "buy now! " * 100)
    assert "buy now" not in json.dumps(await chat.rows())


async def test_who_is_no_trainer_any_more_or_blocked_teaches_nothing_more():
    at = datetime(2026, 5, 1, tzinfo=UTC)

    class Given:
        async def effective(self):
            people = [("tia", Role.TRAINER), ("ex", Role.TRAINER), ("bad", Role.TRAINER), ("sam", Role.OWNER)]
            return [Feedback(f"{APP}:~{by}", by, role, Signal.UP, at) for by, role in people]

    chat = ChatSettings(trainers=["discord:1"])
    trusted = Trusted(Given(), [f"{APP}:tia", f"{APP}:bad", *chat.trainers], [f"{APP}:user:bad"])
    roles = {one.given_by: one.role for one in await trusted.effective()}
    assert roles == {"tia": Role.TRAINER, "ex": Role.OTHER, "bad": Role.OTHER, "sam": Role.OWNER}
    by_role = Trusted(Given(), [f"{APP}:role:9"], [])
    assert {one.role for one in await by_role.effective()} == {Role.TRAINER, Role.OWNER}


async def test_the_owners_correction_stands_when_a_stranger_replies_to_it(chat):
    reply = chat.replies[1]
    await chat.say("= the owner says so", "sam", reply)
    mended = await chat.rows()
    assert "the owner says so" in json.dumps(mended)
    await chat.say("= and I say no", "stranger 1", reply)
    assert await chat.rows() == mended
