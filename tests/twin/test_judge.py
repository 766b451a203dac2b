"""Does only a win that survives the exchange of places count?"""

from __future__ import annotations

import re

from twin.judge import compare

ROWS = [(f"q{n}", f"owner {n}", f"ours {n}", f"theirs {n}") for n in range(20)]


def judge_that(prefers):
    async def ask(prompt):
        text = prompt[-1]["content"]
        first, second = re.search(r"^A: (.*)$", text, re.M)[1], re.search(r"^B: (.*)$", text, re.M)[1]
        return prefers(first, second)

    return ask


async def test_a_judge_who_always_likes_ours_gives_wins_and_a_narrow_enough_interval():
    found = await compare(ROWS, judge_that(lambda first, second: "A." if "ours" in first else "b"))
    assert (found["wins"], found["ties"], found["losses"], found["share"]) == (20, 0, 0, 1.0)
    assert found["low"] > 0.85


async def test_a_judge_who_only_likes_a_place_gives_ties():
    found = await compare(ROWS, judge_that(lambda first, second: "A"))
    assert (found["ties"], found["share"]) == (20, 0.5)


async def test_an_answer_that_names_neither_is_a_tie():
    found = await compare(ROWS[:3], judge_that(lambda first, second: "neither"))
    assert (found["picks"], found["ties"]) == (3, 3)


async def test_theirs_being_liked_is_a_loss():
    found = await compare(ROWS, judge_that(lambda first, second: "A" if "theirs" in first else "B"))
    assert (found["losses"], found["share"]) == (20, 0.0)
