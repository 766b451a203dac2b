from __future__ import annotations

import asyncio
import io

import pytest
from fakes import said

from bot.platform import Button, Ears, Question, Said
from bot.terminal_app import TerminalApp


@pytest.fixture
def sitting(monkeypatch):
    """Type lines, get back what stood on the screen and what the twin was told."""

    async def sit(*lines):
        heard = []

        async def message_arrived(message, platform):
            heard.append(("message", message.text))
            async with platform.typing(message.chat_id):
                sent = await platform.send(message.chat_id, "he")
                await platform.edit(message.chat_id, sent, "hello")
            answer = asyncio.get_running_loop().create_future()
            answer.set_result(said("hello"))
            return answer

        async def reaction_changed(reaction, platform):
            heard.append(("added" if reaction.added else "withdrawn", reaction.emoji))

        async def command_given(invocation, platform):
            heard.append((invocation.command, invocation.words))
            if invocation.command == "correct" and not invocation.words:
                return Question("ask-correct:1", "What should I have said?", "The better words")
            return Said("done\nreally", (Button("Yes", "yes:1"), Button("No", "no:1")))

        async def button_pressed(press, platform):
            heard.append((press.action, press.text))
            return Said("noted")

        async def nothing(*_):
            return []

        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
        out = io.StringIO()
        ears = Ears(
            message_arrived=message_arrived,
            message_edited=nothing,
            message_deleted=nothing,
            typing_seen=nothing,
            reaction_changed=reaction_changed,
            command_given=command_given,
            completions=nothing,
            button_pressed=button_pressed,
            question_asked=nothing,
            private_chats=nothing,
        )
        await TerminalApp(ears, owner_name="Sam", twin_name="Sam's twin", out=out).run()
        return out.getvalue(), heard

    return sit


async def test_an_answer_grows_on_one_line(sitting):
    screen, heard = await sitting("hi", "")
    assert "Sam's twin: hello\n" in screen
    assert heard == [("message", "hi")]


async def test_thumbs_count_and_the_same_again_takes_them_back(sitting):
    _, heard = await sitting("hi", "👍", "+", "-", "👍", "-", "hi", "-")
    assert heard[1:6] == [
        ("added", "👍"),
        ("withdrawn", "👍"),
        ("added", "👎"),
        ("withdrawn", "👎"),
        ("added", "👍"),
    ]
    assert heard[6:] == [("withdrawn", "👍"), ("added", "👎"), ("message", "hi"), ("added", "👎")]


async def test_before_any_answer_there_is_nothing_to_judge(sitting):
    screen, heard = await sitting("+")
    assert heard == []
    assert "no answer yet to judge" in screen


async def test_commands_are_passed_on_with_their_words_and_their_outcome_shown(sitting):
    screen, heard = await sitting("/status", "/adapters promote sft-1", "/nonsense", "/quit", "never read")
    assert heard == [("status", {}), ("adapters", {"action": "promote", "version": "sft-1"})]
    assert "  · done\n  · really\n" in screen
    assert "I don't know /nonsense" in screen


async def test_buttons_are_pressed_by_their_number(sitting):
    screen, heard = await sitting("/status", "/2")
    assert "/1 Yes   /2 No" in screen
    assert heard[1:] == [("no:1", None)]
    assert "noted" in screen


async def test_a_question_is_answered_by_the_next_line(sitting):
    screen, heard = await sitting("hi", "/correct", "hey you", "hi")
    assert "What should I have said?" in screen
    assert heard[2:] == [("ask-correct:1", "hey you"), ("message", "hi")]
