"""Does /teach ask one thing after the other, and keep what the owner answers?"""

from __future__ import annotations

from dataclasses import replace

from bot.platform import Question
from bot.situations import KINDS, LESSON, situation

EVERY = [text for texts in KINDS.values() for text in texts]


def actions(said):
    return [button.action for button in said.buttons]


async def test_an_answer_is_kept_with_its_question_and_the_next_one_asked(kitchen):
    first = await kitchen.command("teach", private=True)
    assert "1 of 8. A friend writes:\n> hey, what's up?" in first.text
    answer, _, _ = actions(first)
    assert await kitchen.press(answer) == Question(answer, "How would you answer?", "hey, what's up?")
    second = await kitchen.press(answer, "nm, you?")
    assert kitchen.taught == [("hey, what's up?", "nm, you?")]
    assert f"Kept.\n\n2 of 8. A friend writes:\n> {situation(1)}" in second.text


async def test_skipping_and_stopping_keep_nothing(kitchen):
    _, skip, stop = actions(await kitchen.command("teach"))
    assert "2 of 8" in (await kitchen.press(skip)).text
    assert (await kitchen.press(stop)).buttons == ()
    assert kitchen.taught == []


async def test_a_lesson_ends_and_the_next_one_goes_on_with_other_questions(kitchen):
    said = await kitchen.command("teach")
    for number in range(LESSON):
        said = await kitchen.press(actions(said)[0], f"answer {number}")
    assert said.buttons == ()
    assert "last one for now" in said.text
    assert len({question for question, _ in kitchen.taught}) == LESSON
    again = await kitchen.command("teach")
    assert actions(again)[0] == f"ask-teach:{LESSON}"
    assert situation(LESSON) not in [question for question, _ in kitchen.taught]


async def test_an_answer_without_words_is_asked_for_again(kitchen):
    answer, _, _ = actions(await kitchen.command("teach"))
    again = await kitchen.press(answer, "  ")
    assert "no words" in again.text
    assert actions(again)[0] == answer


async def test_nobody_but_the_owner_answers_for_the_owner(kitchen):
    for action in actions(await kitchen.command("teach")):
        assert (await kitchen.press(action, "evil", by="tia")).text == "Only the owner can do that."
    assert kitchen.taught == []


async def test_where_nothing_keeps_them_nothing_is_asked(kitchen):
    kitchen.talk = replace(kitchen.talk, demonstrate=None)
    assert (await kitchen.command("teach")).buttons == ()


async def test_a_button_of_another_time_breaks_nothing(kitchen):
    for action in ("ask-teach:", "ask-teach:x", "ask-teach:-1", "teach-skip:²"):
        assert "gone" in (await kitchen.press(action, "hm")).text
    assert (await kitchen.press("ask-teach:99998", "hm")).buttons


def test_every_situation_fits_the_line_of_a_form_and_comes_up():
    assert max(map(len, EVERY)) <= 45
    assert [situation(number) for number in range(LESSON)] == [texts[0] for texts in KINDS.values()]
    assert {situation(number) for number in range(len(EVERY))} == set(EVERY)
    assert situation(len(EVERY)) == situation(0)
