"""How does the owner show the twin how they would answer? /teach: some questions, one after the other."""

from __future__ import annotations

from bot.on_message import Conversation
from bot.platform import Button, Invocation, Press, Question, Said
from bot.situations import LESSON, situation

OVER = "That was the last one for now. I learn from your answers with the next training; /teach goes on."


async def teach(invocation: Invocation, talk: Conversation) -> Said:
    if talk.demonstrate is None:
        return Said("I have nowhere to keep your answers here.")
    lesson = 0
    while not await talk.kept.questions.put(f"lesson {lesson}", "", invocation.by.id):
        lesson += 1
    return _ask(lesson * LESSON, "Answer the way you would answer a friend.")


async def taught(press: Press, what: str, about: str, talk: Conversation) -> Said | Question:
    """An answer to situation `about`, or a wish to skip it, or to stop."""
    if what == "teach-stop":
        return Said("Thank you. /teach goes on another time.")
    if not (about.isascii() and about.isdigit()) or talk.demonstrate is None:
        return Said("That question is gone; /teach asks others.")
    number = int(about)
    if what == "teach-skip":
        return _next(number, "Skipped.")
    if press.text is None:
        return Question(press.action, "How would you answer?", situation(number))
    if not await talk.demonstrate(situation(number), press.text):
        return _ask(number, "There were no words in that.")
    return _next(number, "Kept.")


def _next(number: int, done: str) -> Said:
    number += 1
    return _ask(number, done) if number % LESSON else Said(f"{done} {OVER}")


def _ask(number: int, before: str) -> Said:
    buttons = (
        Button("Answer", f"ask-teach:{number}"),
        Button("Skip", f"teach-skip:{number}"),
        Button("Stop", "teach-stop"),
    )
    place = f"{number % LESSON + 1} of {LESSON}"
    return Said(f"{before}\n\n{place}. A friend writes:\n> {situation(number)}", buttons)
