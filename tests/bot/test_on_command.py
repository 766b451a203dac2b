from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import said

from bot.commands import COMMANDS
from bot.on_command import ADMINS_ONLY, OWNER_ONLY, completions
from bot.platform import Person, Question, Said
from storage.chats import EVERYWHERE
from storage.records import Adapter, AdapterState, Chat, Consent, RunState, Signal, now


def adapter(version):
    return Adapter(version, "base", "sft", f"adapters/{version}", "0" * 64, now())


async def chat_of(kitchen, chat="kitchen", platform="kitchen-app"):
    return await kitchen.kept.chats.get(platform, chat)


# who may

OWNERS = [
    "retrain",
    "schedule",
    "adapters promote sft-1",
    "adapters rollback",
    "draft on",
    "teach",
    "remember I have a cat",
]


@pytest.mark.parametrize("line", OWNERS)
@pytest.mark.parametrize("who", [{"by": "ana"}, {"by": "tia"}, {"by": "ana", "admin": True}])
async def test_what_is_the_owners_is_refused_to_everybody_else_and_the_attempt_is_logged(
    kitchen, caplog, line, who
):
    caplog.set_level(logging.WARNING, logger="bot")
    assert await kitchen.command(line, **who) == Said(OWNER_ONLY)
    assert not kitchen.retrains
    assert not kitchen.promoted
    assert await kitchen.kept.facts.all() == []
    assert f"kitchen-app:{who['by']} may not give /{line.split()[0]}" in caplog.text
    assert "cat" not in caplog.text


async def test_who_manages_a_chat_may_quiet_the_twin_there_and_others_may_not(kitchen):
    assert await kitchen.command("pause", by="ana") == Said(ADMINS_ONLY)
    assert await chat_of(kitchen) is None
    assert "I keep quiet here" in (await kitchen.command("pause", by="ana", admin=True)).text
    assert await kitchen.hear(said("hello?")) is None
    assert "I speak here again" in (await kitchen.command("resume", by="ana", admin=True)).text
    assert await kitchen.hear(said("hello?"))


async def test_who_opted_out_may_still_ask_what_is_kept_and_nothing_else(kitchen):
    await kitchen.kept.people.set_consent("kitchen-app", "ana", Consent.OPTED_OUT)
    for line in ("compare hello", "status", "correct better"):
        assert "You opted out" in (await kitchen.command(line, by="ana")).text
    assert not kitchen.model.prompts
    for line in ("help", "privacy", "optout", "forget", "mydata"):
        outcome = await kitchen.command(line, by="ana", private=True)
        assert outcome.text
        if line != "privacy":
            assert "You opted out" not in outcome.text
    assert await kitchen.messages.said_by("kitchen-app", "ana") == []


# help


async def test_help_names_what_that_person_may_use_and_how_to_teach(kitchen):
    everything = (await kitchen.command("help")).text
    assert all(f"/{command.name}" in everything for command in COMMANDS)
    assert "/adapters [list|promote|rollback] [version]: " in everything
    for other in ((await kitchen.command("help", by="ana")).text,):
        assert "👎" in other
        for hidden in ("/retrain", "/teach", "/pause", "promote|", "/forget [what]", "= like this"):
            assert hidden not in other
        for shown in ("/privacy", "/optout [undo]", "/compare [prompt]", "/forget: "):
            assert shown in other
    assert "/pause [minutes]" in (await kitchen.command("help", by="ana", admin=True)).text
    assert "= like this" in (await kitchen.command("help", by="tia")).text


async def test_an_unknown_command_names_the_known_ones(kitchen):
    assert "/status" in (await kitchen.command("frobnicate now")).text


@pytest.mark.parametrize("line", ["draft", "draft perhaps", "chat sometimes", "adapters eat", "remember"])
async def test_a_command_said_wrong_is_answered_with_how_to_say_it(kitchen, line):
    assert f"Write it like this: /{line.split()[0]} " in (await kitchen.command(line)).text


# status, adapters, retrain


async def test_status_says_who_answers_what_waits_and_how_this_chat_is_set(kitchen):
    assert "the base model" in (await kitchen.command("status", by="ana")).text
    await kitchen.adapters.add(adapter("sft-1"))
    await kitchen.adapters.go_live("sft-1", "test")
    await kitchen.messages.add(said("hello?"), waiting=True)
    await kitchen.command("pause 30")
    await kitchen.command("draft on")
    await kitchen.command("chat always")
    lines = (await kitchen.command("status", by="ana")).text.splitlines()
    assert lines[:4] == [
        "answering: sft-1",
        "base model: a stand-in",
        "feedback that counts: 0",
        "messages that wait for an answer: 1",
    ]
    assert lines[4].startswith("quiet here until 20")
    assert lines[5:] == ["speaks here: always", "draft mode: answers of this chat go to the owner first"]


