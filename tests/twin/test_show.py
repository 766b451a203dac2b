"""What does a person see whose results cannot go where they said?"""

from __future__ import annotations

import pytest

from twin.show import write_lines


def test_lines_that_cannot_be_written_are_told_by_the_name_that_was_given(tmp_path):
    for wrong in (tmp_path, tmp_path / "nowhere" / "rows.jsonl"):
        with pytest.raises(OSError) as told:
            write_lines(wrong, [{"a": 1}])
        assert told.value.filename == str(wrong)
    assert not list(tmp_path.parent.glob(".*.part"))
