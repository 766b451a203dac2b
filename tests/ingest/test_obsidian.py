"""Does a vault come in as notes and journal pages, each under the day that is surest, without its marks?"""

from __future__ import annotations

import json
import os
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from settle import damaged, settle

from ingest.source import Owner, Person
from ingest.sources.obsidian import SOURCE, people, read, recognise
from storage.records import Kind, Precision, Record, Skipped, ZoneSource, stable_id

OWNER = Owner(name="Ola", zones=((date.min, ZoneInfo("Europe/Ljubljana")),))
WRITTEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    (tmp_path / "v" / ".obsidian").mkdir(parents=True)
    put(tmp_path / "v", ".obsidian/app.json", "{}")
    return tmp_path / "v"


def put(vault: Path, name: str, content: Any) -> None:
    file = vault / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    os.utime(file, (WRITTEN.timestamp(), WRITTEN.timestamp()))


def note(name: str, text: str, day: str = "", line: int = 1, label: str = "", **more: Any) -> Record:
    noon = datetime.fromisoformat(f"{day or '2024-05-06'}T12:00").replace(tzinfo=ZoneInfo("Europe/Ljubljana"))
    inferred = ZoneSource.OWNER if day else ZoneSource.INFERRED
    return Record(
        id=more.pop("id", stable_id("obsidian", "v", name, label, "1")),
        source="obsidian",
        kind=more.pop("kind", Kind.JOURNAL if day else Kind.NOTE),
        author_id="owner",
        by_owner=True,
        thread_id="obsidian:v",
        said_at=more.pop("said_at", noon.astimezone(UTC) if day else WRITTEN),
        text=text,
        origin=f"{name}#{line}",
        precision=more.pop("precision", Precision.DAY),
        zone_source=more.pop("zone_source", inferred),
        **more,
    )


def test_each_note_has_the_surest_day_there_is(vault: Path) -> None:
    put(vault, ".obsidian/daily-notes.json", {"folder": "daily", "format": "DD.MM.YYYY"})
    put(vault, "daily/10.03.2024.md", "by the format")
    put(vault, "daily/11.03.2024.md", "---\ndate: 2024-03-12T22:41\n---\nby the header")
    put(vault, "daily/12.03.2024.md", "---\ndate: 2024-03-01\n---\nby the day in the header")
    put(vault, "2024-03-13 walk.md", "by the name")
    put(vault, "log.md", "# Log\n\n## 2024-03-14\nby the heading\n")
    put(vault, "moss.md", "by the clock of the file")
    put(vault, "made.md", "---\ncreated: 2024-03-15\n---\nby the header, too")
    at = datetime(2024, 3, 12, 21, 41, tzinfo=UTC)
    minute: dict[str, Any] = {"said_at": at, "precision": Precision.MINUTE}
    assert list(read(vault, OWNER)) == [
        note("2024-03-13 walk.md", "by the name", "2024-03-13"),
        note("daily/10.03.2024.md", "by the format", "2024-03-10"),
        note("daily/11.03.2024.md", "by the header", "2024-03-12", 4, **minute),
        note("daily/12.03.2024.md", "by the day in the header", "2024-03-01", 4),
        note("log.md", "Log\n"),
        note("log.md", "by the heading\n", "2024-03-14", 3, label="2024-03-14"),
        note("made.md", "by the header, too", "2024-03-15", 4, kind=Kind.NOTE),
        note("moss.md", "by the clock of the file"),
    ]
    assert recognise(vault) > 0.9


def test_periodic_notes_follow_their_own_formats(vault: Path) -> None:
    week = {"format": "", "folder": "weeks", "enabled": True, "template": "forms/week.md"}
    month = {"format": "YYYY/MMMM", "folder": "/months/"}
    off = {"format": "YYYY", "folder": "", "enabled": False}
    formats = {"weekly": week, "monthly": month, "yearly": off}
    put(vault, ".obsidian/plugins/periodic-notes/data.json", formats)
    put(vault, "weeks/2024-W05.md", "a week")
    put(vault, "months/2024/March.md", "a month")
    put(vault, "forms/week.md", "what went well?")
    put(vault, "2019.md", "a year that is a title")
    assert list(read(vault, OWNER)) == [
        note("2019.md", "a year that is a title"),
        Skipped("forms/week.md", "a template", failed=False),
        note("months/2024/March.md", "a month", "2024-03-01"),
        note("weeks/2024-W05.md", "a week", "2024-01-29", zone_source=ZoneSource.INFERRED),
    ]


