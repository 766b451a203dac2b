"""Does [owner] become the owner, and a mistake in it a sentence?"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from ingest.settings import OwnerSettings


def test_a_zone_history_is_applied_by_the_day() -> None:
    history = [
        {"from": "2025-03-01", "zone": "Europe/Ljubljana"},
        {"from": "2023-01-01", "zone": "Europe/Lisbon"},
    ]
    owner = OwnerSettings.model_validate({"timezone": history}).owner()
    assert [since for since, _ in owner.zones] == [date(2023, 1, 1), date(2025, 3, 1)]
    assert owner.to_utc(datetime.fromisoformat("2024-07-01T12:00")) == datetime(2024, 7, 1, 11, tzinfo=UTC)
    assert owner.to_utc(datetime.fromisoformat("2025-07-01T12:00")) == datetime(2025, 7, 1, 10, tzinfo=UTC)
    assert owner.to_utc(datetime.fromisoformat("2020-01-01T12:00")) == datetime(2020, 1, 1, 12, tzinfo=UTC)


def test_one_account_or_several_are_the_same_to_the_sources() -> None:
    owner = OwnerSettings(accounts={"telegram": "1", "email": ["a@example.org", "b@example.org"]}).owner()
    assert owner.has_account("telegram", "1") is True
    assert owner.has_account("telegram", "2") is False
    assert owner.has_account("discord", "2") is None
    assert owner.accounts["email"] == ("a@example.org", "b@example.org")


@pytest.mark.parametrize("zone", ["Lisbon", "", "../../etc/passwd", "Europe"])
def test_a_zone_that_does_not_exist_says_how_to_write_one(zone: str) -> None:
    with pytest.raises(ValidationError, match="write it like Europe/Lisbon"):
        OwnerSettings(timezone=zone)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="nick"):
        OwnerSettings.model_validate({"nick": "x"})
