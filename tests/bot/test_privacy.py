"""May everybody know what is kept of them, take it along, and have it gone?"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from fakes import said

from bot.privacy import forget_old
from bot.settings import ChatSettings
from learning.preferences import collect
from learning.settings import LearningSettings
from storage.records import Consent, Feedback, Role, Signal, now


async def consent_of(kitchen, person="ana"):
    return await kitchen.kept.people.consent("kitchen-app", person)


async def learnable(kitchen):
    """The texts of the replies that the next training would learn from."""
    agreed = await kitchen.kept.people.who(Consent.AGREED)
    judged, _ = await collect(kitchen.feedback, kitchen.messages, LearningSettings(), agreed)
    return [item.reply.text for item in judged]


async def judged(kitchen, question, answer, by="sam", role=Role.OWNER):
    kitchen.model.answers.append(answer)
    reply = await kitchen.hear(question)
    await kitchen.feedback.record(Feedback(reply.key, by, role, Signal.UP, now()))
    return reply


# consent


async def test_privacy_says_what_is_kept_for_how_long_and_asks(kitchen):
    kitchen.settings(keep_days=7)
    outcome = await kitchen.command("privacy", by="ana")
    for part in ("I am a program", "7 days", "You have not agreed", "/mydata", "/forget", "/optout"):
        assert part in outcome.text
    assert [button.action for button in outcome.buttons] == ["privacy-agree", "privacy-disagree"]
    assert await consent_of(kitchen) is Consent.UNKNOWN
    await kitchen.press("privacy-agree", by="ana")
    assert await consent_of(kitchen) is Consent.AGREED
    assert "You have agreed" in (await kitchen.command("privacy show", by="ana")).text
    await kitchen.command("privacy disagree", by="ana")
    assert await consent_of(kitchen) is Consent.UNKNOWN


async def test_only_with_consent_is_an_answer_learned_from_and_only_while_it_lasts(kitchen):
    await judged(kitchen, said("hi"), "hello ana")
    assert await learnable(kitchen) == []
    await kitchen.command("privacy agree", by="ana")
    assert await learnable(kitchen) == ["hello ana"]
    await kitchen.press("privacy-disagree", by="ana")
    assert await learnable(kitchen) == []


async def test_agreeing_does_not_undo_an_opt_out(kitchen):
    await kitchen.command("optout", by="ana")
    await kitchen.command("privacy agree", by="ana")
    await kitchen.press("privacy-agree", by="ana")
    assert await consent_of(kitchen) is Consent.OPTED_OUT
    assert (await kitchen.command("privacy", by="ana")).buttons == ()


async def test_the_owner_has_nothing_to_agree_to(kitchen):
    for line in ("privacy agree", "optout"):
        assert "You are the owner" in (await kitchen.command(line)).text
    assert await consent_of(kitchen, "sam") is Consent.UNKNOWN


# opting out, forgetting


async def test_who_opts_out_is_forgotten_and_not_heard_until_they_undo_it(kitchen):
    reply = await judged(kitchen, said("hi"), "hello ana")
    await kitchen.command("optout", by="ana")
    assert await kitchen.messages.said_by("kitchen-app", "ana") == []
    assert await kitchen.messages.get(reply.key) is None
    assert await kitchen.feedback.about(reply.key) == []
    assert await kitchen.hear(said("still there?")) is None
    assert await kitchen.messages.said_by("kitchen-app", "ana") == []
    await kitchen.command("optout undo", by="ana")
    assert await kitchen.hear(said("and now?"))


async def test_undoing_no_opt_out_changes_nothing(kitchen):
    await kitchen.command("privacy agree", by="ana")
    await kitchen.command("optout undo", by="ana")
    assert await consent_of(kitchen) is Consent.AGREED


async def test_what_is_forgotten_is_not_learned_from_though_it_was_agreed_to(kitchen):
    """Their own answers go; one to somebody else stays said, without the prompt that holds their words."""
    for person in ("ana", "bo"):
        await kitchen.command("privacy agree", by=person)
    await judged(kitchen, said("hi, i am ana", private=False, to_twin=True), "hello ana")
    to_bo = await judged(kitchen, said("hi", by="bo", private=False, to_twin=True), "hello bo")
    alone = await judged(kitchen, said("hi", by="bo", chat="hall"), "hello again")
    assert await learnable(kitchen) == ["hello ana", "hello bo", "hello again"]
    outcome = await kitchen.command("forget", by="ana")
    assert "Forgotten" in outcome.text
    assert await learnable(kitchen) == ["hello again"]
    assert (await kitchen.messages.get(to_bo.key)).text == "hello bo"
    assert (await kitchen.messages.get(to_bo.key)).stamp is None
    assert (await kitchen.messages.get(alone.key)).stamp
    assert await consent_of(kitchen) is Consent.AGREED  # forgetting is not opting out
    assert await kitchen.hear(said("hi again"))


async def test_what_a_trainer_thought_goes_with_them(kitchen):
    await judged(kitchen, said("hi", by="sam", by_owner=True), "hello", by="tia", role=Role.TRAINER)
    assert await learnable(kitchen) == ["hello"]
    await kitchen.command("forget", by="tia")
    assert await learnable(kitchen) == []


async def test_a_message_that_waits_is_not_answered_once_it_is_forgotten(kitchen):
    kitchen.model.down = True
    await kitchen.hear(said("hi"))
    await kitchen.command("optout", by="ana")
    kitchen.model.down = False
    await kitchen.talk.turns.sweep()
    assert await kitchen.messages.waiting() == []
    assert kitchen.platform.texts() == []


async def test_others_can_only_have_themselves_forgotten(kitchen):
    await kitchen.hear(said("hi"))
    await kitchen.command("remember You have a cat.")
    for line in ("forget kitchen-app:ana", "forget cat"):
        assert "Only the owner" in (await kitchen.command(line, by="tia")).text
    assert len(await kitchen.messages.said_by("kitchen-app", "ana")) == 1
    assert len(await kitchen.kept.facts.all()) == 1


async def test_the_owner_can_have_somebody_forgotten(kitchen):
    await kitchen.hear(said("hi"))
    assert "gone" in (await kitchen.command("forget kitchen-app:ana")).text
    assert await kitchen.messages.said_by("kitchen-app", "ana") == []
    assert "nothing of them" in (await kitchen.command("forget kitchen-app:ana")).text


async def test_the_owner_is_asked_before_all_of_theirs_goes(kitchen):
    await kitchen.hear(said("hi", by="sam", by_owner=True))
    await kitchen.hear(said("hi"))
    [button] = (await kitchen.command("forget")).buttons
    assert len(await kitchen.messages.said_by("kitchen-app", "sam")) == 1
    assert "Only the owner" in (await kitchen.press(button.action, by="ana")).text
    assert len(await kitchen.messages.said_by("kitchen-app", "ana")) == 1
    await kitchen.press(button.action)
    assert await kitchen.messages.said_by("kitchen-app", "sam") == []
    assert len(await kitchen.messages.said_by("kitchen-app", "ana")) == 1


async def test_no_button_keeps_anything_of_somebody_who_opted_out(kitchen):
    reply = await kitchen.hear(said("hi", by="sam", by_owner=True))
    await kitchen.command("optout", by="ana")
    outcome = await kitchen.press(f"ask-correct:{reply.key}", "my words", by="ana")
    assert "You opted out" in outcome.text
    assert await kitchen.feedback.about(reply.key) == []


# my data


async def test_somebodys_data_is_all_of_theirs_and_nothing_of_others(kitchen):
    await kitchen.hear(said("bo has a secret", by="bo", private=False, to_twin=True))
    reply = await kitchen.hear(said("i am ana", private=False, to_twin=True))
    other = await kitchen.hear(said("me too", by="bo", private=False, to_twin=True))
    await kitchen.feedback.record(Feedback(other.key, "ana", Role.OTHER, Signal.DOWN, now(), "too long"))
    assert (await kitchen.command("mydata", by="ana")).file is None  # others would read it
    outcome = await kitchen.command("mydata", by="ana", private=True)
    name, content = outcome.file
    found = json.loads(content)
    assert name == "my-data.json"
    assert (found["id"], found["consent"]) == ("ana", "unknown")
    assert [one["text"] for one in found["messages"]] == ["i am ana"]
    assert [one["key"] for one in found["answers"]] == [reply.key]
    assert [one["text"] for one in found["feedback"]] == ["too long"]
    assert found["answers_made_with_your_words_in_view"] == 2
    assert b"secret" not in content


# what goes by itself


@pytest.fixture
async def months(kitchen):
    """Two months of talk; today is the last day. Bo agreed."""
    await kitchen.kept.people.set_consent("kitchen-app", "bo", Consent.AGREED)
    kitchen.settings(max_age_minutes=10**6)
    replies = {}
    for days in (60, 40, 20):
        for by in ("ana", "bo", "sam"):
            at = now() - timedelta(days=days)
            question = said(f"{by} {days}", by=by, chat=f"{by}-{days}", by_owner=by == "sam", sent_at=at)
            reply = await kitchen.hear(question)
            replies[by, days] = question.key, reply.key
    return replies


async def test_what_others_said_goes_after_a_while_unless_they_agreed(kitchen, months):
    assert await forget_old(kitchen.kept, ChatSettings(keep_days=30)) > 0
    left = {who for who, (key, _) in months.items() if await kitchen.messages.get(key)}
    assert left == set(months) - {("ana", 60), ("ana", 40)}
    answers = {who for who, (_, key) in months.items() if await kitchen.messages.get(key)}
    assert answers == left
    assert await forget_old(kitchen.kept, ChatSettings(keep_days=30)) == 0


async def test_old_answers_to_the_owner_lose_prompts_that_hold_words_of_others(kitchen):
    kitchen.settings(max_age_minutes=10**6)
    at = now() - timedelta(days=50)
    stamps = {}
    for by, chat in (("ana", "hall"), ("bo", "yard")):
        await kitchen.kept.people.set_consent("kitchen-app", "bo", Consent.AGREED)
        await kitchen.messages.add(said("my words", by=by, chat=chat, private=False, sent_at=at))
        mine = said("and?", by="sam", by_owner=True, chat=chat, private=False, to_twin=True, sent_at=at)
        reply = await kitchen.hear(mine)
        assert len(reply.stamp.speakers) == 1
        stamps[by] = reply.key
        await kitchen.messages._change(reply.key, sent_at=at)
    await forget_old(kitchen.kept, ChatSettings(keep_days=30))
    assert (await kitchen.messages.get(stamps["ana"])).stamp is None
    assert (await kitchen.messages.get(stamps["bo"])).stamp
