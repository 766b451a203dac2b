"""Who is the owner, as twin.toml says it?"""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from ingest.source import Owner


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"there is no time zone {name!r}; write it like Europe/Lisbon") from error


class ZoneSince(BaseModel):
    """From this day on the owner lived in that zone."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    since: date = Field(alias="from")
    zone: str

    @field_validator("zone")
    @classmethod
    def _exists(cls, name: str) -> str:
        _zone(name)
        return name


class VaultSettings(BaseModel):
    """[vault]: where there is a key, what the placeholders stand for is kept, encrypted with it."""

    model_config = ConfigDict(extra="forbid")

    key: SecretStr | None = None


class OwnerSettings(BaseModel):
    """[owner]: name, aliases, timezone (one, or a history), languages, facts, accounts by platform."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    aliases: list[str] = []
    timezone: str | list[ZoneSince] = "UTC"
    languages: list[str] = []
    facts: list[str] = []  # short sentences that everybody may hear; the twin's persona card
    accounts: dict[str, str | list[str]] = {}

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str | list[ZoneSince]) -> str | list[ZoneSince]:
        if isinstance(value, str):
            _zone(value)
        elif not value:
            raise ValueError("an empty history; write a zone such as Europe/Lisbon")
        return value

    def owner(self) -> Owner:
        """The owner as the sources take it."""
        if isinstance(self.timezone, str):
            zones = [(date.min, _zone(self.timezone))]
        else:
            zones = sorted(
                ((step.since, _zone(step.zone)) for step in self.timezone), key=lambda step: step[0]
            )
        accounts = {
            platform: (value,) if isinstance(value, str) else tuple(value)
            for platform, value in self.accounts.items()
        }
        return Owner(self.name, tuple(self.aliases), accounts, tuple(zones), tuple(self.languages))
