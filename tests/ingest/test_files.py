"""Can any archive or folder harm us? Slips, bombs, links, archives in archives, files that lie."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ingest import files, zips
from ingest.files import ExportUnreadable, decode, one_look, open_document, open_export, read_text
from storage.records import Skipped


def zipped(entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_archives_in_an_archive_are_read_in_place(tmp_path: Path) -> None:
    inner = zipped({"a/note.md": b"hello", "later.zip": b"PK"})
    path = put(tmp_path / "outer.zip", zipped({"part-1.zip": inner, "deep/part-2.zip": inner}))
    with open_export(path, parts=True) as export:
        assert export.names == ("deep/part-2.zip", "part-1.zip/a/note.md")
        assert export.head("part-1.zip/a/note.md", 9) == b"hello"
        assert export.refused == [
            Skipped("part-1.zip/later.zip", "an archive that cannot be opened (File is not a zip file)")
        ]
    with open_export(path) as export:
        assert export.names == ("deep/part-2.zip", "part-1.zip")
    assert [file.name for file in tmp_path.iterdir()] == ["outer.zip"]


def test_archives_side_by_side_in_a_folder_are_one_export(tmp_path: Path) -> None:
    for number in (1, 2):
        put(tmp_path / f"takeout-{number}.zip", zipped({f"{number}.txt": b"x"}))
    with open_export(tmp_path, parts=True) as export:
        assert export.names == ("takeout-1.zip/1.txt", "takeout-2.zip/2.txt")


def test_archives_nested_without_end_are_opened_twice_at_most(tmp_path: Path) -> None:
    data = zipped({"x": b"x"})
    for _ in range(20):
        data = zipped({"again.zip": data}, zipfile.ZIP_STORED)
    with open_export(put(tmp_path / "nest.zip", data), parts=True) as export:
        assert export.names == ("again.zip/again.zip/again.zip",)


def test_an_archive_of_too_many_archives_is_read_up_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_PARTS", 2)
    inner = zipped({"x": b"x"})
    path = put(tmp_path / "many.zip", zipped({f"{number}.zip": inner for number in range(4)}))
    with open_export(path, parts=True) as export:
        assert export.names == ("0.zip/x", "1.zip/x")
        assert len(export.refused) == 2


def test_a_bomb_inside_an_archive_is_left_packed(tmp_path: Path) -> None:
    bomb = zipped({"big": b"\0" * (64 << 20), "../../slip": b"x", "small": b"x"})
    path = put(tmp_path / "outer.zip", zipped({"bomb.zip": bomb}, zipfile.ZIP_STORED))
    with open_export(path, parts=True) as export:
        assert export.names == ("bomb.zip/small",)
        assert sorted(one.why for one in export.refused) == [
            "it unpacks to far more than an export would",
            "its name leads outside the archive",
        ]


def test_an_archive_that_packs_an_archive_too_well_is_left_packed(tmp_path: Path) -> None:
    hollow = zipped({"zeros": b"\0" * (32 << 20)}, zipfile.ZIP_STORED)
    with open_export(put(tmp_path / "outer.zip", zipped({"hollow.zip": hollow})), parts=True) as export:
        assert export.names == ()
        assert [one.why for one in export.refused] == ["it unpacks to far more than an export would"]


def test_many_small_files_that_shrink_too_well_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zips, "TOTAL_FLOOR", 1 << 20)
    path = put(tmp_path / "bomb.zip", zipped({str(number): b"\0" * (1 << 20) for number in range(8)}))
    with pytest.raises(ExportUnreadable, match="far more than an export"), open_export(path):
        pass
    put(tmp_path / "whole.zip", zipped({"bomb.zip": path.read_bytes(), "a.md": b"a"}, zipfile.ZIP_STORED))
    with open_export(tmp_path / "whole.zip", parts=True) as export:
        assert export.names == ("a.md",)
        assert len(export.refused) == 1


def test_files_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    whole = zipped({"a": bytes(range(256)) * 40}, zipfile.ZIP_STORED)
    at = whole.index(b"PK\x01\x02")
    entry = whole[at : whole.index(b"PK\x05\x06")]
    many = b"".join(entry.replace(b"a", bytes([letter])) for letter in b"abcdefgh")
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 8, 8, len(many), at, 0)
    path = put(tmp_path / "overlap.zip", whole[:at] + many + end)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.infolist()) == 8
    with pytest.raises(ExportUnreadable, match="far more than an export"), open_export(path):
        pass


def test_a_file_never_gives_more_than_it_claimed(tmp_path: Path) -> None:
    whole = zipped({"a.md": b"x" * 5000})
    lying = whole.replace(struct.pack("<L", 5000), struct.pack("<L", 50))
    with open_export(put(tmp_path / "lies.zip", lying)) as export:
        with pytest.raises(OSError), export.open("a.md") as file:
            file.read()
        assert len(export.head("a.md", 40)) <= 50


@pytest.mark.parametrize(
    "name", ["../a.md", "a/../../b.md", "/etc/a.md", "\\\\host\\a.md", "..\\a.md", "C:\\a.md", "C:/a.md"]
)
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = name
        archive.writestr(info, b"x")
    with open_export(put(tmp_path / "slip.zip", file.getvalue())) as export:
        assert export.names == ()
        assert [one.why for one in export.refused] == ["its name leads outside the archive"]


def test_a_name_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.md", b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.md", b"two")
    with open_export(put(tmp_path / "twice.zip", file.getvalue())) as export:
        assert export.names == ("a.md",)
        assert export.refused == [Skipped("a.md", "a second file of the same name")]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_what_is_no_plain_file_in_a_zip_is_refused(tmp_path: Path, kind: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("a.md")
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, b"/etc/passwd")
    with open_export(put(tmp_path / "odd.zip", file.getvalue())) as export:
        assert [one.why for one in export.refused] == ["a link or device, not a file"]


def test_a_file_without_a_name_in_a_zip_is_refused(tmp_path: Path) -> None:
    whole = zipped({"nobody": b"x", "b.md": b"y"}, zipfile.ZIP_STORED)
    nameless = whole.replace(b"nobody", b"\0obody")  # a name ends at its first zero
    with open_export(put(tmp_path / "odd.zip", nameless)) as export:
        assert export.names == ("b.md",)
        assert export.refused == [Skipped("", "it has no name")]


def test_a_folder_is_never_left_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    put(tmp_path / "secret" / "a.md", b"secret")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "out").symlink_to(tmp_path / "secret")
    (tmp_path / "export" / "b.md").symlink_to(tmp_path / "secret" / "a.md")
    with open_export(tmp_path / "export") as export:
        assert export.names == ()
        assert [one.where for one in export.refused] == ["b.md", "out"]


def test_a_text_file_is_read_whole_or_says_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_TEXT_FILE", 100)
    for name, data in {
        "a.md": b"one\r\ntwo\rthree",
        "b.md": b" \n",
        "c.md": b"\0\1",
        "d.md": b"x" * 101,
        "e.md": "\u017eaba".encode("utf-16"),
    }.items():
        put(tmp_path / name, data)
    with open_export(tmp_path) as export:
        assert [read_text(export, name) for name in export.names] == [
            "one\ntwo\nthree",
            Skipped("b.md", "empty", failed=False),
            Skipped("c.md", "not text"),
            Skipped("d.md", "larger than 0 MiB"),
            "\u017eaba",
        ]
        assert isinstance(read_text(export, "gone.md"), Skipped)


def test_the_clock_of_a_file_is_told_where_there_is_one(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.md", (2024, 3, 10, 9, 8, 6)), b"x")
        archive.writestr(zipfile.ZipInfo("b.md"), b"x")
    with open_export(put(tmp_path / "a.zip", file.getvalue())) as export:
        assert export.modified("a.md") == datetime(2024, 3, 10, 9, 8, 6)  # noqa: DTZ001
        assert export.modified("b.md") is None
        assert export.modified("c.md") is None
    with open_export(tmp_path) as export:
        modified = export.modified("a.zip")
        assert modified is not None
        assert modified.tzinfo is UTC


def test_a_document_is_opened_from_memory_or_said_to_be_damaged() -> None:
    with open_document(io.BytesIO(zipped({"word/document.xml": b"<a/>"}))) as document:
        assert document.head("word/document.xml", 9) == b"<a/>"
    for data in (b"", b"PK\x03\x04", zipped({"a": b"a" * 99})[:60]):
        with pytest.raises(ExportUnreadable, match="not a whole document"), open_document(io.BytesIO(data)):
            pass


def test_text_is_text_in_any_encoding() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        assert decode("caf\u00e9".encode(encoding)) == "caf\u00e9"
    assert decode(bytes(range(256))) is None


def test_whoever_looks_at_the_same_time_shares_one_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes").mkdir()
    put(tmp_path / "notes" / "a.md", b"hello, everybody")
    listed: list[object] = []
    monkeypatch.setattr(
        files, "os", SimpleNamespace(scandir=lambda path: listed.append(path) or os.scandir(path))
    )
    with one_look():
        for size in (5, 16, 2, 16):
            with open_export(tmp_path) as export:
                assert export.names == ("notes/a.md",)
                assert export.head("notes/a.md", size) == b"hello, everybody"[:size]
                if size == 16:
                    (tmp_path / "notes" / "a.md").unlink(missing_ok=True)
    assert len(listed) == 2
    with open_export(tmp_path) as export:
        assert export.names == ()


def test_a_folder_that_cannot_be_listed_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir()
    put(tmp_path / "a.md", b"x")

    def scandir(path: Path) -> Any:
        if path.name == "locked":
            raise PermissionError("not yours")
        return os.scandir(path)

    monkeypatch.setattr(files, "os", SimpleNamespace(scandir=scandir))
    with open_export(tmp_path) as export:
        assert export.names == ("a.md",)
        assert export.refused == [Skipped("locked", "the folder cannot be read (not yours)")]
