"""What is one entry of a watch history, whichever file it came in?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from storage.records import ZoneSource


@dataclass(frozen=True, slots=True)
class Watched:
    where: str
    title: str
    url: str
    channel: str
    at: datetime | None
    zone_source: ZoneSource
    product: str = ""
    details: str = ""

    def called(self, title: str) -> Watched:
        return replace(self, title=title)
