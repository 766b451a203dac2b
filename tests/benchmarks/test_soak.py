"""Does the soak count what people see? A message twice, one that never comes, one that nobody asked for."""

from __future__ import annotations

import asyncio
import random

from chat_script import DiscordPlace
from discord_server import DiscordServer

from benchmarks._soak_people import NOTHING, Chat, Tally
from benchmarks.soak import Memory


def a_chat(private):
    server = DiscordServer()
    person = server.user("Friend A")
    where = server.dm(person) if private else server.channel("room")
    place = DiscordPlace(server, where, [person])
    chat = Chat(place, iter(()), lambda *given: None, 1.0, random.Random(0))

    def ask():
        chat.boundaries.append(len(place.answers()))
        chat.asked.append(place.say("what now?", 0, to_twin=True))
        return chat.asked[-1]

    def answer(question=None):
        more = {"message_reference": {"message_id": question}} if question else {}
        server.world.message(where, server.bot, "this, buddy", **more)

    return chat, ask, answer


def counted(chat, answered=NOTHING):
    tally = Tally()
    chat.tally(tally, answered)
    return tally


async def test_in_a_group_an_answer_belongs_to_what_it_refers_to():
    chat, ask, answer = a_chat(private=False)
    first, second, third = ask(), ask(), ask()
    for question in (third, second, third, None):
        answer(question)
    assert counted(chat) == Tally(messages=3, answered_once=1, doubled=1, lost=1, uninvited=1)
    assert chat.answered()
    assert first not in (second, third)


async def test_in_private_an_answer_belongs_to_the_question_before_it():
    chat, ask, answer = a_chat(private=True)
    ask()
    answer()
    ask()
    answer()
    answer()
    ask()
    assert counted(chat) == Tally(messages=3, answered_once=1, doubled=1, lost=1, uninvited=0)
    assert not chat.answered()


async def test_people_ask_again_only_after_they_were_answered_and_wait_for_nothing_when_it_is_over():
    chat, _, answer = a_chat(private=True)
    chat.lines, chat.pause = iter(["one", "two", "three"]), 0.0
    over = asyncio.Event()
    talking = asyncio.create_task(chat.talk(over))
    async with asyncio.timeout(20):
        while len(chat.asked) < 1:
            await asyncio.sleep(0.01)
        answer()
        while len(chat.asked) < 2:
            await asyncio.sleep(0.01)
        over.set()
        await talking
    assert counted(chat) == Tally(messages=2, answered_once=1, lost=1)


async def test_two_questions_around_half_an_answer_may_be_answered_together_if_the_database_says_so():
    chat, ask, answer = a_chat(private=False)
    first = ask()
    chat.taken[0] = ("an id that is gone", "th")
    second = ask()
    answer(second)
    answered = {f"discord:{chat.place.chat_id}:{question}": "discord:~one" for question in (first, second)}
    assert counted(chat, answered) == Tally(messages=2, answered_once=2, together=1)
    assert counted(chat).lost == 1  # nothing says that the answer was to both
    other = answered | {f"discord:{chat.place.chat_id}:{second}": "discord:~other"}
    assert counted(chat, other).lost == 1
    chat.taken.clear()
    assert counted(chat, answered).lost == 1  # nothing had misled them


def test_growth_of_one_life_is_what_its_last_quarter_holds_beyond_the_one_before():
    memory = Memory(None, None)
    assert memory.grown_mb() == 0.0
    short, long = [100.0, 900.0], [50.0, 150.0, 160.0, 160.0, 160.0, 162.0, 163.0, 165.0]
    memory.lives = [[(0.1 * at, mb) for at, mb in enumerate(life)] for life in (short, long)]
    assert memory.grown_mb() == 3.0
