"""What can be set about backups? The [backup] part of twin.toml."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class BackupSettings(BaseModel):
    """[backup]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path = Field(default=Path("backups"), description="where they go; within the home, if relative")
    keep_days: int = Field(default=7, ge=1, description="the newest of each of so many days stays")
    keep_weeks: int = Field(default=4, ge=0, description="the newest of each of so many weeks stays, too")
    encrypt: bool = Field(default=False, description="with the passphrase in TWIN_BACKUP__PASSPHRASE")
    passphrase: SecretStr | None = None
