"""Where does the twin keep things? The [storage] part of twin.toml."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from storage.twins import SLUG, THE_ONE


class StorageSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: SecretStr | None = None  # None: an SQLite file in the twin's home; it may hold a password
    twin: str = Field(THE_ONE, pattern=f"^{SLUG}$")  # whose it is, where several share one Postgres
    copy_before_upgrade: bool = Field(
        True, description="tables are copied before a newer twin changes them; false: you have a backup"
    )
    redis_url: SecretStr | None = None  # None: what is cached stays in this process
