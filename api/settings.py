"""What can be set about the API and its dashboard? The [api] part of twin.toml."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+")]


class ApiSettings(BaseModel):
    """[api]; the secret of Discord's sign-in comes from TWIN_API__DISCORD_CLIENT_SECRET."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: bool = Field(default=True, description="`twin up` serves the API and the dashboard")
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8700, ge=0, le=65535)
    public_url: Url | None = Field(
        default=None, description="the address people open it under, where that is another one"
    )
    session_hours: float = Field(default=24 * 14, gt=0, description="until somebody has to sign in again")
    allow_origins: list[Url] = Field(default=[], description="other sites whose pages may call the API")
    discord_client_id: str | None = Field(
        default=None, description="sign in with Discord: the application's id"
    )
    discord_client_secret: SecretStr | None = None
    discord_url: Url = Field(default="https://discord.com", description="only to reach another server")
    requests_per_minute: int = Field(default=600, ge=1, description="of one account")
    answers_per_minute: int = Field(default=60, ge=1, description="of one account")
    upload_mb: int = Field(default=4096, ge=1, description="the largest export that may be uploaded")

    @model_validator(mode="after")
    def _discord_needs_both(self) -> ApiSettings:
        if bool(self.discord_client_id) != bool(self.discord_client_secret):
            raise ValueError(
                "sign-in with Discord needs both api.discord_client_id and TWIN_API__DISCORD_CLIENT_SECRET"
            )
        return self

    @property
    def origin(self) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")
