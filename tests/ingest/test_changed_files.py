"""Is a watched path read again exactly when what is in it has changed?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest import changed_files
from ingest.changed_files import State, before, examine, remember
from storage.cursors import CursorStore
from storage.database import Database
from storage.records import Cursor, now


def aged(folder: Path, seconds: float = 100) -> None:
    for path in [folder, *folder.rglob("*")]:
        at = path.stat().st_mtime - seconds
        os.utime(path, (at, at))


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    (tmp_path / "vault" / "deep").mkdir(parents=True)
    (tmp_path / "vault" / "a.md").write_text("one")
    (tmp_path / "vault" / "deep" / "b.md").write_text("two")
    aged(tmp_path / "vault")
    return tmp_path / "vault"


def test_nothing_changed_is_seen_without_opening_a_file(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, changed = examine(vault, None)
    assert changed

    def opened(path: Path) -> str:
        raise AssertionError("no file needs to be opened")

    monkeypatch.setattr(changed_files, "_words", opened)
    assert examine(vault, state) == (state, False)


def test_a_copy_with_other_times_is_not_read_again(vault: Path) -> None:
    state, _ = examine(vault, None)
    aged(vault)
    touched, changed = examine(vault, state)
    assert not changed
    assert touched.words == state.words
    assert touched.look != state.look


def test_new_words_a_new_name_and_a_lost_file_are_changes(vault: Path) -> None:
    state, _ = examine(vault, None)
    (vault / "a.md").write_text("ONE")
    aged(vault)
    edited, changed = examine(vault, state)
    assert changed
    (vault / "a.md").rename(vault / "c.md")
    renamed, changed = examine(vault, edited)
    assert changed
    (vault / "c.md").unlink()
    assert examine(vault, renamed)[1]


def test_what_was_written_just_now_is_looked_into_the_next_time(vault: Path) -> None:
    (vault / "a.md").write_text("one!")
    about = (vault / "a.md").stat()
    state, _ = examine(vault, None)
    assert state.look == ""
    (vault / "a.md").write_text("two!")  # as long as before, and in the same tick of a coarse clock
    os.utime(vault / "a.md", ns=(about.st_atime_ns, about.st_mtime_ns))
    assert examine(vault, state)[1]


def test_links_and_pipes_are_left_alone(vault: Path, tmp_path: Path) -> None:
    state, _ = examine(vault, None)
    os.mkfifo(vault / "pipe")
    (vault / "link").symlink_to("/etc/hostname")
    (vault / "loop").symlink_to(vault)
    assert not examine(vault, state)[1]


def test_a_single_file_is_watched_too(vault: Path) -> None:
    state, changed = examine(vault / "a.md", None)
    assert changed
    assert not examine(vault / "a.md", state)[1]


async def test_the_state_is_remembered_for_each_source_and_path(database: Database, vault: Path) -> None:
    cursors = CursorStore(database)
    assert await before(cursors, "journal", vault) is None
    await remember(cursors, "journal", vault, State("look", "words"))
    assert await before(cursors, "journal", vault) == State("look", "words")
    assert await before(cursors, "obsidian", vault) is None
    await cursors.put(Cursor("sync:files", f"journal {vault}", {"version": 99}, now()))
    assert await before(cursors, "journal", vault) is None
