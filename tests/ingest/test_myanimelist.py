"""Does a MyAnimeList export come in as readable ratings, packed or not, and can no XML harm us?"""

from __future__ import annotations

import gzip
import io
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from settle import damaged, settle

from ingest import xml_stream
from ingest.drift import UnknownField
from ingest.source import Owner
from ingest.sources import myanimelist
from ingest.sources.myanimelist import SOURCE, read, recognise
from storage.records import Kind, Precision, Record, Skipped, ZoneSource, stable_id

OWNER = Owner(name="Ola", zones=((date.min, ZoneInfo("Europe/Ljubljana")),))
HEAD = '<?xml version="1.0" encoding="UTF-8" ?>\n<!--\n Created by XML Export feature at MyAnimeList\n-->\n\n'
INFO = "<myinfo><user_id>7</user_id><user_name>ola</user_name><user_export_type>1</user_export_type></myinfo>"


def anime(number: str = "457", title: str = "Mushishi", **more: str) -> str:
    fields = {
        "series_animedb_id": number,
        "series_title": f"<![CDATA[{title}]]>",
        "series_type": "TV",
        "series_episodes": "26",
        "my_watched_episodes": "26",
        "my_start_date": "2024-01-02",
        "my_finish_date": "2024-03-10",
        "my_score": "9",
        "my_status": "Completed",
        "my_comments": "<![CDATA[]]>",
        "my_tags": "<![CDATA[]]>",
    } | more
    return "<anime>" + "".join(f"<{key}>{value}</{key}>" for key, value in fields.items()) + "</anime>"


def whole(*entries: str, info: str = INFO) -> bytes:
    return f"{HEAD}<myanimelist>\n{info}\n{chr(10).join(entries)}\n</myanimelist>\n".encode()


def record(number: int, text: str, day: str = "2024-03-10", **more: Any) -> Record:
    kind = more.pop("kind", "anime")
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo("Europe/Ljubljana"))
    return Record(
        id=stable_id("myanimelist", kind, more.pop("title", "457")),
        source="myanimelist",
        kind=Kind.RATING,
        author_id="owner",
        by_owner=True,
        thread_id=f"myanimelist:{kind}",
        said_at=more.pop("said_at", noon.astimezone(UTC)),
        text=text,
        tags=more.pop("tags", (kind,)),
        origin=f"{more.pop('file', 'list.xml')}#{number}",
        precision=Precision.DAY,
        zone_source=more.pop("zone_source", ZoneSource.OWNER),
    )


def put(folder: Path, data: bytes, name: str = "list.xml") -> Path:
    (folder / name).write_bytes(data)
    return folder


def test_a_rating_reads_like_a_sentence_with_the_owners_comment_and_tags(tmp_path: Path) -> None:
    put(
        tmp_path,
        whole(
            anime(
                my_times_watched="2",
                my_comments="<![CDATA[kind &\nmoss]]>",
                my_tags="<![CDATA[Calm, moss]]>",
                never_seen="x",
            ),
            anime("1", "Cowboy Bebop", my_score="0", my_status="Plan to Watch", my_watched_episodes="0"),
        ),
    )
    assert list(read(tmp_path, OWNER)) == [
        record(
            1,
            "rated Mushishi (anime) 9/10, completed, 26 of 26 episodes, 2 times again\nkind &\nmoss",
            tags=("anime", "calm", "moss"),
        ),
        record(2, "put Cowboy Bebop (anime) on the list, plan to watch", title="1"),
        UnknownField("anime", "never_seen", 1, "text"),
    ]
    assert recognise(tmp_path) == recognise(tmp_path / "list.xml") > 0.9


def test_a_packed_manga_list_reads_the_same(tmp_path: Path) -> None:
    manga = (
        "<manga><manga_mangadb_id>2</manga_mangadb_id><manga_title><![CDATA[Berserk]]></manga_title>"
        "<manga_chapters>0</manga_chapters><my_read_chapters>12</my_read_chapters><my_score>10</my_score>"
        "<my_start_date>2024-03-10</my_start_date><my_status>Reading</my_status></manga>"
    )
    name = "mangalist_1710072000_-_7.xml.gz"
    put(tmp_path, gzip.compress(whole(manga)), name)
    assert list(read(tmp_path / name, OWNER)) == [
        record(1, "rated Berserk (manga) 10/10, reading, 12 chapters", kind="manga", title="2", file=name)
    ]
    assert recognise(tmp_path) > 0.9


def test_what_has_no_day_of_its_own_has_the_day_of_the_export(tmp_path: Path) -> None:
    never = {"my_start_date": "0000-00-00", "my_finish_date": "0000-00-00"}
    name = "animelist_1710072000_-_7.xml"
    partial = anime(my_finish_date="2024-03-00", my_start_date="2024-02-30")
    year = anime("2", my_finish_date="2023-00-00")
    put(tmp_path, whole(anime("1", **never), partial, year), name)
    inferred: dict[str, Any] = {"file": name, "zone_source": ZoneSource.INFERRED}
    text = "rated Mushishi (anime) 9/10, completed, 26 of 26 episodes"
    exported = datetime.fromtimestamp(1710072000, UTC)
    assert list(read(tmp_path, OWNER)) == [
        record(1, text, title="1", said_at=exported, **inferred),
        record(2, text, day="2024-03-01", **inferred),
        record(3, text, title="2", day="2023-01-01", **inferred),
    ]