async def test_why_a_run_failed_is_for_the_owner_only(kitchen):
    run = await kitchen.runs.start("learn", "host:1")
    await kitchen.runs.finish(run.id, RunState.FAILED, error="no room in /home/sam")
    assert "no room in /home/sam" in (await kitchen.command("status")).text
    assert "/home/sam" not in (await kitchen.command("status", by="ana")).text


async def test_a_rollback_goes_back_one_and_then_says_that_it_cannot(kitchen):
    for version in ("sft-1", "dpo-2"):
        await kitchen.adapters.add(adapter(version))
        await kitchen.adapters.go_live(version, "test")
    assert "→ dpo-2" in (await kitchen.command("adapters", by="ana")).text
    assert "sft-1 answers" in (await kitchen.command("adapters rollback")).text
    assert (await kitchen.adapters.live()).version == "sft-1"
    assert "base model answers" in (await kitchen.command("adapters rollback")).text
    assert "nothing to go back to" in (await kitchen.command("adapters rollback")).text


async def test_promote_wants_a_version_and_completes_it(kitchen):
    assert "Which one?" in (await kitchen.command("adapters promote")).text
    assert (await kitchen.command("adapters promote sft-1")).text == "sft-1 answers"
    for version in ("sft-1", "dpo-2", "dpo-3"):
        await kitchen.adapters.add(adapter(version))
    await kitchen.adapters.set_state("dpo-2", AdapterState.REFUSED, ["worse"])
    sam = Person("kitchen-app", "sam", "Sam")
    assert await completions("adapters", "version", "", sam, commands=kitchen.commands) == ["dpo-3", "sft-1"]
    assert await completions("adapters", "version", "SFT", sam, commands=kitchen.commands) == ["sft-1"]
    assert await completions("pause", "minutes", "", sam, commands=kitchen.commands) == []


async def test_retrain_answers_at_once_and_tells_the_outcome_in_the_chat(kitchen):
    assert (await kitchen.command("retrain")).text == "learning"
    await kitchen.retrains[0]("it got better")
    assert kitchen.platform.told == ["it got better"]


async def test_an_outcome_that_the_chat_refuses_goes_to_the_owner(kitchen):
    await kitchen.command("retrain")
    kitchen.platform.closed_to = {"kitchen"}
    await kitchen.retrains[0]("it got better")
    assert kitchen.platform.told == ["it got better"]
    kitchen.platform.closed_to = {"kitchen", "sam"}
    await kitchen.retrains[0]("nobody can be told, and nothing breaks")


# chats


async def test_the_mode_of_a_chat_is_set_where_it_is_typed(kitchen):
    assert "speaks here: mentions" in (await kitchen.command("chat", by="ana", admin=True)).text
    await kitchen.command("chat off", by="ana", admin=True)
    assert (await chat_of(kitchen)).mode == "off"
    assert await kitchen.hear(said("twin?", private=False, to_twin=True)) is None


async def test_a_pause_of_some_minutes_ends_and_a_plain_one_does_not(kitchen):
    await kitchen.command("pause 30")
    left = (await chat_of(kitchen)).quiet_until - now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    assert "until /resume" in (await kitchen.command("pause")).text
    assert (await chat_of(kitchen)).quiet_until - now() > timedelta(days=3650)
    for wrong in ("soon", "-5", "0", "1.5", "99999999999", "²"):
        assert "/pause 30" in (await kitchen.command(f"pause {wrong}")).text


async def test_the_owner_pauses_everything_from_their_private_chat(kitchen):
    assert "everywhere" in (await kitchen.command("pause", chat="sam", private=True)).text
    assert (await chat_of(kitchen, EVERYWHERE, EVERYWHERE)).quiet_until
    assert await kitchen.hear(said("hello?")) is None
    assert "paused me everywhere" in (await kitchen.command("resume")).text
    await kitchen.command("resume", chat="sam", private=True)
    assert await kitchen.hear(said("hello?"))


async def test_somebody_elses_private_chat_is_not_the_owners(kitchen):
    await kitchen.command("pause", by="ana", chat="ana", private=True, admin=True)
    assert await chat_of(kitchen, EVERYWHERE, EVERYWHERE) is None
    assert (await chat_of(kitchen, "ana")).quiet_until


async def test_draft_mode_is_for_the_chat_it_is_typed_in(kitchen):
    await kitchen.command("draft on")
    assert (await chat_of(kitchen)).draft is True
    await kitchen.hear(said("coming tonight?"))
    assert kitchen.platform.texts() == []
    await kitchen.command("draft off")
    assert (await chat_of(kitchen)).draft is False


