"""Is each export taken for what it is, and never for another?"""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from settle import settle

from ingest.files import ExportUnreadable
from ingest.pipeline import recognise
from ingest.source import Owner
from ingest.sources import SOURCES
from storage.records import Record

OWNER = Owner(name="Ola Brandt", accounts={"email": ("ola@example.org",)})
ID = "0123456789abcdef" * 2


def put(folder: Path, name: str, content: str | bytes) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def commit(folder: Path) -> None:
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (
        ("NAME", "Ola Brandt"), ("EMAIL", "ola@example.org"), ("DATE", "2024-03-10T12:00:00Z"),
    )}  # fmt: skip
    nobody = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull}
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Water the moss"]):
        subprocess.run(["git", *arguments], cwd=folder, env=nobody | who, check=True, timeout=30)


def docx(text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", f"<d><body><p><r><t>{text}</t></r></p></body></d>")
    return file.getvalue()


def discord_package(folder: Path) -> None:
    row = {"ID": 1192595275202560000, "Timestamp": "2024-01-04 22:13:00", "Contents": "hi", "Attachments": ""}
    put(folder, "Messages/c512003884417089536/messages.json", json.dumps([row]))
    put(folder, "Messages/c512003884417089536/channel.json", '{"id": "512003884417089536"}')
    put(folder, "Account/user.json", '{"id": "1", "username": "ola"}')
    put(folder, "README.txt", "Your Discord data")


def git(folder: Path) -> None:
    put(folder, "moss.py", "# Soft and green, always\nx = 1\n")
    put(folder, "README.md", "# Moss\n\n2024-03-10 was a day\n")
    put(folder, "docs/2024-03-10-plan.md", "# Plan\n")
    put(folder, "data/a.json", '[{"a": 1}]')
    put(folder, "data/a.csv", "a,b\n1,2\n")
    commit(folder)


def google_docs(folder: Path) -> None:
    put(folder, "Takeout/Drive/Moss.docx", docx("Moss is soft"))
    put(folder, "Takeout/Drive/2024-03-10 notes.html", "<p class='doc-content'>x</p>")
    put(folder, "Takeout/archive_browser.html", "<html></html>")


def journal(folder: Path) -> None:
    put(folder, "2024-03-10.md", "snow")
    put(folder, "2024-W11.md", "more snow")
    put(folder, "pictures/a.json", "{}")


def myanimelist(folder: Path) -> None:
    entry = "<series_animedb_id>1</series_animedb_id><series_title>Moss</series_title><my_score>8</my_score>"
    text = f"<myanimelist><myinfo></myinfo><anime>{entry}</anime></myanimelist>"
    put(folder, "animelist_1710072000_-_7.xml.gz", gzip.compress(text.encode()))


def notion(folder: Path) -> None:
    put(folder, f"Journal {ID}.md", "# 2024-03-10\n\nsnow")
    put(folder, f"Plants {ID[::-1]}_all.csv", "Name,Comment ID\nMoss,1\n")


def obsidian(folder: Path) -> None:
    put(folder, ".obsidian/app.json", "{}")
    put(folder, "2024-03-10.md", "snow")
    put(folder, f"from notion {ID}.md", "# moss")


def telegram(folder: Path) -> None:
    message = {"id": 1, "type": "message", "date_unixtime": "1717243200", "from_id": "user5", "text": "hi"}
    chat = {"name": "A", "type": "personal_chat", "id": 5, "messages": [message]}
    put(
        folder, "result.json", json.dumps({"personal_information": {"user_id": 7}, "chats": {"list": [chat]}})
    )


def youtube(folder: Path) -> None:
    watched = {"header": "YouTube", "title": "Watched Moss", "time": "2024-03-10T12:00:00Z"}
    watched["titleUrl"] = "https://www.youtube.com/watch?v=abcdefghijk"
    put(folder, "Takeout/YouTube/history/watch-history.json", json.dumps([watched]))
    put(folder, "Takeout/archive_browser.html", "<html></html>")


MAKERS: dict[str, Callable[[Path], None]] = {
    maker.__name__: maker
    for maker in (
        discord_package,
        git,
        google_docs,
        journal,
        myanimelist,
        notion,
        obsidian,
        telegram,
        youtube,
    )
}


@pytest.mark.parametrize("name", MAKERS)
def test_an_export_is_taken_for_what_it_is_and_something_comes_out(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "any name"
    folder.mkdir()
    MAKERS[name](folder)
    sure = {other: source.recognise(folder) for other, source in SOURCES.items()}
    best, second = sorted(sure.values())[-1], sorted(sure.values())[-2]
    assert recognise(folder).name == name
    assert best >= 0.6
    assert best > second
    outcomes, _ = settle(SOURCES[name], folder, OWNER)
    assert any(isinstance(one, Record) and one.source == name for one in outcomes)


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "git"])
def test_a_zip_of_it_is_taken_for_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / "x").mkdir()
    MAKERS[name](tmp_path / "x")
    with zipfile.ZipFile(tmp_path / "any.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (tmp_path / "x").rglob("*"):
            if file.is_file():
                archive.write(file, file.relative_to(tmp_path / "x"))
    assert recognise(tmp_path / "any.zip").name == name


@pytest.mark.parametrize("name", ["journal", "notion", "obsidian"])
def test_notes_kept_in_a_repository_are_notes(tmp_path: Path, name: str) -> None:
    MAKERS[name](tmp_path)
    if name == "obsidian":  # people keep the scripts of their vault in it
        put(tmp_path, "scripts/day.js", "// words about a day\n")
    commit(tmp_path)
    assert recognise(tmp_path).name == name


@pytest.mark.parametrize("name", MAKERS)
def test_an_export_to_test_with_does_not_make_a_repository_another_thing(tmp_path: Path, name: str) -> None:
    if name != "git":
        MAKERS[name](tmp_path / "examples" / name)
    git(tmp_path)
    assert recognise(tmp_path).name == "git"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"hello"),
        ("a.md", b"# hello"),
        ("a.json", b'[{"header": "Chrome", "title": "x"}]'),
        ("a.json", b'{"messages": [], "type": "x"}'),
        ("a.csv", b"a,b\n1,2\n"),
        ("a.xml", b"<opml/>"),
        ("a.html", b"<html><body>hello</body></html>"),
        ("a.zip", b"PK\x05\x06" + b"\0" * 18),
        ("a.docx", b"\xd0\xcf\x11\xe0"),
        ("a.xml.gz", b"\x1f\x8b"),
        ("YouTube/history/watch-history.json", b"[]"),
        ("Messages/index.json", b"{}"),
        ("Takeout/Drive/a.pdf", b"%PDF"),
    ],
)
def test_what_is_no_export_is_taken_for_none(tmp_path: Path, name: str, content: bytes) -> None:
    put(tmp_path, name, content)
    with pytest.raises(ExportUnreadable, match="no export I know"):
        recognise(tmp_path)
    with pytest.raises(ExportUnreadable, match="no export I know"):
        recognise(tmp_path / name)
