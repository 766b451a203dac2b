"""What does the flow of a chat read and write? The repositories it needs, in one hand."""

from __future__ import annotations

from dataclasses import dataclass

from storage.chats import ChatStore, FactStore, PersonStore, QuestionStore
from storage.deliveries import DeliveryStore
from storage.feedback import FeedbackStore
from storage.messages import MessageStore


@dataclass(frozen=True, slots=True)
class Kept:
    messages: MessageStore
    deliveries: DeliveryStore
    feedback: FeedbackStore
    chats: ChatStore
    people: PersonStore
    questions: QuestionStore
    facts: FactStore
