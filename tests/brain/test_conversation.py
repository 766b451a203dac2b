from __future__ import annotations

from datetime import timedelta

from fakes import said

from brain.conversation import gather, in_words
from storage.messages import MessageStore
from storage.records import Media, now


async def kept(database, *messages):
    store = MessageStore(database)
    for message in messages:
        await store.add(message)
    return store


def ago(minutes):
    return now() - timedelta(minutes=minutes)


async def test_the_recent_turns_of_that_chat_and_no_other_are_seen(sqlite_database):
    question = said("and you?", number="3")
    store = await kept(
        sqlite_database,
        said("long ago", number="1", sent_at=ago(9)),
        said("elsewhere", chat="garden", number="2", sent_at=ago(8)),
        said("fine", number="4", sent_at=ago(7), by_twin=True, by="twin"),
        question,
    )
    turns, speakers = await gather([question], store, history=1)
    assert [(turn.text, turn.ours) for turn in turns] == [("fine", True), ("and you?", False)]
    assert speakers == ("kitchen-app:ana",)
    turns, _ = await gather([question], store, history=8)
    assert [turn.text for turn in turns] == ["long ago", "fine", "and you?"]


async def test_the_chain_of_replies_is_followed_beyond_the_recent_turns(sqlite_database):
    first = said("shall we meet?", number="1", sent_at=ago(60))
    second = said("when?", by="bo", number="2", sent_at=ago(59), reply_to=first.key)
    elsewhere = said("private thing", chat="garden", number="9", sent_at=ago(58))
    noise = [said(f"noise {i}", by="cy", number=f"n{i}", sent_at=ago(9 - i)) for i in range(3)]
    question = said("well?", number="3", reply_to=second.key)
    store = await kept(sqlite_database, first, second, elsewhere, *noise, question)
    turns, speakers = await gather([question], store, history=2)
    assert [turn.text for turn in turns] == ["shall we meet?", "when?", "noise 1", "noise 2", "well?"]
    assert speakers == ("kitchen-app:ana", "kitchen-app:bo", "kitchen-app:cy")
    leak = said("look", number="5", reply_to=elsewhere.key)
    await store.add(leak)
    assert "private thing" not in [turn.text for turn in (await gather([leak], store, 2))[0]]


async def test_the_owners_chats_with_two_people_are_two_chats(sqlite_database):
    with_ana = said("between us", chat="b77/42", number="1", sent_at=ago(60))
    with_bo = said("well?", chat="b77/43", number="2", reply_to=with_ana.key)
    in_a_topic = said("this", chat="-100/7", number="3", sent_at=ago(50))
    elsewhere = said("that", chat="-100/8", number="4", reply_to=in_a_topic.key)
    store = await kept(sqlite_database, with_ana, with_bo, in_a_topic, elsewhere)
    assert [turn.text for turn in (await gather([with_bo], store, 1))[0]] == ["well?"]
    assert [turn.text for turn in (await gather([elsewhere], store, 1))[0]] == ["this", "that"]


async def test_two_people_of_one_name_are_kept_apart_and_a_new_name_counts_for_all(sqlite_database):
    messages = [
        said("one", by="1", number="1", author_name="Ana"),
        said("two", by="2", number="2", author_name="Ana"),
        said("three", by="1", number="3", author_name="Anna"),
    ]
    store = await kept(sqlite_database, *messages)
    turns, _ = await gather(messages[2:], store, history=8)
    assert [turn.speaker for turn in turns] == ["Anna", "Ana", "Anna"]
    twins = [said("a", by="1", number="7", author_name="Bo"), said("b", by="2", number="8", author_name="Bo")]
    store = await kept(sqlite_database, *twins)
    turns, _ = await gather(twins[1:], store, history=1)
    assert [turn.speaker for turn in turns] == ["Bo", "Bo (2)"]


async def test_a_deleted_message_is_not_seen(sqlite_database):
    gone, question = said("secret", number="1"), said("hm?", number="2")
    store = await kept(sqlite_database, gone, question)
    await store.delete(gone.key, now())
    turns, _ = await gather([question], store, history=8)
    assert [turn.text for turn in turns] == ["hm?"]


def test_what_hangs_on_a_message_and_what_it_quotes_are_read_along():
    message = said(
        "look",
        quote="see you\nat 7",
        media=(
            Media("image", "beach.jpg"),
            Media("sticker", text="🌊"),
            Media("file", "notes.txt", text="milk\neggs\n"),
            Media("voice"),
        ),
    )
    assert in_words(message) == (
        "> see you\n> at 7\nlook\n[image: beach.jpg]\n[sticker 🌊]\n[file: notes.txt]\nmilk\neggs\n[voice]"
    )
    assert in_words(said("", media=(Media("image"),))) == "[image]"
