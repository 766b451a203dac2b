"""Which feedback becomes which preference, and what is never trained on?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from records_said import MIRA

from brain.prompt import Recalled, Turn, compose
from learning.judged import Judged, exchange
from learning.lineage import samples_of_signals
from learning.preferences import collect, freeze
from learning.rows import read_rows
from learning.settings import LearningSettings
from storage.chats import PersonStore
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.records import Consent, Feedback, Message, Role, Signal, Stamp, message_key

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SETTINGS = LearningSettings()


def reply(number, text="meh", chat="kitchen", minutes=None, question=None, speakers=()):
    prompt = ({"role": "user", "content": question or f"question {number}?"},)
    return Message(
        key=message_key("terminal", chat, number),
        platform="terminal",
        chat_id=chat,
        author_id="twin",
        author_name="Mira",
        text=text,
        sent_at=START + timedelta(minutes=number if minutes is None else minutes),
        by_twin=True,
        stamp=Stamp(None, "pocket", "hash", prompt, {}, speakers=speakers),
    )


def about(message, kind, text=None, by="mira", role=Role.OWNER, second=0):
    return Feedback(message.key, by, role, kind, START + timedelta(days=1, seconds=second), text)


async def stored(database, messages, signals):
    feedback, replies = FeedbackStore(database), MessageStore(database)
    for message in messages:
        await replies.add(message)
    for signal in signals:
        await feedback.record(signal)
    return feedback, replies


async def frozen(database, messages, signals, folder, settings=SETTINGS, sampler=None):
    feedback, replies = await stored(database, messages, signals)
    judged, left_out = await collect(feedback, replies, settings)
    preferences = await freeze(judged, folder, settings, sampler)
    files = ("pairs", "demonstrations", "thumbs", "hindsight", "heldout_pairs", "heldout_thumbs")
    return preferences, {name: read_rows(preferences.path / f"{name}.jsonl") for name in files}, left_out


async def test_a_correction_becomes_a_pair_and_a_thumb_a_label(database, tmp_path):
    replies = [reply(number) for number in range(3)]
    signals = [
        about(replies[0], Signal.CORRECTION, "ofc"),
        about(replies[1], Signal.UP),
        about(replies[2], Signal.DOWN),
    ]
    _, rows, _ = await frozen(database, replies, signals, tmp_path)
    (pair,) = [*rows["pairs"], *rows["heldout_pairs"]]
    assert pair["prompt"] == [{"role": "user", "content": "question 0?"}]
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == ("ofc", "meh")
    assert (pair["weight"], pair["source"]) == (1.0, "logged")
    labels = {row["prompt"][0]["content"]: row["label"] for row in [*rows["thumbs"], *rows["heldout_thumbs"]]}
    assert labels == {"question 1?": True, "question 2?": False}


async def test_a_correction_is_shown_as_an_example_and_a_complaint_is_hindsight(database, tmp_path):
    messages = [reply(number, "sure, see you at 7.") for number in range(4)]
    signals = [
        about(messages[0], Signal.CORRECTION, "sure, see you at 8"),
        about(messages[1], Signal.CORRECTION, "nope"),
        about(messages[2], Signal.COMPLAINT, " too formal "),
        about(messages[3], Signal.COMPLAINT),
    ]
    _, rows, _ = await frozen(database, messages, signals, tmp_path)
    shown = {row["completion"][0]["content"]: row["weight"] for row in rows["demonstrations"]}
    assert shown == {"sure, see you at 8": 2.0, "nope": 1.0}
    [complaint] = rows["hindsight"]
    assert complaint["complaint"] == "too formal"
    assert complaint["completion"][0]["content"] == "sure, see you at 7."
    [thumb] = rows["thumbs"]
    assert (thumb["prompt"][0]["content"], thumb["label"]) == ("question 3?", False)


async def test_every_row_can_be_found_again_by_the_signal_behind_it(database, tmp_path):
    messages = [reply(number) for number in range(4)]
    signals = [
        about(messages[0], Signal.CORRECTION, "ofc"),
        about(messages[1], Signal.COMPLAINT, "too formal"),
        about(messages[2], Signal.UP),
        about(messages[3], Signal.TAKEOVER, "hm"),
    ]
    preferences, rows, _ = await frozen(database, messages, signals, tmp_path)
    found = samples_of_signals([signal.id for signal in signals], tmp_path)
    assert sorted(found[preferences.id]) == sorted(row["id"] for some in rows.values() for row in some)
    assert len(found[preferences.id]) == 5


async def test_what_is_held_out_teaches_in_no_form(database, tmp_path):
    messages = [reply(n, chat=f"chat{n}", question=f"about {n}?") for n in range(40)]
    kinds = [(Signal.CORRECTION, "ofc"), (Signal.COMPLAINT, "too formal")]
    signals = [about(message, *kinds[n % 2]) for n, message in enumerate(messages)]
    _, rows, _ = await frozen(database, messages, signals, tmp_path)
    held = {row["prompt"][0]["content"] for name in ("heldout_pairs", "heldout_thumbs") for row in rows[name]}
    taught = {
        row["prompt"][0]["content"]
        for name in ("pairs", "demonstrations", "hindsight", "thumbs")
        for row in rows[name]
    }
    assert rows["heldout_pairs"]
    assert not any(row["label"] for row in rows["heldout_thumbs"])
    assert rows["heldout_thumbs"]
    assert not held & taught
    assert len(held | taught) == 40


async def test_older_signals_weigh_less_and_a_stranger_makes_nobody_look_old(database):
    old, new, strange = reply(1), reply(2), reply(3)
    signals = [
        replace(about(old, Signal.UP), given_at=START),
        replace(about(new, Signal.UP), given_at=START + timedelta(days=10)),
        replace(about(strange, Signal.UP, role=Role.OTHER), given_at=START + timedelta(days=999)),
    ]
    feedback, replies = await stored(database, [old, new, strange], signals)
    judged, _ = await collect(feedback, replies, SETTINGS.model_copy(update={"half_life_days": 10}))
    assert [item.weight for item in judged] == [0.5, 1.0]


async def test_one_conversation_or_one_person_cannot_decide_alone(database, tmp_path):
    busy = [reply(n, chat="busy", question=f"busy {n}?") for n in range(30)]
    calm = [reply(n, chat="calm", question=f"calm {n}?") for n in range(3)]
    signals = [about(message, Signal.DOWN, second=n) for n, message in enumerate([*busy, *calm])]
    few = SETTINGS.model_copy(update={"signals_per_session": 10})
    _, rows, _ = await frozen(database, [*busy, *calm], signals, tmp_path / "one", few)
    thumbs = [*rows["thumbs"], *rows["heldout_thumbs"]]
    assert Counter(row["conversation"] for row in thumbs) == {"terminal:busy": 10, "terminal:calm": 3}
    assert {f"busy {n}?" for n in range(20, 30)} < {row["prompt"][0]["content"] for row in thumbs}
    fewer = SETTINGS.model_copy(update={"signals_per_person": 7})
    preferences, _, _ = await frozen(database, [], [], tmp_path / "two", fewer)
    assert sum(preferences.counts.values()) == 7


async def test_strangers_never_count_and_the_owner_overrules_a_trainer(database, tmp_path):
    replies = [reply(number) for number in range(3)]
    signals = [
        about(replies[0], Signal.UP, by="stranger", role=Role.OTHER),
        about(replies[1], Signal.DOWN, by="tess", role=Role.TRAINER),
        about(replies[2], Signal.DOWN, by="tess", role=Role.TRAINER),
        about(replies[2], Signal.UP),
    ]
    _, rows, left_out = await frozen(database, replies, signals, tmp_path)
    thumbs = [*rows["thumbs"], *rows["heldout_thumbs"]]
    found = sorted((row["prompt"][0]["content"], row["label"], row["weight"]) for row in thumbs)
    assert found == [("question 1?", False, 0.5), ("question 2?", True, 1.0)]
    assert left_out == {"not from the owner or a trainer": 1, "the owner said something else": 1}


async def test_withdrawn_feedback_teaches_nothing(database, tmp_path):
    message = reply(1)
    feedback, replies = await stored(database, [message], [about(message, Signal.UP)])
    await feedback.withdraw(message.key, "mira", Signal.UP, START + timedelta(days=2))
    assert await collect(feedback, replies, SETTINGS) == ([], {})


async def test_a_reply_without_its_prompt_or_a_correction_without_new_words_is_left_out_and_counted(database):
    known, unstamped = reply(1, "fine"), reply(2)
    unstamped = Message(**{**{f: getattr(unstamped, f) for f in unstamped.__slots__}, "stamp": None})
    signals = [about(known, Signal.CORRECTION, "Fine!"), about(unstamped, Signal.UP)]
    feedback, replies = await stored(database, [known, unstamped], signals)
    judged, left_out = await collect(feedback, replies, SETTINGS)
    assert judged == []
    assert left_out == {"no better words given": 1, "the reply or its prompt is gone": 1}


async def test_nothing_is_learned_where_somebody_in_the_prompt_has_not_agreed(database):
    alone = reply(1)
    with_ana = reply(2, speakers=("discord:ana",))
    with_both = reply(3, speakers=("discord:ana", "discord:bo"))
    signals = [
        about(alone, Signal.CORRECTION, "ofc"),
        about(with_ana, Signal.DOWN),
        about(with_both, Signal.CORRECTION, "my own words", by="tess", role=Role.TRAINER),
        about(with_both, Signal.TAKEOVER, "the owner's own words", second=1),
    ]
    feedback, replies = await stored(database, [alone, with_ana, with_both], signals)
    judged, left_out = await collect(feedback, replies, SETTINGS)
    assert [item.reply for item in judged] == [alone]
    assert left_out == {"somebody in that conversation has not agreed": 3}
    people = PersonStore(database)
    await people.set_consent("discord", "ana", Consent.AGREED)
    await people.set_consent("telegram", "bo", Consent.AGREED)  # the same id elsewhere is somebody else
    judged, left_out = await collect(feedback, replies, SETTINGS, await people.who(Consent.AGREED))
    assert [item.reply for item in judged] == [alone, with_ana]
    assert left_out == {"somebody in that conversation has not agreed": 2}


async def test_fresh_samples_are_beaten_too_but_weigh_less_and_are_never_held_out(database, tmp_path):
    async def sampler(prompt, count):
        return ["meh", "MEH!", "dunno", "ofc", "dunno"][: count + 2]

    replies = [reply(number, chat=f"chat{number}") for number in range(40)]
    signals = [about(message, Signal.CORRECTION, "ofc") for message in replies]
    _, rows, _ = await frozen(database, replies, signals, tmp_path, sampler=sampler)
    sampled = [row for row in rows["pairs"] if row["source"] == "sampled"]
    assert {row["rejected"][0]["content"] for row in sampled} == {"dunno"}
    assert len(sampled) == len(rows["pairs"]) / 2
    assert {row["weight"] for row in sampled} == {0.5}
    assert {row["source"] for row in rows["heldout_pairs"]} == {"logged"}


async def test_whole_conversations_are_held_out_and_stay_held_out_as_feedback_grows(database, tmp_path):
    replies = [reply(n, chat=f"chat{n // 4}", question=f"about {n}?") for n in range(160)]
    signals = [about(message, Signal.CORRECTION, "ofc") for message in replies]
    _, few, _ = await frozen(database, replies[:80], signals[:80], tmp_path)
    _, many, _ = await frozen(database, replies, signals, tmp_path)
    train, held = ({row["conversation"] for row in many[name]} for name in ("pairs", "heldout_pairs"))
    assert not train & held
    assert 3 <= len(held) <= 16
    assert {row["conversation"] for row in few["heldout_pairs"]} <= held


async def test_one_long_chat_still_has_something_held_out_and_no_question_on_both_sides(database, tmp_path):
    replies = [reply(n, question=f"do you like number {n % 30}?") for n in range(60)]
    signals = [about(message, Signal.CORRECTION, "ofc") for message in replies]
    _, rows, _ = await frozen(database, replies, signals, tmp_path)
    train, held = ({row["prompt"][0]["content"] for row in rows[name]} for name in ("pairs", "heldout_pairs"))
    assert held
    assert not train & held


async def test_the_same_feedback_gives_the_same_snapshot(database, tmp_path):
    replies = [reply(number) for number in range(9)]
    signals = [about(message, Signal.DOWN) for message in replies]
    one, _, _ = await frozen(database, replies, signals, tmp_path / "one")
    two, _, _ = await frozen(database, replies, [], tmp_path / "two")
    assert (one.id, one.signals, one.counts) == (two.id, two.signals, two.counts)


async def test_a_line_separator_in_what_was_said_does_not_cut_a_row_in_two(database, tmp_path):
    odd = "one\u2028two\x85three\rfour"
    messages = [reply(1)]
    _, rows, _ = await frozen(database, messages, [about(messages[0], Signal.CORRECTION, odd)], tmp_path)
    [pair] = [*rows["pairs"], *rows["heldout_pairs"]]
    assert pair["chosen"][0]["content"] == odd


def test_a_question_is_the_same_whatever_was_recalled_for_it():
    turns = [Turn("Ana", "are you coming?", ours=False)]
    bare, recalling = compose(MIRA, turns), compose(MIRA, turns, [Recalled("Mira", "I never do", "", "sure")])
    assert bare != recalling
    signal = about(reply(1), Signal.UP)
    one, two = (Judged(signal, reply(1), tuple(prompt), 1.0) for prompt in (bare, recalling))
    assert (
        exchange(one)
        == exchange(two)
        == exchange(
            Judged(
                signal,
                reply(1, question="are you coming?"),
                ({"role": "user", "content": "are you coming?"},),
                1.0,
            )
        )
    )


async def test_only_the_owner_decides_what_is_held_out(database, tmp_path):
    """A trainer who asks the same in many chats would have it held out by one of those chats."""
    mine = [reply(n, chat=f"mine {n // 4}", question=f"about {n}?") for n in range(32)]
    theirs = [reply(100 + n, chat=f"theirs {n}", question=f"about {n % 32}?") for n in range(96)]
    own = [about(message, Signal.CORRECTION, "ofc") for message in mine]
    many = [about(one, Signal.DOWN, by="tess", role=Role.TRAINER, second=n) for n, one in enumerate(theirs)]
    _, before, _ = await frozen(database, mine, own, tmp_path / "one")
    _, after, _ = await frozen(database, theirs, many, tmp_path / "two")
    held = {row["id"] for row in before["heldout_pairs"]}
    assert {row["id"] for row in after["heldout_pairs"]} == held
    assert {row["id"] for row in after["pairs"]} == {row["id"] for row in before["pairs"]}


def thumbs_given(count, liked, text="yep, honestly tho"):
    """`liked`: every so many of the replies is, in chats of their own."""
    messages = [reply(n, text, chat=f"chat{n}", question=f"about {n}?") for n in range(count)]
    kinds = [Signal.DOWN if n % liked else Signal.UP for n in range(count)]
    return messages, [about(one, kind) for one, kind in zip(messages, kinds, strict=True)]


async def test_the_first_thumbs_all_teach_and_of_later_ones_some_are_held_out(database, tmp_path):
    messages, signals = thumbs_given(120, 3)
    _, few, _ = await frozen(database, messages[:32], signals[:32], tmp_path)
    _, many, _ = await frozen(database, messages, signals, tmp_path)
    assert len(few["thumbs"]) == 32
    assert {row["id"] for row in few["thumbs"]} <= {row["id"] for row in many["thumbs"]}
    assert 8 <= len(many["heldout_thumbs"]) <= 27  # about a fifth of 88


async def test_a_thumb_does_not_teach_what_is_held_out_of_the_same_conversation(database, tmp_path):
    corrected = [reply(2 * n, chat=f"chat{n}", question=f"about {n}?") for n in range(30)]
    liked = [reply(2 * n + 1, chat=f"chat{n}", question=f"and {n}?") for n in range(30)]
    signals = [about(one, Signal.CORRECTION, "ofc") for one in corrected]
    signals += [about(one, Signal.UP, second=n) for n, one in enumerate(liked)]
    _, rows, _ = await frozen(database, [*corrected, *liked], signals, tmp_path)
    chats = {name: {row["conversation"] for row in rows[name]} for name in ("heldout_pairs", "thumbs")}
    assert chats["heldout_pairs"]
    assert not chats["heldout_pairs"] & chats["thumbs"]


async def test_a_question_that_is_held_out_elsewhere_is_not_taught_by_a_thumb(database, tmp_path):
    corrected = [reply(n, chat=f"chat{n}", question=f"about {n}?") for n in range(30)]
    liked = [reply(100 + n, chat=f"other{n}", question=f"about {n}?") for n in range(30)]
    signals = [about(one, Signal.CORRECTION, "ofc") for one in corrected]
    signals += [about(one, Signal.UP, second=n) for n, one in enumerate(liked)]
    _, rows, _ = await frozen(database, [*corrected, *liked], signals, tmp_path)
    held, taught = (
        {row["prompt"][0]["content"] for row in rows[name]} for name in ("heldout_pairs", "thumbs")
    )
    assert held
    assert not held & taught


async def test_a_liked_reply_is_an_example_of_half_the_weight_and_beats_fresh_samples(database, tmp_path):
    async def sampler(prompt, count):
        return ["yep honestly tho!", "dunno", "dunno"][:count]

    messages, signals = thumbs_given(40, liked=2)
    _, rows, _ = await frozen(database, messages, signals, tmp_path, sampler=sampler)
    liked = sorted(row["prompt"][0]["content"] for row in rows["thumbs"] if row["label"])
    assert len(rows["thumbs"]) > len(liked) > 8
    for name, said in (("demonstrations", "completion"), ("pairs", "chosen")):
        assert sorted(row["prompt"][0]["content"] for row in rows[name]) == liked
        assert {row[said][0]["content"] for row in rows[name]} == {"yep, honestly tho"}
    assert {row["weight"] for row in rows["demonstrations"]} == {0.5}
    assert {(row["rejected"][0]["content"], row["weight"]) for row in rows["pairs"]} == {("dunno", 0.25)}
    assert not {row["id"] for row in rows["heldout_thumbs"]} & {row["id"] for row in rows["thumbs"]}
    assert rows["heldout_pairs"] == []


async def test_a_liked_reply_is_found_again_by_its_signal_in_every_form(database, tmp_path):
    async def sampler(prompt, count):
        return ["dunno"]

    messages, signals = thumbs_given(40, liked=2)
    preferences, rows, _ = await frozen(database, messages, signals, tmp_path, sampler=sampler)
    found = samples_of_signals([signal.id for signal in signals], tmp_path)
    assert sorted(found[preferences.id]) == sorted(row["id"] for some in rows.values() for row in some)
    assert rows["pairs"]
    assert rows["demonstrations"]


@pytest.mark.parametrize(
    ("count", "liked", "settings"),
    [(12, 2, {}), (40, 1, {}), (40, 99, {"min_thumbs": 60}), (40, 2, {"liked_weight": 0.0})],
    ids=["too few", "of one kind", "fewer than wanted", "switched off"],
)
async def test_likes_are_no_examples_where_they_say_too_little_or_nobody_wants_it(
    database, tmp_path, count, liked, settings
):
    messages, signals = thumbs_given(count, liked)
    told = SETTINGS.model_copy(update=settings)
    _, rows, _ = await frozen(database, messages, signals, tmp_path, told)
    assert rows["thumbs"]
    assert rows["demonstrations"] == rows["pairs"] == []


async def test_a_liked_reply_with_something_private_in_it_is_no_example(database, tmp_path):
    messages, signals = thumbs_given(40, liked=2)
    told = [replace(messages[0], text="call 555 0123, honestly tho"), *messages[1:]]
    feedback, replies = await stored(database, told, signals)
    judged, left_out = await collect(feedback, replies, SETTINGS, private=lambda text: "555" in text)
    preferences = await freeze(judged, tmp_path, SETTINGS)
    assert left_out == {"something private is in the words": 1}
    assert read_rows(preferences.path / "demonstrations.jsonl")
    assert "555" not in (preferences.path / "demonstrations.jsonl").read_text()
