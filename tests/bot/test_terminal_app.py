from __future__ import annotations

import io

import pytest
from fakes import said

from bot.terminal_app import Handlers, TerminalApp
from storage.records import Signal


@pytest.fixture
def sitting(monkeypatch, kitchen):
    """Type lines, get back what stood on the screen and what the twin was told."""

    async def sit(*lines):
        heard = []

        async def message_arrived(message, platform):
            heard.append(("message", message.text))
            async with platform.typing(message.chat_id):
                sent = await platform.send(message.chat_id, "he")
                await platform.edit(message.chat_id, sent, "hello")
            return said("hello", number=sent)

        async def reaction_added(key, signal):
            heard.append(("added", signal))
            return True

        async def reaction_withdrawn(key, signal):
            heard.append(("withdrawn", signal))
            return True

        async def correction_given(key, text):
            heard.append(("correction", text.strip()))
            return bool(text.strip())

        async def command_given(line, chat_id, platform):
            heard.append(("command", line))
            return "done\nreally"

        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
        out = io.StringIO()
        handlers = Handlers(
            message_arrived, reaction_added, reaction_withdrawn, correction_given, command_given
        )
        await TerminalApp(handlers, owner_name="Sam", twin_name="Sam's twin", out=out).run()
        return out.getvalue(), heard

    return sit


async def test_an_answer_grows_on_one_line(sitting):
    screen, heard = await sitting("hi", "")
    assert "Sam's twin: hello\n" in screen
    assert heard == [("message", "hi")]


async def test_thumbs_count_and_the_same_again_takes_them_back(sitting):
    _, heard = await sitting("hi", "👍", "+", "-", "👎")
    assert heard[1:] == [
        ("added", Signal.UP),
        ("withdrawn", Signal.UP),
        ("added", Signal.DOWN),
        ("withdrawn", Signal.DOWN),
    ]


async def test_a_correction_is_about_the_last_answer(sitting):
    screen, heard = await sitting("hi", "/correct hey you", "/correct")
    assert heard[1:] == [("correction", "hey you"), ("correction", "")]
    assert "Noted: next time more like that" in screen
    assert "Write it like this" in screen


async def test_before_any_answer_there_is_nothing_to_judge(sitting):
    screen, heard = await sitting("+", "/correct no")
    assert heard == []
    assert "no answer yet to judge" in screen
    assert "no answer yet to correct" in screen


async def test_commands_are_passed_on_and_their_outcome_shown(sitting):
    screen, heard = await sitting("/status", "/quit", "never read")
    assert heard == [("command", "/status")]
    assert "  · done\n  · really\n" in screen
