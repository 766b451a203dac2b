"""What is this value that an export claims to be a name, a number or a time? Nothing here is trusted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ingest.clean import well_formed


def as_dict(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    return well_formed(value) if isinstance(value, str) else ""


def texts(*values: Any) -> tuple[str, ...]:
    """Those that say something, each once."""
    return tuple(dict.fromkeys(text for value in values if (text := as_text(value).strip())))


def as_id(value: Any) -> str | None:
    """A native id in digits: some exceed 2^53, and one that came as a float has lost its last ones."""
    if isinstance(value, str):
        digits = value.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
            return None
        if len(digits) < 19 and digits[0] != "0":
            return digits
        value = int(digits)
    elif isinstance(value, bool) or not isinstance(value, int):
        return None
    return str(value) if 0 < value < 1 << 63 else None


def from_epoch(value: Any, per_second: int = 1) -> datetime | None:
    """Seconds since 1970, or milliseconds with `per_second=1000`; zero stands for "not known"."""
    if isinstance(value, bool):
        return None
    try:
        since = float(value)
        return datetime.fromtimestamp(since / per_second, UTC) if since > 0 else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def from_iso(value: Any) -> datetime | None:
    """A time written with its offset, in UTC; None when it is naive or no time."""
    if value is None:
        return None
    try:
        when = datetime.fromisoformat(value.strip())
        return when.astimezone(UTC) if when.tzinfo else None
    except (AttributeError, ValueError, OverflowError):
        return None
