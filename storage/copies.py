"""What is left of an SQLite file from before its tables were changed? A copy beside it, for each revision.

Postgres is not copied: a server has backups of its own, and `twin backup` works with both.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from storage.unavailable import DatabaseUnavailable

MARK = ".before-upgrade-from-"


def copies_of(file: Path) -> list[Path]:
    return sorted(file.parent.glob(f"{file.name}{MARK}*"))


def keep_copy(file: Path, revision: str) -> Path:
    """As it was committed last, even while we hold the lock for writing. Raises DatabaseUnavailable."""
    copy = file.with_name(f"{file.name}{MARK}{revision}")
    unfinished = copy.with_name(f"{copy.name}.partial")
    try:
        unfinished.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as there,
            closing(sqlite3.connect(unfinished)) as here,
        ):
            there.backup(here)
        os.replace(unfinished, copy)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise DatabaseUnavailable(
            f"cannot keep a copy of {file} before its tables are changed: {error}. Make room beside it, then "
            "start again; nothing has been changed."
        ) from error
    return copy
