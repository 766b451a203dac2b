"""What can be set about talking?"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ChatSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    trainers: list[str] = Field(default=[], description='people who may teach the twin: "platform:id"')
    history: int = Field(default=8, ge=1, le=200, description="how many recent messages the twin sees")
