"""Does a Takeout of YouTube come in whatever its language, year and damage, without the searches?"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from settle import damaged, settle

from ingest import takeout_html
from ingest.clock import clock_time, instant
from ingest.drift import UnknownField
from ingest.source import Owner, Person
from ingest.sources.youtube import SOURCE, people, read, recognise
from storage.records import Kind, Record, Skipped, ZoneSource, stable_id

LONDON = Owner(name="Ola", zones=((date.min, ZoneInfo("Europe/London")),))
OWNER = Owner(name="Ola", zones=((date.min, ZoneInfo("Europe/Ljubljana")),))
HISTORY = "Takeout/YouTube und YouTube Music/Verlauf/Wiedergabeverlauf.json"
AT = datetime(2021, 1, 15, 18, 54, 12, tzinfo=UTC)


def put(folder: Path, name: str, content: Any) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def entry(title: str = "Watched Moss", video: str = "abcdefghijk", **more: Any) -> dict[str, Any]:
    return {
        "header": "YouTube",
        "title": title,
        "titleUrl": f"https://www.youtube.com/watch?v={video}",
        "subtitles": [{"name": "Bog Life", "url": "https://www.youtube.com/channel/UC1"}],
        "time": "2021-01-15T18:54:12.345Z",
        "products": ["YouTube"],
        "activityControls": ["YouTube watch history"],
    } | more


def view(where: str, text: str, video: str = "abcdefghijk", at: datetime = AT, **more: Any) -> Record:
    return Record(
        id=stable_id("youtube", "view", video, at.replace(microsecond=0).isoformat()),
        source="youtube",
        kind=Kind.VIEW,
        author_id="owner",
        by_owner=True,
        thread_id="youtube:history",
        said_at=at,
        text=text,
        origin=where,
        **more,
    )


def comment(where: str, text: str, number: str = "Ugz1", **more: Any) -> Record:
    return Record(
        id=stable_id("youtube", more.pop("what", "comment"), number),
        source="youtube",
        kind=Kind.COMMENT,
        author_id="owner",
        by_owner=True,
        thread_id=f"youtube:{more.pop('video', 'v1')}",
        said_at=AT,
        text=text,
        audience="public",
        origin=where,
        **more,
    )


def table(*rows: list[str]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


def test_views_come_in_and_what_is_no_view_is_left_out(tmp_path: Path) -> None:
    gone = {
        key: value
        for key, value in entry("Watched a video that has been removed").items()
        if key != "titleUrl"
    }
    put(
        tmp_path,
        HISTORY,
        [
            entry(),
            entry("Searched for rash", titleUrl="https://www.youtube.com/results?search_query=rash"),
            entry("Watched Buy This", details=[{"name": "From Google Ads"}]),
            gone,
            entry("Watched https://www.youtube.com/watch?v=abcdefghijk"),
            entry("Viewed a post", titleUrl="https://www.youtube.com/post/Ugk1"),
            entry(
                "Watched Song",
                header="YouTube Music",
                subtitles=[{"name": "Reed - Topic"}],
                video="song0000000",
            ),
            entry(time="yesterday"),
            entry(subtitles=None, video="nochannel00", never_seen={"a": [1]}),
            "nonsense",
            entry("Visited x", header="Chrome"),
        ],
    )
    at = AT.replace(microsecond=345000)
    where = f"{HISTORY}#"
    assert list(read(tmp_path, OWNER)) == [
        view(where + "1", "watched Moss by Bog Life", at=at),
        Skipped(where + "2", "a search", failed=False),
        Skipped(where + "3", "an advertisement", failed=False),
        Skipped(where + "4", "a video that is gone", failed=False),
        Skipped(where + "5", "a video without a title", failed=False),
        Skipped(where + "6", "not a video", failed=False),
        view(where + "7", "listened to Song by Reed", "song0000000", at, tags=("music",)),
        Skipped(where + "8", "no time that can be read"),
        view(where + "9", "watched Moss", "nochannel00", at),
        Skipped(where + "10", "not an entry"),
        Skipped(where + "11", "another product's activity", failed=False),
        UnknownField("history", "never_seen", 1, "object"),
    ]
    assert recognise(tmp_path) > 0.8
    assert recognise(tmp_path / HISTORY) > 0.8


def test_a_file_of_searches_alone_gives_nothing(tmp_path: Path) -> None:
    search = entry("Searched for x", titleUrl="https://www.youtube.com/results?search_query\u003dx")
    put(tmp_path, "search-history.json", json.dumps([search, search]))
    assert [type(item) for item in read(tmp_path, OWNER)] == [Skipped, Skipped]


def test_what_every_title_ends_with_in_any_language_goes(tmp_path: Path) -> None:
    words = ["Moos", "Farn", "Regen", "Wald", "Nebel"]
    german = [entry(f"{word} und {n} angesehen", f"{word:a<6}{n:05}") for n in range(6) for word in words]
    put(tmp_path, HISTORY, german)
    found = [item.text for item in read(tmp_path, OWNER) if isinstance(item, Record)]
    assert found[:2] == ["watched Moos und 0 by Bog Life", "watched Farn und 0 by Bog Life"]
    spanish = [entry(f"Has visto {word} {n}", f"{word:a<6}{n:05}") for n in range(6) for word in words]
    put(tmp_path, HISTORY, spanish)
    found = [item.text for item in read(tmp_path, OWNER) if isinstance(item, Record)]
    assert found[:2] == ["watched Moos 0 by Bog Life", "watched Farn 0 by Bog Life"]


def test_the_history_of_before_2017_reads_too_but_not_other_playlists(tmp_path: Path) -> None:
    old = {
        "contentDetails": {"videoId": "abcdefghijk"},
        "snippet": {"publishedAt": "2016-01-15T18:54:12.000Z", "title": "Moss", "playlistId": "HLx"},
    }
    upload = old | {"snippet": {**old["snippet"], "playlistId": "UUx"}}
    put(tmp_path, "watch-history.json", [old, upload])
    assert list(read(tmp_path, OWNER)) == [
        view("watch-history.json#1", "watched Moss", at=AT.replace(year=2016)),
        Skipped("watch-history.json#2", "not a video", failed=False),
    ]


def test_a_torn_history_keeps_its_good_prefix(tmp_path: Path) -> None:
    whole = json.dumps([entry(), entry(video="second00000")])
    put(tmp_path, HISTORY, whole[: whole.index("second")])
    found = list(read(tmp_path, OWNER))
    assert [type(item) for item in found] == [Record, Skipped]
    assert found[1] == Skipped(f"{HISTORY}#after 2", "the file breaks off here")


def cell(body: str, product: str = "YouTube", details: str = "") -> str:
    return (
        '<div class="outer-cell mdl-cell mdl-cell--12-col mdl-shadow--2dp"><div class="mdl-grid">'
        '<div class="header-cell mdl-cell mdl-cell--12-col">'
        f'<p class="mdl-typography--title">{product}<br></p></div>'
        f'<div class="content-cell mdl-cell mdl-cell--6-col mdl-typography--body-1">{body}</div>'
        '<div class="content-cell mdl-cell--6-col mdl-typography--body-1 mdl-typography--text-right"></div>'
        '<div class="content-cell mdl-cell mdl-cell--12-col mdl-typography--caption">'
        f"<b>Products:</b><br>&emsp;YouTube<br>{details}</div></div></div>"
    )


VIDEO = 'Watched\u00a0<a href="https://www.youtube.com/watch?v=abcdefghijk">Moss &amp; Fern</a><br>'
CHANNEL = '<a href="https://www.youtube.com/channel/UC1">Bog Life</a><br>'
TIME = "Jan 15, 2021, 6:54:12\u202fPM GMT<br>"


def page(*cells: str) -> str:
    return (
        f"<html><head><style>.mdl-grid{{}}{' ' * 300_000}</style></head><body>{''.join(cells)}</body></html>"
    )


def test_the_same_history_as_html_gives_the_same_records(tmp_path: Path) -> None:
    ad = "<b>Details:</b><br>&emsp;From Google Ads<br>"
    search = 'Searched for\u00a0<a href="https://www.youtube.com/results?search_query=x">x</a><br>'
    put(
        tmp_path,
        "h.html",
        page(
            cell(VIDEO + CHANNEL + TIME),
            cell(VIDEO + CHANNEL + TIME, details=ad),
            cell(search + TIME),
            cell("Watched a video that has been removed<br>" + TIME),
            cell(VIDEO + CHANNEL + "some day<br>"),
            cell(VIDEO + "Watched at 6:54 PM<br>" + TIME, product="YouTube Music"),
        ),
    )
    sure: dict[str, Any] = {"zone_source": ZoneSource.OWNER}
    assert list(read(tmp_path, LONDON)) == [
        view("h.html#1", "watched Moss & Fern by Bog Life", **sure),
        Skipped("h.html#2", "an advertisement", failed=False),
        Skipped("h.html#3", "a search", failed=False),
        Skipped("h.html#4", "a video that is gone", failed=False),
        Skipped("h.html#5", "no time that can be read"),
        view("h.html#6", "listened to Moss & Fern", tags=("music",), **sure),
    ]
    assert recognise(tmp_path) > 0.8


def test_a_cell_without_end_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeout_html, "_MAX_CELL", 1 << 19)
    huge = cell(VIDEO + "x" * (2 << 20) + TIME)
    put(tmp_path, "h.html", page(cell(VIDEO + TIME), huge, cell(VIDEO + TIME)))
    found = list(read(tmp_path, LONDON))
    assert [type(item) for item in found] == [Record, Skipped, Record]
    assert found[1] == Skipped("h.html#2", "too large for one entry")


@pytest.mark.parametrize(
    ("written", "owner", "expected", "source"),
    [
        # BST is the zone of the day of the export; the clock in January is the owner's.
        ("Jan 15, 2021, 6:54:12 PM BST", LONDON, "2021-01-15T18:54:12", ZoneSource.OWNER),
        ("Jul 15, 2021, 6:54:12 PM GMT", LONDON, "2021-07-15T17:54:12", ZoneSource.OWNER),
        ("Jul 15, 2021, 6:54:12 PM BST", OWNER, "2021-07-15T16:54:12", ZoneSource.INFERRED),
        ("15 Jan 2021, 18:54:12 CET", OWNER, "2021-01-15T17:54:12", ZoneSource.OWNER),
        ("15.01.2021, 18:54:12 MEZ", OWNER, "2021-01-15T17:54:12", ZoneSource.INFERRED),
        ("15 janv. 2021, 18:54:12 CET", OWNER, None, None),
        ("15 janvier 2021 \u00e0 18:54:12 CET", OWNER, "2021-01-15T17:54:12", ZoneSource.OWNER),
        ("2021/01/15 18:54:12 JST", OWNER, "2021-01-15T17:54:12", ZoneSource.INFERRED),
        ("Jan 15, 2021, 6:54:12 PM UTC", OWNER, "2021-01-15T18:54:12", ZoneSource.EXPLICIT),
        ("Jan 15, 2021, 6:54:12\u202fPM GMT+09:00", OWNER, "2021-01-15T09:54:12", ZoneSource.EXPLICIT),
        ("Jan 15, 2021, 12:00:00 AM", OWNER, "2021-01-14T23:00:00", ZoneSource.OWNER),
        ("Feb 30, 2021, 6:54:12 PM UTC", OWNER, None, None),
        ("Jan 15, 2021, 6:54:12 PM UTC+99", OWNER, None, None),
    ],
)
def test_the_letters_of_a_zone_are_not_believed(
    written: str, owner: Owner, expected: str | None, source: ZoneSource | None
) -> None:
    found = instant(written, owner)
    if expected is None:
        assert found is None
    else:
        assert found == (datetime.fromisoformat(expected).replace(tzinfo=UTC), source)


@given(st.text(max_size=60))
def test_no_time_raises(written: str) -> None:
    instant(written, OWNER)
    clock_time(written)


OLD = [
    "Comment ID",
    "Channel ID",
    "Comment Create Timestamp",
    "Price",
    "Parent Comment ID",
    "Video ID",
    "Comment Text",
]
MIDDLE = [
    "Channel ID",
    "Comment Create Timestamp",
    "Price",
    "Comment ID",
    "Parent Comment ID",
    "Video ID",
    "Comment Text",
]
NEW = [
    "Comment ID",
    "Channel ID",
    "Comment create timestamp",
    "Price",
    "Parent comment ID",
    "Post ID",
    "Video ID",
]
NEW = [*NEW, "Comment text", "Top-level comment ID"]


def test_all_three_generations_of_comments_are_read(tmp_path: Path) -> None:
    old = '{"takeoutSegments":[{"text":"so "},{"text":"soft"}]}'
    put(tmp_path, "a.csv", table(OLD, ["Ugz1", "UCme", "2021-01-15 18:54:12 UTC", "0", "", "v1", old]))
    middle = ["UCme", "2021-01-15T18:54:12+00:00", "0", "Ugz2", "Ugz1", "v1", "plain, old text"]
    put(tmp_path, "b.csv", "\ufeff" + table(MIDDLE, middle))
    new = (
        '{"text":"hey "},{"text":"@tam","mention":{"externalChannelId":"UCtam0"}},{"text":"\n"},'
        '{"text":"1:23","videoLink":{"externalVideoId":"v"}}'
    )
    put(
        tmp_path,
        "c.csv",
        table(
            NEW,
            ["Ugz3", "UCme", "2021-01-15T18:54:12.5+00:00", "0", "", "post1", "", new, ""],
            ["Ugz4", "UCme", "2021-01-15T18:54:12Z", "0", "Ugz3", "", "v1", '{"text":"torn', "Ugz3"],
            ["Ugz5", "UCme", "soon", "0", "", "", "v1", '{"text":"when?"}', ""],
            ["", "UCme", "2021-01-15T18:54:12Z", "0", "", "", "v1", "x", ""],
            ["Ugz6", "UCme", "2021-01-15T18:54:12Z"],
            ["Ugz7", "UCme", "2021-01-15T18:54:12Z", "0", "", "", "v1", '{"text":" "}', ""],
            ["Ugz8", "UCme", "2021-01-15 18:54:12", "0", "", "", "v1", "12", "", "one too many"],
        ),
    )
    half = AT.replace(microsecond=500000)
    text = "hey @\ue000person:youtube:UCtam0\ue001\n1:23"
    third = comment("c.csv#2", text, "Ugz3", video="post1")
    assert list(read(tmp_path, OWNER)) == [
        comment("a.csv#2", "so soft"),
        comment("b.csv#2", "plain, old text", "Ugz2", reply_to=stable_id("youtube", "comment", "Ugz1")),
        Record(**{key: getattr(third, key) for key in Record.__slots__} | {"said_at": half}),
        Skipped("c.csv#3", "its text cannot be read"),
        Skipped("c.csv#4", "no time that can be read"),
        Skipped("c.csv#5", "no id"),
        Skipped("c.csv#6", "the line breaks off"),
        Skipped("c.csv#7", "no words in it", failed=False),
        comment("c.csv#8", "12", "Ugz8", zone_source=ZoneSource.SCHEMA),
    ]
    assert recognise(tmp_path) > 0.8
    assert list(people(tmp_path, OWNER)) == [Person("youtube:UCtam0", (), ("tam",))]


def test_live_chats_are_comments_and_somebody_elses_are_not(tmp_path: Path) -> None:
    columns = [
        "Live Chat ID",
        "Channel ID",
        "Live Chat Create Timestamp",
        "Price",
        "Currency code",
        "Video ID",
    ]
    put(
        tmp_path,
        "live chats.csv",
        table(
            [*columns, "Live Chat Text"],
            ["L1", "UCme", "2021-01-15T18:54:12+00:00", "0", "", "live1", '{"text":"hi all"}'],
            ["L2", "UCtam", "2021-01-15T18:54:12+00:00", "0", "", "live1", '{"text":"hi"}'],
        ),
    )
    owner = Owner(accounts={"youtube": ("UCme",)})
    why = "written by a channel that is not in [owner] accounts.youtube"
    assert list(read(tmp_path, owner)) == [
        comment("live chats.csv#2", "hi all", "L1", what="chat", video="live1"),
        Skipped("live chats.csv#3", why, failed=False),
    ]


def test_parts_of_a_takeout_side_by_side_are_one_export(tmp_path: Path) -> None:
    for number, (name, content) in enumerate(
        [(HISTORY, json.dumps([entry()])), ("x/comments.csv", table(OLD))]
    ):
        with zipfile.ZipFile(tmp_path / f"takeout-{number}.zip", "w") as archive:
            archive.writestr(name, content)
            archive.writestr("Takeout/archive_browser.html", "<html>")
    _, ledger = settle(SOURCE, tmp_path, OWNER)
    assert (ledger.seen, ledger.kept) == (1, 1)


def test_nothing_of_youtube_says_so(tmp_path: Path) -> None:
    put(tmp_path, "a.json", [{"header": "Chrome", "titleUrl": "https://www.youtube.com/"}])
    put(tmp_path, "b.csv", "Comment ID,Other\n1,2\n")
    put(tmp_path, "c.html", page(cell("x", product="Maps")))
    assert recognise(tmp_path) == 0
    (only,) = read(tmp_path, OWNER)
    assert isinstance(only, Skipped)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(
    history=damaged(json.dumps([entry(), entry(video="second00000")]).encode()),
    written=damaged(
        table(NEW, ["Ugz3", "UCme", "2021-01-15T18:54:12Z", "0", "", "", "v", '{"text":"a"}', ""]).encode()
    ),
    html=damaged((cell(VIDEO + CHANNEL + TIME) + cell(VIDEO + TIME)).encode()),
)
def test_a_damaged_takeout_never_raises(tmp_path: Path, history: bytes, written: bytes, html: bytes) -> None:
    put(tmp_path, "h.json", history)
    put(tmp_path, "c.csv", written)
    put(tmp_path, "h.html", html)
    settle(SOURCE, tmp_path, OWNER)
