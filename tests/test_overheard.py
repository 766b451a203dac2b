"""Would a log that tells what somebody said be found?"""

from __future__ import annotations

import logging

import overheard
import pytest

WORDS = "the harp is in Faro"


@pytest.mark.parametrize("quotes", [True, False])
def test_a_log_that_quotes_somebody_is_found_also_in_an_exception(quotes, tmp_path):
    log = logging.getLogger("bot.on_message")

    def speak():
        with overheard.nothing_said_is_logged():
            overheard.note(WORDS)
            try:
                raise ValueError(WORDS if quotes else "telegram:1:2")
            except ValueError:
                log.exception("message %s failed", "telegram:1:2")

    if quotes:
        with pytest.raises(AssertionError, match=WORDS):
            speak()
        overheard.said.clear()
    else:
        speak()
    (tmp_path / "twin.log").write_text(f"INFO bot: he says {WORDS}")
    overheard.nothing_said_is_in(tmp_path / "nowhere")
    overheard.said.add(WORDS)
    with pytest.raises(AssertionError, match="holds what somebody said"):
        overheard.nothing_said_is_in(tmp_path)
    overheard.said.clear()
