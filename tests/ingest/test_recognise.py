"""Is every export known for what it is, whatever its folder is called?"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
from export_files import put, zipped

from ingest import files
from ingest.files import Export, ExportUnreadable
from ingest.pipeline import recognise
from ingest.sources import SOURCES

MESSAGE = {"sender_name": "Tam", "timestamp_ms": 1717243200000, "content": "hi"}
CHAT = {"participants": [{"name": "Tam"}, {"name": "Ola"}], "messages": [MESSAGE]}
HEAD = {"guild": {"id": "1"}, "channel": {"id": "2", "type": "GuildTextChat"}, "dateRange": {}}
OUTBOX = {"@context": "https://www.w3.org/ns/activitystreams", "orderedItems": []}
TELEGRAM = {
    "name": "A",
    "type": "personal_chat",
    "id": 5,
    "messages": [{"type": "message", "from_id": "user5"}],
}
COMMENTS = "id,permalink,date,ip,subreddit,gildings,link,parent,body,media\n"
MAIL = "From: ola@example.org\nDate: Sat, 01 Jun 2024 12:00:00 +0000\n\nhi\n"
POSTS = [{"media": [{"creation_timestamp": 1, "title": "x"}]}]
FRAMES = '{"account": {}}\n{"recipient": {"id": "1", "self": {}}}\n'
LINE = '{"date": "2024-06-01T13:00:00", "sender": "Me", "body": "hi"}\n'

EXPORTS: list[tuple[str, dict[str, Any]]] = [
    ("discord_chat_exporter", {"x.json": HEAD | {"messages": []}}),
    ("discord_package", {"c512003884417089536/messages.json": [], "c512003884417089536/channel.json": {}}),
    ("email", {"Sent.mbox": "From x Sat Jun 01 12:00:00 2024\n" + MAIL}),
    ("email", {"a.eml": MAIL, "b.txt": "2024-01-01\n"}),
    ("facebook", {"messages/inbox/tam_123456/message_1.json": CHAT}),
    ("facebook", {"comments.json": {"comments_v2": []}, "inbox/tam_123456/message_1.json": CHAT}),
    ("instagram", {"your_instagram_activity/messages/inbox/tam_123456/message_1.json": CHAT}),
    ("instagram", {"media/posts_1.json": POSTS, "messages/inbox/tam_123456/message_1.json": CHAT}),
    ("journal", {"2024-01-01.md": "climbed", "2024-01-02.md": "rested"}),
    ("mastodon", {"outbox.json": OUTBOX, "actor.json": {}}),
    ("reddit", {"comments.csv": COMMENTS}),
    ("signal", {"main.jsonl": FRAMES}),
    ("signal", {"Tam/data.json": LINE, "Tam/chat.md": "[2024-06-01] Me: hi"}),
    (
        "slack",
        {
            "users.json": [],
            "channels.json": [],
            "general/2024-06-01.json": [{"type": "message", "user": "U"}],
        },
    ),
    ("telegram", {"result.json": TELEGRAM}),
    ("whatsapp", {"WhatsApp Chat with Tam.txt": "13/06/2024, 23:30 - Tam: hi\n"}),
    (
        "x_archive",
        {
            "data/tweets.js": "window.YTD.tweets.part0 = []",
            "data/account.js": "window.YTD.account.part0 = []",
        },
    ),
]


@pytest.mark.parametrize(("name", "files"), EXPORTS)
def test_an_export_is_its_own_sources_and_nobody_elses(
    tmp_path: Path, name: str, files: dict[str, Any]
) -> None:
    folder = tmp_path / "some folder"
    for file, content in files.items():
        put(folder, file, content)
    sure = {source.name: source.recognise(folder) for source in SOURCES.values()}
    assert sure.pop(name) > max(sure.values()) + 0.04
    assert recognise(folder).name == name
    assert recognise(zipped(folder)).name == name


def test_a_large_folder_is_listed_once_and_each_file_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1000):
        (tmp_path / f"page {number}.md").write_text("words and words")
        (tmp_path / f"note {number}.json").write_text('{"words": 1}')
    opened: Counter[str] = Counter()
    listed: list[object] = []
    real = Export.open

    def counted(export: Export, name: str) -> BinaryIO:
        opened[name] += 1
        return real(export, name)

    monkeypatch.setattr(Export, "open", counted)
    monkeypatch.setattr(
        files, "os", SimpleNamespace(scandir=lambda path: listed.append(path) or os.scandir(path))
    )
    with pytest.raises(ExportUnreadable, match="no export I know"):
        recognise(tmp_path)
    assert len(listed) == 2  # with and without the archives in it
    assert opened.total() < 1.5 * 2000
