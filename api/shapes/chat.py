"""Conversations and what is said in them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from api.shapes.page import Asked, Shape


class Conversation(Shape):
    id: str = Field(description="opaque; of one chat on one chat app")
    platform: str = Field(examples=["discord", "telegram", "web", "api"])
    chat_id: str
    title: str = Field(description="who speaks there besides the twin, or the first words")
    private: bool
    messages: int
    last_at: datetime
    last_text: str
    web: bool = Field(description="whether one can write into it here")


class Media(Shape):
    kind: str
    name: str = ""
    mime: str = ""
    size: int = 0
    text: str = ""


class Message(Shape):
    key: str
    platform: str
    chat_id: str
    author_id: str
    author_name: str
    text: str
    sent_at: datetime
    by_twin: bool = False
    by_owner: bool = False
    reply_to: str | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    media: list[Media] = []
    adapter: str | None = Field(default=None, description="of a reply: what answered; null: the base model")
    feedback: list[str] = Field(default=[], description="of a reply: kinds of feedback that count")
    unsent: bool = Field(default=False, description="a reply that nobody in that chat has seen")


Picture = Annotated[str, StringConstraints(max_length=7_000_000, pattern=r"^data:image/")]


class NewConversation(Asked):
    title: str = Field(default="", max_length=200)


class Say(Asked):
    """What is said to the twin. `adapters`: none, as always; one, that one; two, side by side."""

    text: str = Field(default="", max_length=20_000, examples=["When is dinner?"])
    pictures: list[Picture] = Field(
        default=[], max_length=4, description="data: URLs; words may be missing then"
    )
    adapters: list[str] = Field(
        default=[], max_length=2, description='versions; "base" is the base model', examples=[["dpo-3"]]
    )

    @model_validator(mode="after")
    def _says_something(self) -> Say:
        if not self.text.strip() and not self.pictures:
            raise ValueError("there is nothing in it: write words, or send a picture")
        return self


class Regenerate(Asked):
    adapters: list[str] = Field(default=[], max_length=2)


class Choose(Asked):
    """Of two answers to the same words."""

    better: str = Field(description="the key of the better reply")
    worse: str


Event = Literal["question", "text", "done", "stopped", "failed"]


class Growing(Shape):
    """One event of a chat's stream: `event: question|text|done|stopped|failed`, `data: ` this."""

    event: Event
    slot: int = Field(default=0, description="0, or 1 for the second of two side by side")
    key: str = Field(default="", description="of the reply that grows; stop it by this")
    adapter: str | None = None
    delta: str = Field(default="", description="the words that came since the last one")
    message: Message | None = Field(default=None, description="of question, done and stopped")
    told: str = Field(default="", description="of failed: what is wrong, and what to do")


class Why(Shape):
    """Why this answer: everything that made it."""

    reply: Message
    question: Message | None
    adapter: str | None
    base_model: str
    prompt: list[dict[str, Any]]
    prompt_hash: str
    sampling: dict[str, Any]
    recalled: list[Recalled]
    pictures: int = Field(default=0, description="so many the model was shown")
    speakers: list[str]
    first_token_ms: float
    total_ms: float
    prompt_tokens: int
    completion_tokens: int
    outcome: str | None = Field(default=None, description="what became of it: edited, skipped, chosen, ...")


class Recalled(Shape):
    """A memory that was in the prompt. Its text is shown to the owner only."""

    id: str
    source: str | None = None
    said_at: datetime | None = None
    text: str | None = None


Why.model_rebuild()
