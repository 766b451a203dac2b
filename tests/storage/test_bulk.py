"""What goes in by the thousand is bound as SQLAlchemy binds it one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from storage.bulk import times
from storage.columns import UtcTime

DIALECT = sqlite.dialect()  # type: ignore[no-untyped-call]
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-7, minutes=-30))])
SOME = st.datetimes(datetime(3, 1, 1), datetime(9998, 1, 1), timezones=ZONES)  # noqa: DTZ001
ON_THE_SECOND = SOME.map(lambda when: when.replace(microsecond=0))


@given(st.lists(SOME | ON_THE_SECOND | st.none(), min_size=1))
def test_times_are_written_as_ever(column: list[datetime | None]) -> None:
    one_by_one = UtcTime().dialect_impl(DIALECT).bind_processor(DIALECT)
    assert one_by_one
    assert list(times(tuple(column))) == list(map(one_by_one, column))
