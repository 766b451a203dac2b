from bot.latest import Latest


def test_only_the_latest_so_many_are_remembered_and_hearing_again_counts() -> None:
    known: Latest[int, str] = Latest(3)
    for chat in (1, 2, 3, 1, 4):
        known[chat] = f"chat {chat}"
    assert list(known.items()) == [(3, "chat 3"), (1, "chat 1"), (4, "chat 4")]
    assert (known.get(2), known.pop(2, None), 2 in known) == (None, None, False)