def test_the_words_stay_and_the_syntax_goes(vault: Path) -> None:
    text = (
        "# Moss\n#plants #moss/soft\n\nmet [[People/Tam|tam]] at ![[wall.png]]the wall ^block-1\n"
        "mood:: fine, std::vector\n> [!tip] Water\n> daily\n- [ ] ==buy== a #pot\n%%hush%%\n"
        "```cpp\n#include <a> // key:: ^x\n```\n```dataview\nlist\n```\nissue #12 and c#"
    )
    put(vault, "moss.md", f"---\ntags: [green]\n---\n{text}")
    plain = (
        "Moss\n\n\nmet tam at the wall\nmood: fine, std::vector\n> Water\n> daily\n- buy a pot\n\n"
        "```cpp\n#include <a> // key:: ^x\n```\n\nissue #12 and c#"
    )
    tags = ("green", "plants", "moss/soft", "pot")
    assert list(read(vault, OWNER)) == [note("moss.md", plain, line=4, tags=tags)]


def test_what_is_not_the_owners_words_is_left_out_by_name(vault: Path) -> None:
    put(vault, ".obsidian/templates.json", {"folder": "Templates"})
    put(vault, ".trash/gone.md", "thrown away")
    put(vault, ".hidden/x.md", "not shown")
    put(vault, "Templates/day.md", "how was it?")
    put(vault, "unfilled.md", "# {{title}}\n<% tp.date.now() %>")
    put(vault, "sketch.excalidraw.md", "# Text Elements")
    put(vault, "clip.md", "---\nsource: https://x.example/a\nauthor: Tam\n---\nan article")
    put(vault, "clip2.md", "---\nurl: https://x.example/a\ntags: clippings\n---\nan article")
    put(vault, "own.md", "---\nsource: https://x.example/a\n---\nwhat I think of it")
    put(vault, "empty.md", "")
    put(vault, "only.md", "---\ntags: x\n---\n![[a.png]]")
    put(vault, "picture.png", b"\x89PNG")
    dropped = [
        (one.where, one.why) for one in read(vault, OWNER) if isinstance(one, Skipped) and not one.failed
    ]
    assert dropped == [
        (".hidden/x.md", "a hidden file, not a note"),
        (".trash/gone.md", "in the vault's trash"),
        ("Templates/day.md", "a template"),
        ("clip.md", "clipped from the web: somebody else's words"),
        ("clip2.md", "clipped from the web: somebody else's words"),
        ("empty.md", "empty"),
        ("only.md#4", "no words in it"),
        ("sketch.excalidraw.md", "a drawing"),
        ("unfilled.md", "a template"),
    ]
    assert [one.text for one in read(vault, OWNER) if isinstance(one, Record)] == ["what I think of it"]


@pytest.mark.parametrize(
    "header",
    [
        "created: 2024-02-30",
        "\tcreated: x",
        "a: 'unclosed",
        "a: {{date}}",
        "a: [1, 2",
        "created: <% x %>",
        "a: *b",
    ],
)
def test_a_header_that_does_not_parse_keeps_the_body(vault: Path, header: str) -> None:
    put(vault, "a.md", f"---\n{header}\ntitle: t\n---\nbody")
    assert [one.text for one in read(vault, OWNER) if isinstance(one, Record)] == ["body"]


def test_half_a_character_in_a_cards_name_is_no_trouble(vault: Path) -> None:
    put(vault, "plan.canvas", '{"nodes": [{"id": "a\\ud800", "type": "text", "text": "hi"}], "edges": []}')
    assert [one.text for one in read(vault, OWNER) if isinstance(one, Record)] == ["hi"]


