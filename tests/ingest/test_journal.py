"""Is every dated page of a journal read, under the right day, and is nothing undated guessed?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingest.days import period
from ingest.source import Owner
from ingest.sources.journal import read, recognise
from storage.records import Kind, Precision, Record, Skipped, ZoneSource, stable_id

OWNER = Owner(name="Ola", zones=((date.min, ZoneInfo("Europe/Ljubljana")),))


def record(
    folder: Path, where: str, day: str, said_at: datetime, text: str, nth: int = 1, **more: Any
) -> Record:
    return Record(
        id=stable_id("journal", folder.name, where.partition("#")[0], day, str(nth)),
        source="journal",
        kind=Kind.JOURNAL,
        author_id="owner",
        by_owner=True,
        thread_id="journal",
        said_at=said_at,
        text=text,
        audience="owner",
        origin=where,
        **({"precision": Precision.DAY, "zone_source": ZoneSource.OWNER} | more),
    )


def noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=ZoneInfo("Europe/Ljubljana")).astimezone(UTC)


def test_a_file_for_each_day_week_and_month_is_dated_by_its_name(tmp_path: Path) -> None:
    for name, text in [
        ("2024-03-10.md", "# Sunday\n\nsnow"),
        ("2024-W05.txt", "a week"),
        ("2024-01.md", "a month"),
    ]:
        (tmp_path / name).write_text(text)
    assert list(read(tmp_path, OWNER)) == [
        record(tmp_path, "2024-01.md#1", "2024-01", noon(2024, 1, 1), "a month"),
        record(tmp_path, "2024-03-10.md#1", "2024-03-10", noon(2024, 3, 10), "Sunday\n\nsnow"),
        record(tmp_path, "2024-W05.txt#1", "2024-W05", noon(2024, 1, 29), "a week"),
    ]
    assert recognise(tmp_path) >= 0.5


def test_one_file_with_dated_headings_is_cut_at_them(tmp_path: Path) -> None:
    days = "## 2024-03-10 snow\nwhite\n\n## 11 March 2024\nwet\n### not a date\nmore\n"
    text = f"# My journal\nwho reads this?\n\n{days}"
    (tmp_path / "all.md").write_text(text)
    assert list(read(tmp_path, OWNER)) == [
        Skipped("all.md#1", "before the first date", failed=False),
        record(
            tmp_path,
            "all.md#4",
            "2024-03-10",
            noon(2024, 3, 10),
            "2024-03-10 snow\nwhite\n\n".rstrip() + "\n",
        ),
        record(tmp_path, "all.md#7", "2024-03-11", noon(2024, 3, 11), "wet\nnot a date\nmore\n"),
    ]


def test_plain_text_with_a_date_on_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_bytes(
        b"\xef\xbb\xbfSunday, March 10, 2024\r\nsnow on 11 March 2024 they say\r\n\r\n11.03.2024:\r\nrain\r\n"
    )
    assert list(read(tmp_path / "diary.txt", OWNER)) == [
        record(tmp_path, "diary.txt#1", "2024-03-10", noon(2024, 3, 10), "snow on 11 March 2024 they say\n"),
        record(tmp_path, "diary.txt#4", "2024-03-11", noon(2024, 3, 11), "rain\n"),
    ]


def test_the_header_says_when_exactly_and_what_about(tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text(
        "---\ntitle: x\ndate: 2024-03-10T22:41\ntags: [Snow, '#walk']\n---\nlate walk\n"
    )
    (tmp_path / "zoned.md").write_text(
        "---\ncreated: 2024-03-10T22:41+09:00\ntags:\n - a\n - b\n---\nfar away\n"
    )
    at = datetime(2024, 3, 10, 21, 41, tzinfo=UTC)
    minute = {"precision": Precision.MINUTE}
    explicit = minute | {"zone_source": ZoneSource.EXPLICIT, "tags": ("a", "b")}
    far = datetime(2024, 3, 10, 13, 41, tzinfo=UTC)
    assert list(read(tmp_path, OWNER)) == [
        record(tmp_path, "note.md#6", "2024-03-10", at, "late walk\n", tags=("snow", "walk"), **minute),
        record(tmp_path, "zoned.md#7", "2024-03-10", far, "far away\n", **explicit),
    ]


def test_an_impossible_or_missing_date_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ndate: 2024-02-30\n---\nleap of faith")
    (tmp_path / "b.md").write_text("---\nno end to this header")
    (tmp_path / "c.md").write_text(" \n")
    (tmp_path / "d.md").write_bytes(b"\x00\x01\x02binary")
    (tmp_path / "2024-03-10.md").write_text("\n\n# 2024-03-10\n")
    undated = "no date in its header, name or headings"
    assert list(read(tmp_path, OWNER)) == [
        Skipped("2024-03-10.md#1", "nothing under the date", failed=False),
        Skipped("a.md#4", undated, failed=False),
        Skipped("b.md#1", undated, failed=False),
        Skipped("c.md", "empty", failed=False),
        Skipped("d.md", "not text"),
    ]


def test_markdown_reads_as_it_is_meant(tmp_path: Path) -> None:
    text = (
        "met [[People/Tam|tam]] at [the wall](https://x.example) ![[a.png]]**so** __good__ %%hush%%<!-- x -->"
    )
    (tmp_path / "2024-03-10.md").write_text(text)
    (found,) = read(tmp_path, OWNER)
    assert isinstance(found, Record)
    assert found.text == "met tam at the wall so good "


def test_two_rules_with_prose_between_are_no_header(tmp_path: Path) -> None:
    (tmp_path / "2024-03-10.md").write_text("---\nthe snow fell\nall night\n---\nand then it stopped")
    (tmp_path / "2024-03-11.md").write_text("---\n\tbad: tab\ntags: [unclosed\nmood: 'so so\n---\nkept")
    assert [item.text for item in read(tmp_path, OWNER) if isinstance(item, Record)] == [
        "\nthe snow fell\nall night\n\nand then it stopped",
        "kept",
    ]


def test_an_entry_too_long_for_a_record_is_one_failure_and_marks_without_end_are_a_page_like_any_other(
    tmp_path: Path,
) -> None:
    for number, mark in enumerate(["<!--", "%%", "![", "[[", "[a](", "**a", "_a", "`", "```\n", "<a "]):
        (tmp_path / f"2024-03-{number + 1:02}.md").write_text(mark * (190_000 // len(mark)))
    (tmp_path / "2024-04-01.md").write_text("x" * 200_001)
    (tmp_path / "2024-04-02.md").write_text("---\n" * 50_000)
    found = list(read(tmp_path, OWNER))
    assert Skipped("2024-04-01.md#1", "longer than 200,000 characters") in found
    pages = {item.where if isinstance(item, Skipped) else item.origin for item in found}
    assert {page.partition("#")[0] for page in pages} == {file.name for file in tmp_path.iterdir()}
    assert len(found) == len(pages) == 12


def test_old_encodings_are_read(tmp_path: Path) -> None:
    (tmp_path / "2024-03-10.txt").write_bytes("café".encode("cp1252"))
    (tmp_path / "2024-03-11.txt").write_bytes("café".encode("utf-16"))
    assert [item.text for item in read(tmp_path, OWNER) if isinstance(item, Record)] == ["café", "café"]


def test_a_date_inside_code_is_no_heading(tmp_path: Path) -> None:
    (tmp_path / "2024-03-10.md").write_text("```\n# 2024-03-11\n```\n")
    (found,) = read(tmp_path, OWNER)
    assert isinstance(found, Record)
    assert found.said_at == noon(2024, 3, 10)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("2024-03-10", "2024-03-10"),
        ("20240310 snow", "2024-03-10"),
        ("Sunday, 10th of March, 2024", "2024-03-10"),
        ("Mar 10 2024 - snow", "2024-03-10"),
        ("10.3.2024", "2024-03-10"),
        ("25/12/2023", "2023-12-25"),
        ("12/25/2023", "2023-12-25"),
        ("2020-W53", "2020-W53"),
        ("week 5 2024", "2024-W05"),
        ("January 2023", "2023-01"),
        ("2024-Q2 review", "2024-Q2"),
        ("Sonntag, 10. März 2024", "2024-03-10"),
        ("1er juillet 2024", "2024-07-01"),
        ("10 de marzo de 2024", "2024-03-10"),
        ("terça-feira, 12 de março de 2024", "2024-03-12"),
        ("Oktober 2024", "2024-10"),
        ("2024-Q5", None),
        ("2023-02-29", None),
        ("2021-W53", None),
        ("2024-13", None),
        ("march", None),
        ("20240310123", None),
        ("version 2024.3.10", None),
        ("0000-00-00", None),
    ],
)
def test_titles_name_their_period(title: str, name: str | None) -> None:
    found = period(title)
    assert (found.name if found else None) == name


def test_a_day_that_could_be_either_way_round_says_so() -> None:
    ambiguous, certain = period("03/04/2024"), period("13/04/2024")
    assert ambiguous is not None
    assert certain is not None
    assert (ambiguous.name, ambiguous.sure, certain.sure) == ("2024-04-03", False, True)