async def test_from_their_private_chat_the_owner_says_which_chat_is_meant(kitchen):
    assert "no other chat" in (await kitchen.command("draft on", chat="sam", private=True)).text
    await kitchen.hear(said("hi", as_owner=True))
    await kitchen.hear(said("hi all", by="bo", chat="hall", private=False))
    await kitchen.hear(said("hi me", by="sam", chat="sam", by_owner=True))
    asked = await kitchen.command("draft on", chat="sam", private=True)
    assert [button.label for button in asked.buttons] == ["Bo and others", "Ana"]
    action = asked.buttons[1].action
    assert (await kitchen.press(action, by="ana")).text == OWNER_ONLY
    assert (await chat_of(kitchen)).draft is None
    await kitchen.press(action)
    assert (await chat_of(kitchen)).draft is True
    assert (await chat_of(kitchen, "sam")).draft is None


async def test_a_chat_can_be_named_too(kitchen):
    await kitchen.kept.chats.put(Chat("kitchen-app", "hall"))
    await kitchen.command("chat off kitchen-app:hall", chat="sam", private=True)
    assert (await chat_of(kitchen, "hall")).mode == "off"
    assert "no such chat" in (await kitchen.command("chat off kitchen-app:no", chat="sam", private=True)).text


async def test_an_admin_cannot_name_another_chat(kitchen):
    await kitchen.kept.chats.put(Chat("kitchen-app", "hall"))
    await kitchen.command("chat off kitchen-app:hall", by="ana", admin=True, private=True)
    assert (await chat_of(kitchen, "hall")).mode is None


# correct, remember, forget


async def test_a_correction_is_about_the_last_answer_or_the_one_replied_to(kitchen):
    first = await kitchen.hear(said("one"))
    second = await kitchen.hear(said("two"))
    await kitchen.command("correct hey you", by="tia")
    [delivery] = await kitchen.kept.deliveries.of(first.key)
    await kitchen.command("correct  hi there ", about=f"kitchen-app:kitchen:{delivery.message_id}")
    given = await kitchen.feedback.effective()
    assert [(one.reply_key, one.kind, one.text, one.role) for one in given] == [
        (second.key, Signal.CORRECTION, "hey you", "trainer"),
        (first.key, Signal.CORRECTION, "hi there", "owner"),
    ]


async def test_without_the_better_words_they_are_asked_for(kitchen):
    reply = await kitchen.hear(said("one"))
    asked = await kitchen.command("correct")
    assert asked == Question(
        f"ask-correct:{reply.key}", "What should I have said?", "The better words", reply.text
    )
    assert (await kitchen.press(asked.action, "hey you")).text.startswith("Noted")


async def test_what_is_no_answer_of_the_twin_cannot_be_corrected(kitchen):
    assert "no answer of mine here" in (await kitchen.command("correct better")).text
    question = said("one")
    await kitchen.hear(question)
    assert "not an answer of mine" in (await kitchen.command("correct better", about=question.key)).text
    assert await kitchen.feedback.effective() == []


async def test_who_does_not_teach_is_told_so(kitchen):
    await kitchen.hear(said("one"))
    assert "noted and no more" in (await kitchen.command("correct hey you", by="ana")).text


async def test_a_fact_is_in_the_prompt_until_it_is_forgotten(kitchen):
    await kitchen.command("remember  You have a cat\n called Pixel. ")
    await kitchen.hear(said("hi"))
    assert "You have a cat called Pixel." in kitchen.model.prompts[-1][0]["content"]
    assert "knew" in (await kitchen.command("remember you have a cat called pixel.")).text
    assert "a little more" in (await kitchen.command("forget a")).text
    assert "no fact" in (await kitchen.command("forget dog")).text
    assert "- You have a cat called Pixel." in (await kitchen.command("forget pixel")).text
    await kitchen.hear(said("hi again"))
    assert "Pixel" not in kitchen.model.prompts[-1][0]["content"]


async def test_where_there_is_a_queue_a_training_is_put_into_it_with_who_asked_and_where(kitchen):
    asked = []

    async def request(by, where):
        asked.append((by, where))
        return "waiting"

    async def schedule():
        return "nothing is learned now: 3 of 8"

    kitchen.commands = replace(kitchen.commands, request=request, schedule=schedule)
    assert await kitchen.command("retrain") == Said("waiting")
    assert asked == [("kitchen-app:sam", "kitchen-app:kitchen")]
    assert not kitchen.retrains
    assert await kitchen.command("schedule") == Said("nothing is learned now: 3 of 8")


async def test_where_there_is_no_schedule_that_is_said(kitchen):
    assert "twin up" in (await kitchen.command("schedule")).text
