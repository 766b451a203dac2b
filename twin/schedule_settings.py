"""What can be set about what happens by the clock, and about the runs that come of it?"""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from twin.when import trigger


def _can_be_read(words: str) -> str:
    trigger(words, UTC)
    return words


When = Annotated[str, AfterValidator(_can_be_read)]


class ScheduleSettings(BaseModel):
    """[schedule]: every key is a job; cron's hours are the owner's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sync: When = Field(default="every 1 hour", description="read each source that is set up")
    sync_of: dict[str, When] = Field(default={}, description='one source otherwise: { github = "..." }')
    learn: When = Field(default="every 10 seconds", description="look whether there is enough to learn")
    retrain: When = Field(default="off", description="train everything anew, from the corpus on")
    evaluate: When = Field(default="0 5 * * sun", description="measure the live adapter against drift")
    backup: When = Field(default="0 3 * * *", description="into the folder of [backup]")
    forget: When = Field(default="every 1 hour", description="what is kept for too long goes")


class RunSettings(BaseModel):
    """[runs]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Literal["local", "ray", "kubernetes"] = Field(default="local", description="where training runs")
    attempts: int = Field(default=3, ge=1, description="of a run whose process was killed, then it is failed")
    at_once: int = Field(default=2, ge=1, description="runs beside the one that trains")
    warm: bool = Field(default=False, description="keep a trainer ready, at the price of its memory")
    stop_seconds: float = Field(default=20, gt=0, description="until the service has stopped, at the latest")
    keep_days: float = Field(default=30, gt=0, description="of what runs leave behind: logs and checkpoints")
    shared_dir: Path | None = Field(
        default=None, description="a folder that the other machine sees, too; not for local"
    )
    remote_dir: Path | None = Field(default=None, description="what that folder is called over there")
    python: str = Field(
        default="python", description="the interpreter over there, with 'twin[train]' or 'twin[ray]'"
    )
    gpus: float = Field(default=0, ge=0, description="over there, for one training; on Ray for each worker")
    ray_url: str = Field(default="http://127.0.0.1:8265", pattern=r"^https?://[^\s/]+")
    kubernetes_url: str = Field(default="https://kubernetes.default.svc", pattern=r"^https?://[^\s/]+")
    kubernetes_namespace: str = "default"
    kubernetes_image: str = Field(default="", description="one that has 'twin[train]'")
    kubernetes_claim: str = Field(default="", description="the volume claim that holds the shared folder")
    kubernetes_token: SecretStr | None = None
