"""What is brain/ray_serve.py told? Apart from it, because only a node of a Ray cluster has Ray."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Arguments(BaseModel):
    """`command`: how one model server starts; "{port}" in it stands for its port.

    `gpus`, `cpus`, `at_once` and `start_seconds` are of each server.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    command: list[str] = Field(min_length=1)
    environment: dict[str, str] = {}
    replicas: int = Field(default=1, ge=1)
    doors: int = Field(default=1, ge=1, description="as many as there are nodes: one on each")
    gpus: float = Field(default=0, ge=0)
    cpus: float = Field(default=1, ge=0)
    per_node: int | None = Field(default=None, ge=1, description="servers on one node at most; None: any")
    at_once: int = Field(default=256, ge=1, description="requests that one server is given")
    start_seconds: float = Field(default=900, gt=0)
