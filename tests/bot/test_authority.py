"""Who is heard where? Each chat of Telegram's business accounts is a chat by itself."""

from __future__ import annotations

import pytest

from bot.authority import Authority
from bot.platform import Person


@pytest.mark.parametrize(
    ("blocked", "chat", "heard"),
    [
        ("b77/42", "b77/42", False),
        ("b77/42", "b77/43", True),
        ("b77", "b77/42", True),
        ("-100", "-100/7", False),
        ("-100/7", "-100/8", True),
    ],
)
def test_a_block_is_of_a_chat_with_all_its_topics_and_of_no_other(blocked, chat, heard):
    authority = Authority({"telegram": "1"}, block=[f"telegram:chat:{blocked}"])
    assert authority.admits(Person("telegram", "5", "Ana"), chat, None) is heard
