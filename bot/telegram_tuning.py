"""Which of the numbers of talking to Telegram may be turned? Tests are quick, load tests write more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuning:
    poll_seconds: int = 25  # how long Telegram may hold a question for updates
    request_seconds: float = 10.0  # how long any other call may take
    first_pause: float = 1.0  # after a failure; doubles up to half a minute
    give_up_seconds: float = 300.0  # of nothing but failures
    conflicts: int = 5  # in a row, until we believe that another program reads this bot's messages
    stop_seconds: float = 5.0  # for what is still being done when we stop
    settle_seconds: float = 1.5  # until a request whose answer was lost has surely arrived
    probe_window: int = 60  # ids looked at for a lost message
    probe_gap: int = 10  # missing ones in a row that mean the end of the chat
    per_second: int = 30  # messages and edits, over all chats
    chat_seconds: float = 1.0  # between two in one chat
    group_per_minute: int = 20
    edit_patience: float = 3.0  # an edit that would wait longer is refused instead
    longest_rest: float = 30.0  # the same for a message, when Telegram asked for quiet
    tries: int = 5


@dataclass(frozen=True, slots=True)
class Webhook:
    """Telegram calls `url`; something in front of us takes care of HTTPS and passes it on to us."""

    url: str
    secret: str  # A-Z, a-z, 0-9, _ and -; at most 256
    port: int
    host: str = "127.0.0.1"
