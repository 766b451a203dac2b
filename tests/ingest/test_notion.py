"""Does a Notion export come in once: pages, rows without pages, zips in zips, Markdown and HTML?"""

from __future__ import annotations

import io
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
from ingest.sources.notion import SOURCE, people, read, recognise
from storage.records import Kind, Precision, Record, Skipped, ZoneSource, stable_id

OWNER = Owner(name="Ola Brandt", zones=((date.min, ZoneInfo("Europe/Ljubljana")),))
WRITTEN = datetime(2024, 5, 6, 7, 8, 10, tzinfo=UTC)
A, B, C, D = ("a" * 32, "b" * 32, "0123456789abcdef" * 2, "d" * 32)


def put(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(file, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    return folder


def zipped(folder: Path) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(folder.rglob("*.*")):
            entry = zipfile.ZipInfo(one.relative_to(folder).as_posix(), (2024, 5, 6, 9, 8, 10))
            archive.writestr(entry, one.read_bytes())
    return file.getvalue()


def note(where: str, page: str, text: str, at: datetime = WRITTEN, **more: Any) -> Record:
    inferred = at is WRITTEN
    return Record(
        id=stable_id("notion", page),
        source="notion",
        kind=more.pop("kind", Kind.NOTE),
        author_id="owner",
        by_owner=True,
        thread_id="notion",
        said_at=at,
        text=text,
        origin=where,
        precision=more.pop("precision", Precision.DAY if inferred else Precision.MINUTE),
        zone_source=ZoneSource.INFERRED if inferred else ZoneSource.OWNER,
        **more,
    )


def test_pages_come_in_without_what_only_points_elsewhere(tmp_path: Path) -> None:
    text = (
        f"# Moss, and why it is soft\n\nIt is **soft**.\n\n[Fern](Moss/Fern%20{B}.md)\n\n![a](a.png)\n\n"
        "<aside>\n💡 Water: daily\n\n</aside>\n\n- [ ] buy a [pot](https://x.example)\n"
    )
    put(tmp_path, f"Private & Shared/Moss, and why {A}.md", text)
    put(tmp_path, f"Private & Shared/Moss/Fern {B}.md", "# Fern\n\nDate: none of your business\n")
    put(tmp_path, f"Private & Shared/{C}.md", "# Untitled\n\n")
    put(tmp_path, f"Private & Shared/Rain {D}.md", "\ufeffno title at all")
    where = "Private & Shared/"
    words = "Moss, and why it is soft\n\nIt is soft.\n\n\n\n\n\n\n💡 Water: daily\n\n\n\n- buy a pot"
    assert list(read(tmp_path, OWNER)) == [
        Skipped(f"{where}{C}.md#1", "no words in it", failed=False),
        note(
            f"{where}Moss, and why {A}.md#1",
            A,
            words,
        ),
        note(f"{where}Moss/Fern {B}.md#1", B, "Fern\n\nDate: none of your business"),
        note(f"{where}Rain {D}.md#1", D, "Rain\n\nno title at all"),
    ]
    assert recognise(tmp_path) > 0.8


def database(folder: Path) -> Path:
    """A database of three rows: two with pages, one without. The view shows fewer columns than there are."""
    columns = "\ufeffName,Created,Tags,Created by,Thoughts,Done\r\n"
    moss = 'Moss,"December 4, 2024 8:45 AM","Soft, green",Ola Brandt,"it is very soft, really",Yes\r\n'
    fern = 'Fern,"December 5, 2024 8:45 PM",,Tam Okonjo,,No\r\n'
    rain = 'Rain,"December 6, 2024",,Ola Brandt,"falls on\nmoss, too",No\r\n'
    put(folder, f"Plants {C}.csv", "\ufeffName,Tags\r\nMoss,Soft\r\n")
    put(folder, f"Plants {C}_all.csv", columns + moss + fern + rain)
    put(
        folder,
        f"Plants {C}/Moss {A}.md",
        "# Moss\n\nCreated: December 4, 2024 8:45 AM\nTags: Soft, green\nCreated by: Ola Brandt\n"
        "Thoughts: it is very soft, really\nDone: Yes\n\nNote: the body begins with a colon\n",
    )
    put(folder, f"Plants {C}/Fern {B}.md", "# Fern\n\nCreated by: Tam Okonjo\nDone: No\n\nbody\n")
    return folder


def expected(part: str = "") -> list[Record | Skipped]:
    moss = "Moss\n\nthoughts: it is very soft, really\n\nNote: the body begins with a colon"
    rain = "Rain\n\nthoughts: falls on\nmoss, too"
    at = datetime(2024, 12, 4, 7, 45, tzinfo=UTC)
    day = datetime(2024, 12, 6, 11, tzinfo=UTC)
    table = f"{part}Plants {C}_all.csv"
    return [
        Skipped(f"{part}Plants {C}/Fern {B}.md#1", "written by somebody else", failed=False),
        note(f"{part}Plants {C}/Moss {A}.md#1", A, moss, at, tags=("soft", "green")),
        Skipped(f"{part}Plants {C}.csv", "the same database is in its _all.csv", failed=False),
        Skipped(f"{table}#2", "its page is read", failed=False),
        Skipped(f"{table}#3", "its page is read", failed=False),
        note(f"{table}#4", f"{C}:Rain:1", rain, day, precision=Precision.DAY),
    ]


def test_a_row_with_a_page_is_read_once_and_a_row_without_is_not_lost(tmp_path: Path) -> None:
    assert list(read(database(tmp_path), OWNER)) == expected()
    assert list(people(tmp_path, OWNER)) == [
        Person("notion:ola brandt", ("Ola Brandt",)),
        Person("notion:tam okonjo", ("Tam Okonjo",)),
    ]


@pytest.mark.parametrize("renamed", ["Export-1-Part-1.zip", "1_ExportBlock-2-Part-1.zip"])
def test_a_zip_in_a_zip_reads_the_same(tmp_path: Path, renamed: str) -> None:
    inner = zipped(database(tmp_path / "x"))
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr(renamed, inner)
    assert list(read(tmp_path / "outer.zip", OWNER)) == expected(f"{renamed}/")
    assert recognise(tmp_path / "outer.zip") > 0.8


def test_rows_and_their_pages_may_come_in_different_parts(tmp_path: Path) -> None:
    put(tmp_path / "1", f"Plants {C}_all.csv", "Name\r\nMoss\r\nRain in May\r\n")
    put(tmp_path / "2", f"Plants/Moss {A}.md", "# Moss\n\nsoft\n")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        for part in ("1", "2"):
            archive.writestr(f"Export-Part-{part}.zip", zipped(tmp_path / part))
    found = [one.text for one in read(tmp_path / "outer.zip", OWNER) if isinstance(one, Record)]
    assert found == ["Moss\n\nsoft", "Rain in May"]


@pytest.mark.parametrize(
    ("title", "body", "at", "kind"),
    [
        ("2024-03-10", "snow", datetime(2024, 3, 10, 11, tzinfo=UTC), Kind.JOURNAL),
        ("@March 10, 2024", "snow", WRITTEN, Kind.NOTE),
        ("March 10, 2024 snow", "white", datetime(2024, 3, 10, 11, tzinfo=UTC), Kind.JOURNAL),
        ("Moss", "Created: 2024/03/10 9:30 PM\n\nx", datetime(2024, 3, 10, 20, 30, tzinfo=UTC), Kind.NOTE),
        (
            "Moss",
            "Updated: March 10, 2024 → March 11, 2024",
            datetime(2024, 3, 10, 11, tzinfo=UTC),
            Kind.NOTE,
        ),
        ("Moss", "Created time: soon\n\nx", WRITTEN, Kind.NOTE),
        ("Moss", "Created: December 4, 2024 (GMT+9)\n\nx", datetime(2024, 12, 4, 11, tzinfo=UTC), Kind.NOTE),
    ],
)
def test_the_time_is_the_titles_or_a_propertys_or_the_files(
    tmp_path: Path, title: str, body: str, at: datetime, kind: Kind
) -> None:
    put(tmp_path, f"x {A}.md", f"# {title}\n\n{body}\n")
    (found,) = read(tmp_path, OWNER)
    assert isinstance(found, Record)
    assert (found.said_at, found.kind) == (at, kind)


HTML = (
    '<html><head><title>x</title><style>a</style></head><body><article id="x" class="page sans"><header>'
    '<div class="page-header-icon"><span class="icon">🌱</span></div>'
    '<h1 class="page-title">Moss &amp; <b>Fern</b></h1>'
    '<p class="page-description"></p><table class="properties"><tbody>'
    '<tr class="property-row property-row-created_time"><th><span class="icon"><svg></svg></span>'
    "Erstellt</th><td><time>@December 4, 2024 8:45 AM</time></td></tr>"
    '<tr class="property-row property-row-multi_select"><th>Tags</th><td><span>Soft</span></td></tr>'
    "</tbody></table></header>"
    '<div class="page-body"><p>soft</p><figure class="link-to-page"><a href="x.html">Other</a></figure>'
    '<table class="collection-content"><tr><td>row</td></tr></table><ul><li>one</li></ul></div>'
    "</article></body></html>"
)


def test_the_html_variant_gives_the_same_kind_of_page(tmp_path: Path) -> None:
    put(tmp_path, f"Moss {A}.html", HTML)
    put(tmp_path, "index.html", "<html><body>all pages</body></html>")
    at = datetime(2024, 12, 4, 7, 45, tzinfo=UTC)
    assert list(read(tmp_path, OWNER)) == [
        note(f"Moss {A}.html#1", A, "Moss & Fern\n\nsoft\n\n- one", at, tags=("soft",))
    ]


def test_bad_files_and_rows_cost_themselves(tmp_path: Path) -> None:
    put(tmp_path, f"a {A}.md", b"\0\1")
    put(tmp_path, f"b {B}.md", "")
    put(tmp_path, f"c {C}.csv", 'Name,Other\r\nMoss\r\nFern,"never closed\r\nRain,x\r\n')
    put(tmp_path, f"d {D}.html", "<html><body>neither title nor body")
    put(tmp_path, f"d {D}.md", "# The same page again\n")
    outcomes, ledger = settle(SOURCE, tmp_path, OWNER)
    assert dict(ledger.failed) == {"not text": 1, "the line breaks off": 1}
    assert ledger.merged == 1
    assert [one.text for one in outcomes if isinstance(one, Record)] == [
        "d",
        "Fern\n\nother: never closed\nRain,x",
    ]


def test_notes_without_ids_are_no_notion_export(tmp_path: Path) -> None:
    put(tmp_path, "Moss.md", "# Moss")
    assert recognise(tmp_path) == 0
    assert [type(one) for one in read(tmp_path, OWNER)] == [Skipped]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(
    page=damaged(b"# Moss\n\nCreated: December 4, 2024 8:45 AM\nTags: a, b\n\nbody [x](y.md)\n"),
    html=damaged(HTML.encode()),
    table=damaged(b'\xef\xbb\xbfName,Created,Tags\r\nMoss,"December 4, 2024 8:45 AM",a\r\nFern,,\r\n'),
)
def test_a_damaged_export_never_raises(tmp_path: Path, page: bytes, html: bytes, table: bytes) -> None:
    put(tmp_path, f"Plants/Moss {A}.md", page)
    put(tmp_path, f"Fern {B}.html", html)
    put(tmp_path, f"Plants {C}_all.csv", table)
    settle(SOURCE, tmp_path, OWNER)
