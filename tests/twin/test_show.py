"""What does a person see whose results cannot go where they said?"""

from __future__ import annotations

import io
import json
import sys

import pytest

from twin.show import as_json, write_lines


def test_lines_that_cannot_be_written_are_told_by_the_name_that_was_given(tmp_path):
    for wrong in (tmp_path, tmp_path / "nowhere" / "rows.jsonl"):
        with pytest.raises(OSError) as told:
            write_lines(wrong, [{"a": 1}])
        assert told.value.filename == str(wrong)
    assert not list(tmp_path.parent.glob(".*.part"))


@pytest.mark.parametrize(("encoding", "written"), [("ascii", "\\u0141"), ("utf-8", "\u0141")])
def test_an_object_for_machines_loses_no_letter_whatever_the_terminal_can(monkeypatch, encoding, written):
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding, errors="replace"))
    as_json({"name": "\u0141"})
    sys.stdout.flush()
    assert written in out.getvalue().decode(encoding)
    assert json.loads(out.getvalue()) == {"name": "\u0141"}
