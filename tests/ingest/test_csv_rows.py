"""Does every table come out row by row, whatever is wrong with it?"""

from __future__ import annotations

from pathlib import Path

from export_files import put
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.csv_rows import heads, rows
from ingest.files import open_export
from storage.records import Skipped


def read(folder: Path, data: bytes | str, *needed: str) -> list[tuple[str, dict[str, str]] | Skipped]:
    put(folder, "a.csv", data)
    with open_export(folder) as export:
        return list(rows(export, "a.csv", needed))


def test_values_go_by_the_small_names_of_their_columns(tmp_path: Path) -> None:
    table = '\ufeffID,Created  At,Text\r\n1,2024,"a, ""b""\r\nc"\r\n2,2025,d,beyond\r\n'
    assert read(tmp_path, table, "id", "text") == [
        ("a.csv#2", {"id": "1", "created at": "2024", "text": 'a, "b"\r\nc'}),
        ("a.csv#3", {"id": "2", "created at": "2025", "text": "d"}),
    ]
    with open_export(tmp_path) as export:
        assert heads(export, "a.csv") == ["id", "created at", "text"]


def test_empty_lines_are_passed_over_before_the_first_one_too(tmp_path: Path) -> None:
    assert read(tmp_path, "\r\n\nID\n\n1\n") == [("a.csv#5", {"id": "1"})]
    with open_export(tmp_path) as export:
        assert heads(export, "a.csv") == ["id"]


def test_a_torn_row_costs_itself_and_a_missing_column_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, "ID,Text\n1\n2,b\n") == [
        Skipped("a.csv#2", "the line breaks off"),
        ("a.csv#3", {"id": "2", "text": "b"}),
    ]
    assert read(tmp_path, "ID,Text\n1,b\n", "when") == [
        Skipped("a.csv", "the first line names no column 'when'")
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=60) | st.text(alphabet='a,"\r\n\x00').map(str.encode))
def test_any_bytes_are_a_table_of_some_kind(tmp_path: Path, data: bytes) -> None:
    for row in read(tmp_path, data):
        assert isinstance(row, Skipped) or row[1]
