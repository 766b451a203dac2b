"""Do rows come back from a file as they went in, whatever people wrote?"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from learning.rows import as_jsonl, read_rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    some.lists(some.text(some.characters(codec="utf-8")) | some.sampled_from(["a\u2028b", "a\x85b", "\r\n"]))
)
def test_any_words_survive_the_file(tmp_path, words):
    file = tmp_path / "rows.jsonl"
    rows = [{"text": text} for text in words]
    file.write_text(as_jsonl(rows), encoding="utf-8")
    assert read_rows(file) == rows


def test_no_file_no_rows(tmp_path):
    assert read_rows(tmp_path / "nowhere.jsonl") == []
