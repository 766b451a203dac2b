"""What can be set about reading sources again and again?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from ingest.sources import SOURCES

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+")]
Repository = Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
Channel = Annotated[str, StringConstraints(pattern=r"^(all|\d{5,20})$")]


class WatchedPath(BaseModel):
    """[[sync.files]]: an export or a folder that is read again whenever it has changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = "auto"
    path: Path

    @field_validator("source")
    @classmethod
    def _exists(cls, name: str) -> str:
        if name != "auto" and name not in SOURCES:
            raise ValueError(f"there is no source {name!r}; these there are: auto, {', '.join(SOURCES)}")
        return name


class SyncSettings(BaseModel):
    """[sync]. Secrets come from the environment or .env only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rescan_days: float = Field(
        default=7, ge=0, le=365, description="how far back edits and deletions are seen"
    )
    files: list[WatchedPath] = []

    github_token: SecretStr | None = None
    github_repositories: list[Repository] = Field(
        default=[], description="only these; empty: all you wrote in"
    )
    github_url: Url = "https://api.github.com"

    discord_channels: list[Channel] = Field(default=[], description='ids, or "all" the bot can read')

    notion_token: SecretStr | None = None
    notion_url: Url = "https://api.notion.com"

    google_client_id: str = ""
    google_client_secret: SecretStr | None = None
    google_refresh_token: SecretStr | None = None
    google_url: Url = "https://www.googleapis.com"
    google_token_url: Url = "https://oauth2.googleapis.com/token"

    myanimelist_client_id: SecretStr | None = None
    myanimelist_token: SecretStr | None = None
    myanimelist_url: Url = "https://api.myanimelist.net"