def test_the_text_cards_of_a_canvas_are_notes(vault: Path) -> None:
    nodes = [
        {"id": "a1", "type": "text", "text": "a **bold** plan #art", "x": 0},
        {"id": "b", "type": "file", "file": "moss.md"},
        "nonsense",
        {"id": "c", "type": "text", "text": " "},
    ]
    put(vault, "plan.canvas", {"edges": [{}], "nodes": nodes, "more": 1})
    put(vault, "torn.canvas", json.dumps({"nodes": nodes})[:60])
    assert list(read(vault, OWNER)) == [
        note(
            "plan.canvas",
            "a bold plan art",
            id=stable_id("obsidian", "v", "plan.canvas", "a1"),
            tags=("art",),
        ),
        Skipped("plan.canvas#2", "a card without words of its own", failed=False),
        Skipped("plan.canvas#3", "not a card"),
        Skipped("plan.canvas#4", "no words in it", failed=False),
        Skipped("torn.canvas#after 1", "the file breaks off here"),
    ]


def test_bad_files_cost_themselves(vault: Path) -> None:
    put(vault, "a.md", b"\0\1\2")
    put(vault, "b.md", "caf\u00e9".encode("cp1252"))
    put(vault, "c.md", "x" * 200_001)
    put(vault, ".obsidian/daily-notes.json", '{"format": ')
    put(vault, ".obsidian/templates.json", [1])
    assert list(read(vault, OWNER)) == [
        Skipped("a.md", "not text"),
        note("b.md", "caf\u00e9"),
        Skipped("c.md#1", "longer than 200,000 characters"),
    ]


def test_notes_about_people_make_them_known(vault: Path) -> None:
    put(vault, "People/Tam Okonjo.md", "---\naliases: [Tammy, T]\n---\nclimbs")
    put(vault, "x/@Jorrit.md", "---\ntags: [person]\n---\n")
    put(vault, "places.md", "---\ntags: [place]\n---\n")
    put(vault, ".trash/People/Gone.md", "")
    assert list(people(vault, OWNER)) == [
        Person("obsidian:People/Tam Okonjo.md", ("Tam Okonjo", "Tammy", "T")),
        Person("obsidian:x/@Jorrit.md", ("Jorrit",)),
    ]
    put(vault, "moss.md", "tam okonjo and Jorrit came")
    outcomes, _ = settle(SOURCE, vault, OWNER)
    told = [one.text for one in outcomes if isinstance(one, Record) and "came" in one.text]
    assert "okonjo" not in told[0]
    assert "Jorrit" not in told[0]


def test_a_zip_reads_like_its_folder(vault: Path) -> None:
    put(vault, "2024-03-13 walk.md", "by the name")
    put(vault, "moss.md", "by the clock")
    with zipfile.ZipFile(vault.parent / "any.zip", "w") as archive:
        for file in sorted(vault.rglob("*.*")):
            if file.is_file():
                archive.write(file, file.relative_to(vault.parent))
    found = [one for one in read(vault.parent / "any.zip", OWNER) if isinstance(one, Record)]
    assert [one.id for one in found] == [one.id for one in read(vault, OWNER) if isinstance(one, Record)]
    assert recognise(vault.parent / "any.zip") > 0.9


def test_an_empty_vault_says_so_and_notes_alone_are_no_vault(vault: Path, tmp_path: Path) -> None:
    assert list(read(vault, OWNER)) == [Skipped("v", "no Markdown file here")]
    (tmp_path / "notes").mkdir()
    put(tmp_path / "notes", "a.md", "x")
    assert recognise(tmp_path / "notes") == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(
    page=damaged(b"---\ncreated: 2024-03-10\ntags:\n - a\n---\n# 2024-03-11\n[[a|b]] k:: v ^x #y\n```\n%%\n"),
    canvas=damaged(b'{"nodes": [{"id": "a", "type": "text", "text": "hi"}, {"type": "file"}], "edges": []}'),
    config=damaged(b'{"folder": "daily", "format": "YYYY-MM-DD", "template": "t/day"}'),
)
def test_a_vault_damaged_anywhere_never_raises(
    vault: Path, page: bytes, canvas: bytes, config: bytes
) -> None:
    put(vault, "daily/2024-03-10.md", page)
    put(vault, "c.canvas", canvas)
    for name in ("daily-notes", "templates", "plugins/periodic-notes/data"):
        put(vault, f".obsidian/{name}.json", config)
    settle(SOURCE, vault)
