from __future__ import annotations

import json
import logging
from datetime import datetime

import pytest

from twin.home import Home
from twin.logs import write_logs

PLANTED = "xylophone-kumquat"


@pytest.fixture
def root():
    """The root logger, as it was before."""
    logger = logging.getLogger()
    before, level = list(logger.handlers), logger.level
    yield logger
    for handler in logger.handlers[:]:
        if handler not in before:
            handler.close()
            logger.removeHandler(handler)
    logger.setLevel(level)


def written(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def test_a_json_log_has_one_object_a_line_and_no_text_of_an_exception(tmp_path, root, capsys):
    home = Home(tmp_path)
    home.make()
    path = write_logs(home, "json")
    log = logging.getLogger("brain.reply")
    log.info("no answer to %s", "telegram:1:2")
    try:
        int(PLANTED)
    except ValueError:
        log.exception("message %s failed", "telegram:1:2")
    first, second = map(json.loads, written(path))
    assert (first["level"], first["logger"], first["message"]) == (
        "INFO",
        "brain.reply",
        "no answer to telegram:1:2",
    )
    assert datetime.fromisoformat(first["time"]).tzinfo
    assert second["exception"] == "ValueError"
    assert second["at"][-1].startswith("test_logs.py:")
    assert PLANTED not in "\n".join(written(path)) + capsys.readouterr().err


def test_without_the_setting_a_log_is_for_people(tmp_path, root):
    home = Home(tmp_path)
    home.make()
    path = write_logs(home)
    logging.getLogger("bot.turns").info("hello %s", 3)
    assert written(path)[0].endswith("INFO bot.turns: hello 3")