def test_a_bad_entry_costs_itself_and_a_torn_file_keeps_its_good_prefix(tmp_path: Path) -> None:
    data = whole(
        "<anime><series_title>x</series_title></anime>",
        "<anime><series_animedb_id>1</series_animedb_id></anime>",
        "<novel><my_score>1</my_score></novel>",
        anime(),
        anime("1"),
    )
    put(tmp_path, data[: data.rindex(b"<series_type>")])
    assert list(read(tmp_path, OWNER)) == [
        Skipped("list.xml#1", "no number that names the title"),
        Skipped("list.xml#2", "no title"),
        record(3, "rated Mushishi (anime) 9/10, completed, 26 of 26 episodes"),
        Skipped("list.xml#after 3", "the file breaks off here"),
    ]
    packed = gzip.compress(data)
    put(tmp_path, packed[: len(packed) // 2], "torn.xml.gz")
    (tmp_path / "list.xml").unlink()
    (last,) = list(read(tmp_path, OWNER))[-1:]
    assert isinstance(last, Skipped)
    assert last.failed


def test_the_same_title_twice_is_merged(tmp_path: Path) -> None:
    _, ledger = settle(SOURCE, put(tmp_path, whole(anime(), anime())))
    assert (ledger.seen, ledger.kept, ledger.merged) == (2, 1, 1)


def test_somebody_elses_list_is_refused_whole(tmp_path: Path) -> None:
    put(tmp_path, whole(anime()))
    other = Owner(accounts={"myanimelist": ("tam",)})
    why = "this list is account ola's, which is not in [owner] accounts.myanimelist"
    assert list(read(tmp_path, other)) == [Skipped("list.xml", why)]
    for own in ("ola", "7"):
        (found,) = read(tmp_path, Owner(accounts={"myanimelist": (own,)}))
        assert isinstance(found, Record)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">',
        '<!ENTITY c SYSTEM "file:///etc/passwd">',
        '<!ENTITY % d SYSTEM "http://127.0.0.1:9/evil.dtd"> %d;',
    ],
)
def test_xml_that_declares_entities_is_refused(tmp_path: Path, doctype: str) -> None:
    data = whole(anime(title="x")).replace(b"<![CDATA[x]]>", b"&c;")
    put(tmp_path, data.replace(b"<myanimelist>", f"<!DOCTYPE m [{doctype}]><myanimelist>".encode()))
    assert list(read(tmp_path, OWNER)) == [
        Skipped("list.xml#after 0", "it declares entities, which no export does")
    ]


def test_a_bomb_or_a_tower_of_tags_is_one_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(myanimelist, "_MAX_FILE", 1 << 20)
    huge = anime(my_comments="x" * (4 << 20))
    put(tmp_path, gzip.compress(whole(huge)), "list.xml.gz")
    (failure,) = read(tmp_path, OWNER)
    assert isinstance(failure, Skipped)
    assert "far more than a list" in failure.why
    put(tmp_path, whole("<a>" * 5000), "list.xml")
    assert Skipped("list.xml#after 0", "nested too deeply") in list(read(tmp_path, OWNER))


def test_a_field_is_cut_where_nobody_writes_so_much(tmp_path: Path) -> None:
    put(tmp_path, whole(anime(my_comments="x" * (1 << 20))))
    (found,) = read(tmp_path, OWNER)
    assert isinstance(found, Record)
    assert len(found.text) < 100_000


def test_what_is_no_list_is_not_recognised(tmp_path: Path) -> None:
    put(tmp_path, b"<opml><body/></opml>")
    put(tmp_path, b"\x1f\x8bnot really", "b.xml.gz")
    assert recognise(tmp_path) == 0
    (only,) = read(tmp_path, OWNER)
    assert isinstance(only, Skipped)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(data=damaged(whole(anime(my_comments="<![CDATA[a]]>"), anime("1"))), packed=st.booleans())
def test_a_list_damaged_anywhere_never_raises(tmp_path: Path, data: bytes, packed: bool) -> None:
    (tmp_path / "list.xml").unlink(missing_ok=True)
    put(tmp_path, data)
    put(tmp_path, gzip.compress(data)[: len(data)] if packed else data, "list.xml.gz")
    settle(SOURCE, tmp_path)


@given(data=st.binary(max_size=300) | st.text(alphabet="<>/!&;[]-a= '\"").map(str.encode))
def test_any_bytes_end_in_steps_or_a_named_error(data: bytes) -> None:
    try:
        list(xml_stream.steps(io.BytesIO(data)))
    except xml_stream.BrokenXml:
        pass


def test_a_gigantic_tag_takes_no_quadratic_time() -> None:
    began = time.monotonic()
    with pytest.raises(xml_stream.BrokenXml, match="without end"):
        list(xml_stream.steps(io.BytesIO(b"<a " + b"b='c' " * 20_000_000)))
    assert time.monotonic() - began < 10
