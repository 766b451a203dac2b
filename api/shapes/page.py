"""What do a list, an error and a word back look like, on every page?"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Shape(BaseModel):
    """Made from one of storage's records by name, or written out."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")


class Asked(BaseModel):
    """What somebody sends: a field we do not know is a mistake, and told."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[Item]):
    """Some of a list. `next` is the `cursor` of what follows; null at the end."""

    items: list[Item]
    next: str | None = None


class Problem(BaseModel):
    """An error as RFC 9457 has it; `detail` says what to do."""

    type: str = "about:blank"
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(default="", examples=["there is no adapter 'dpo-9'"])
    instance: str = Field(default="", examples=["/api/adapters/dpo-9"])
    errors: list[dict[str, Any]] = Field(default=[], description="where what was sent is wrong, part by part")


class Done(BaseModel):
    """A sentence for the person who asked."""

    told: str
