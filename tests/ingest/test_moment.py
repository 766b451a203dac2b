"""Does a file name in the owner's own format name its day?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.moment import by_format


@pytest.mark.parametrize(
    ("form", "name", "day"),
    [
        ("YYYY-MM-DD", "2024-03-10", "2024-03-10"),
        ("DD.MM.YY", "10.03.24", "2024-03-10"),
        ("YYYY/MM-MMMM/YYYY-MM-DD-dddd", "2024/03-March/2024-03-10-Sunday", "2024-03-10"),
        ("YYYY/YYYY-MM-DD", "2023/2024-03-10", None),
        ("dddd, MMMM Do, YYYY", "Sunday, March 10th, 2024", "2024-03-10"),
        ("D. MMMM YYYY", "10. M\u00e4rz 2024", "2024-03-10"),
        ("YYYYMMDD", "20240310", "2024-03-10"),
        ("YYYY-DDDD", "2024-070", "2024-03-10"),
        ("YYYY-DDDD", "2023-366", None),
        ("YYYY-MM-DD HHmm", "2024-03-10 2241", "2024-03-10"),
        ("gggg-[W]ww", "2024-W11", "2024-W11"),
        ("GGGG-[W]WW", "2020-W53", "2020-W53"),
        ("GGGG-[W]WW", "2021-W53", None),
        ("YYYY-MM", "2024-03", "2024-03"),
        ("MMMM YYYY", "March 2024", "2024-03"),
        ("MMMM YYYY", "Smarch 2024", None),
        ("YYYY-[Q]Q", "2024-Q2", "2024-Q2"),
        ("YYYY", "2024", "2024"),
        ("[Diary of] YYYY-MM-DD", "Diary of 2024-03-10", "2024-03-10"),
        ("YYYY-MM-DD", "2024-02-30", None),
        ("YYYY-MM-DD", "2024-03-10 and more", None),
        ("[no date at all]", "no date at all", None),
        ("YYYY-MM-DD(.", "2024-03-10(.", "2024-03-10"),
    ],
)
def test_a_name_in_its_format_names_its_day(form: str, name: str, day: str | None) -> None:
    found = by_format(form, name)
    assert (found.name if found else None) == day


def test_a_local_week_may_begin_on_another_day_and_says_so() -> None:
    local, iso = by_format("gggg-[W]ww", "2024-W11"), by_format("GGGG-[W]WW", "2024-W11")
    assert local is not None
    assert iso is not None
    assert (local.sure, iso.sure) == (False, True)


@given(st.text(alphabet="YMDdQWwgGHhms[]\\o-. ", max_size=40), st.text(max_size=30))
def test_no_format_raises(form: str, name: str) -> None:
    by_format(form, name)
