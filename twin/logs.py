"""Where does the service write down what it does? Ids and counts, never what anybody said."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler

from twin.home import Home

OURS = ("bot", "brain", "ingest", "learning", "storage", "twin")
FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LARGEST, FILES = 5_000_000, 5


def write_logs(home: Home) -> str:
    """To one file, begun anew when it grows; errors to standard error as well. Returns the file's path."""
    path = home.logs / "twin.log"
    file = RotatingFileHandler(path, maxBytes=LARGEST, backupCount=FILES, encoding="utf-8", delay=True)
    screen = logging.StreamHandler()
    screen.setLevel(logging.ERROR)
    for handler in (file, screen):
        handler.setFormatter(logging.Formatter(FORM))
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    return str(path)
