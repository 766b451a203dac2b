"""Does what was said come back to those who may hear it, and to nobody else?"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memories import MAY, corrected, keep, secrets, typed, wrote

from brain.memory import Recall, Recaller, audiences_of, words_of
from storage.chats import FactStore
from storage.database import Database
from storage.feedback import FeedbackStore
from storage.memories import NEWEST, MemoryStore
from storage.messages import MessageStore
from storage.records import MemoryKind, now
from storage.records_store import RecordStore


@pytest.fixture
def kept(database):
    class Kept:
        records, messages, feedback = RecordStore(database), MessageStore(database), FeedbackStore(database)
        facts, memories = FactStore(database), MemoryStore(database)
        recaller = Recaller(memories, Recall())

    return Kept()


async def texts(kept, question):
    return [one.text for one in await kept.recaller.for_answer([question])]


async def test_nothing_that_was_said_for_some_comes_back_to_others(kept):
    """Every secret is said somewhere, then everybody asks."""
    cases = list(secrets())
    stores = kept.records, kept.messages, kept.feedback
    keys = [await keep(secret, number, stores) for number, secret in enumerate(cases)]
    leaks, lost, asked = Counter(), Counter(), Counter()
    for key, secret in zip(keys, cases, strict=True):
        knows = key in {one.key for one in await kept.recaller.for_answer([secret.asker])}
        asked[secret.may_know] += 1
        leaks[secret.kind] += knows and not secret.may_know
        lost[secret.kind, secret.how] += secret.may_know and not knows
    assert (+leaks, +lost) == ({}, {})
    assert asked[False] >= 200
    assert asked[True] >= 80


async def test_what_is_forgotten_deleted_or_changed_is_never_recalled(kept):
    """The same, once all of it was taken back in one way or another."""
    cases = [secret for secret in secrets() if secret.may_know]
    stores = kept.records, kept.messages, kept.feedback
    keys = [await keep(secret, number, stores) for number, secret in enumerate(cases)]
    for number, (key, secret) in enumerate(zip(keys, cases, strict=True)):
        match secret.how, number % 4:
            case "record", 0:
                await kept.records.forget([key], now())
            case "record", 1:
                await kept.records.mark_deleted([key], now())
            case "record", _:
                await kept.records.remove([key])
            case "correction", 0:
                await kept.messages.erase([f"{secret.place}:c{number}"])
            case "correction", 1:
                await kept.messages.delete(f"{secret.place}:c{number}", now())
            case "correction", 2:
                await kept.messages.delete(f"{secret.place}:c{number}~r", now())
            case "correction", _:
                await kept.feedback.erase_given_by(secret.place.partition(":")[0], "sam")
            case _, 0:
                await kept.messages.erase([key])
            case _:
                await kept.messages.delete(key, now())
    for secret in cases:
        assert not [text for text in await texts(kept, secret.asker) if secret.word in text]
    assert "example" not in await kept.memories.counts()


async def test_an_edit_changes_what_is_recalled_and_takes_an_old_correction_along(kept):
    said = typed(1, "the harmonica is in the drawer", "telegram:-5")
    await kept.messages.add(said)
    question = typed(2, "where did the harmonica go", "telegram:-5")
    await corrected(kept.messages, kept.feedback, question, "ask my brother")
    asked = typed(3, "where did the harmonica go", "telegram:-5", "bo")
    assert len(await kept.recaller.for_answer([asked])) == 2
    await kept.messages.rewrite(typed(1, "the harmonica is lent to Ben", "telegram:-5"), MAY)
    await kept.messages.rewrite(typed(2, "never mind the harmonica at all", "telegram:-5"), MAY)
    recalled = {one.text for one in await kept.recaller.for_answer([asked])}
    assert recalled == {"the harmonica is lent to Ben", "never mind the harmonica at all"}
    assert (await kept.memories.counts()) == {"said": 2}


async def test_a_record_whose_audience_narrows_is_heard_by_nobody_else_from_then_on(kept):
    await kept.records.add_all([wrote("r", "I left the trombone in Faro", "public")])
    asked = typed(1, "where is the trombone", "discord:1")
    assert await texts(kept, asked) == ["I left the trombone in Faro"]
    await kept.records.add_all([wrote("r", "I left the trombone in Faro", "owner")])
    assert await texts(kept, asked) == []


async def test_what_others_may_hear_does_not_crowd_out_what_these_may(kept):
    """The filter comes before the ranking: one memory here, thousands like it elsewhere."""
    elsewhere = [wrote(f"r{n}", f"where is the trombone in Faro {n}", "telegram:-8") for n in range(1000)]
    await kept.records.add_all([*elsewhere, wrote("r", "I left the old trombone of mine there", "discord:1")])
    asked = typed(1, "where is the trombone, in Faro?", "discord:1")
    assert await texts(kept, asked) == ["I left the old trombone of mine there"]


async def test_what_has_two_words_that_are_everywhere_is_found_however_old_it_is(kept):
    """Pairs of words: of each by itself only the newest are looked at."""
    some = [wrote(f"t{n:04}", f"the trombone again {n}", "discord:1") for n in range(NEWEST + 50)]
    more = [wrote(f"u{n:04}", f"all of Faro again {n}", "discord:1") for n in range(NEWEST + 50)]
    await kept.records.add_all([wrote("a", "I left the trombone in Faro", "discord:1")])
    await kept.records.add_all([*some, *more])
    found = await kept.memories.recall(["trombone", "faro"], {"discord:1"}, limit=1)
    assert [one.memory.key for one in found] == ["a"]


async def test_what_lies_on_a_wrong_shelf_is_not_handed_out_all_the_same(kept, database):
    from sqlalchemy import text

    await kept.records.add_all([wrote("r", "I left the trombone in Faro", "public")])
    async with database.transaction() as session:
        await session.execute(text("UPDATE memories SET audience = 'owner'"))
    assert await texts(kept, typed(1, "where is the trombone", "discord:1")) == []


async def test_the_owner_is_alone_only_where_nobody_else_reads(kept):
    mine = typed(1, "x", "telegram:77", "sam", private=True)
    assert audiences_of(mine) == {"public", "owner", "telegram:77"}
    from_their_account = typed(1, "x", "telegram:b77/42", "sam", private=True, as_owner=True)
    assert audiences_of(from_their_account) == {"public", "telegram:b77/42", "telegram:42"}
    in_a_group = typed(1, "x", "telegram:-5/7", "sam")
    assert audiences_of(in_a_group) == {"public", "telegram:-5/7", "telegram:-5"}


async def test_a_fact_is_known_and_forgotten_at_once(kept):
    asked = typed(1, "what is your cat called?", "discord:1")
    await kept.facts.add("My cat is called Pixel")
    (fact,) = await kept.recaller.for_answer([asked])
    assert (fact.kind, fact.text, fact.by_owner) == (MemoryKind.FACT, "My cat is called Pixel", True)
    await kept.facts.forget("pixel")
    assert await texts(kept, asked) == []


async def test_a_correction_is_an_example_right_away_and_the_newest_one_counts(kept):
    first = typed(1, "are you coming tonight?", "telegram:42", private=True)
    signal = await corrected(kept.messages, kept.feedback, first, "sure, 7 works")
    again = typed(5, "are you coming along tonight?", "telegram:42", "42", private=True)
    (example,) = await kept.recaller.for_answer([again])
    assert (example.text, example.answer) == ("are you coming tonight?", "sure, 7 works")
    await kept.feedback.withdraw(signal.reply_key, "sam", signal.kind, MAY)
    assert [one.answer for one in await kept.recaller.for_answer([again])] == []


async def test_what_the_owner_answers_when_taught_is_an_example_for_everybody(kept):
    asked = wrote("q", "hey, what are you up to?", "owner", source="teach", by_owner=False, author_id="<P>")
    given = wrote("a", "nothing much, you?", "owner", source="teach", reply_to="q")
    for order in ([asked, given], [given, asked]):  # whichever comes last
        for record in order:
            await kept.records.add_all([record])
        (example,) = await kept.recaller.for_answer([typed(1, "hey what are you up to", "discord:1")])
        assert (example.answer, example.audience) == ("nothing much, you?", "public")
        changed = wrote("a", "just woke up", "owner", source="teach", reply_to="q")
        await kept.records.add_all([changed])
        (example,) = await kept.recaller.for_answer([typed(1, "hey what are you up to", "discord:1")])
        assert example.answer == "just woke up"
        await kept.records.remove(["q", "a"])
        assert await kept.memories.counts() == {}


async def test_what_the_twin_itself_said_is_no_memory(kept):
    await kept.messages.add(typed(1, "the trombone is in Faro", "discord:1", "twin", by_twin=True))
    await kept.messages.add(typed(2, "the trombone is in Faro too", "discord:1", "robot", by_bot=True))
    assert await kept.memories.counts() == {}


async def test_whose_words_they_are_stays_with_them(kept):
    await kept.messages.add(typed(1, "Sam's favourite instrument is the trombone", "discord:1", "bo"))
    (claim,) = await kept.recaller.for_answer([typed(2, "which instrument is your favourite?", "discord:1")])
    assert (claim.by_owner, claim.speaker, claim.speaker_name) == (False, "discord:bo", "Bo")


async def test_the_owners_word_comes_before_a_strangers_and_the_newer_before_the_older(kept):
    day = timedelta(days=1)
    await kept.messages.add(typed(1, "Sam plays the trombone badly", "discord:1", "bo"))
    await kept.messages.add(typed(2, "I play the trombone, on Sundays", "discord:1", "sam"))
    old = wrote("old", "I play the trombone, on Mondays", "discord:1", said_at=MAY - 900 * day)
    await kept.records.add_all([old])
    asked = typed(3, "who does play the trombone?", "discord:1", "cy")
    assert await texts(kept, asked) == [
        "I play the trombone, on Sundays",
        "I play the trombone, on Mondays",
        "Sam plays the trombone badly",
    ]


@pytest.mark.parametrize("here", [0, 1])
async def test_of_two_that_are_as_good_what_was_said_there_comes_first(kept, here):
    days = ("Sundays", "Mondays")
    for number, day in enumerate(days):
        where = "discord:1" if number == here else "discord:2"
        text = f"I play the trombone, on {day}"
        await kept.records.add_all([wrote(f"r{number}", text, "public", thread_id=where)])
    asked = typed(3, "who does play the trombone?", "discord:1")
    first, _ = await texts(kept, asked)
    assert first == f"I play the trombone, on {days[here]}"


@pytest.mark.parametrize("asker", ["bo", "cy"])
async def test_of_two_that_are_as_good_what_the_asker_said_comes_first(kept, asker):
    for by in ("bo", "cy"):
        said = typed(by, f"the trombone of {by} is in Faro", "discord:1", by, sent_at=MAY)
        await kept.messages.add(said)
    asked = typed(3, "who has a trombone?", "discord:1", asker)
    assert (await texts(kept, asked))[0] == f"the trombone of {asker} is in Faro"


async def test_a_question_that_is_answered_anew_is_not_shown_how_it_was_answered_itself(kept):
    question = typed(1, "are you coming tonight?", "telegram:42", "42", private=True)
    await corrected(kept.messages, kept.feedback, question, "sure, 7 works")
    assert await kept.recaller.for_answer([question]) == []


async def test_small_talk_brings_nothing_back(kept):
    chatter = [wrote(f"r{n}", f"hey, how are you doing, day {n}", "discord:1") for n in range(300)]
    await kept.records.add_all([*chatter, wrote("one", "you left your trombone here", "discord:1")])
    assert await texts(kept, typed(1, "hey how are you", "discord:1")) == []


async def test_what_is_in_the_prompt_already_is_not_recalled(kept):
    await kept.messages.add(typed(1, "the trombone is in Faro", "discord:1"))
    asked = typed(2, "is the trombone back?", "discord:1")
    await kept.messages.add(asked)
    assert await kept.recaller.for_answer([asked], ["the trombone is in Faro"]) == []


async def test_what_was_kept_before_is_there_after_a_restart(kept, tables_url):
    await kept.records.add_all([wrote("r", "I left the trombone in Faro", "discord:1")])
    again = await Database.open(tables_url)
    recaller = Recaller(MemoryStore(again), Recall())
    recalled = await recaller.for_answer([typed(1, "where is the trombone", "discord:1")])
    await again.close()
    assert [one.key for one in recalled] == ["r"]


async def test_a_transaction_that_fails_leaves_no_memory_behind(kept, database):
    from storage.tables import MessageRow, values

    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with database.transaction() as session:
            row = {
                **values(typed(1, "the trombone is in Faro", "discord:1")),
                "waiting": False,
                "unsent": False,
            }
            await session.execute(database.insert(MessageRow).values(row))
            raise ZeroDivisionError
    assert await kept.memories.counts() == {}


async def test_any_text_can_be_kept_and_asked_about(kept):
    strange = [
        '"',
        "a OR b NOT c*",
        "don't AND (x",
        "\x00",
        "e\u0301a",
        "日本語",
        "𞤀𞤁 ᲐᲑ",
        "x_y",
        "²³",
        "' ; --",
    ]
    for number, text in enumerate(strange):
        await kept.messages.add(typed(number, f"{text} trombone", "discord:1"))
        await kept.recaller.for_answer([typed(f"q{number}", text, "discord:1")])
    assert (await kept.memories.counts()) == {"said": len(strange)}


@given(st.text())
def test_words_are_letters_and_digits_each_once(text):
    words = words_of(text)
    assert len(words) == len(set(words))
    assert all(word and word.isalnum() and len(word) <= 64 for word in words)
