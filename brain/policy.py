"""What may be said? A hook before the model is asked and after it has answered; by default nothing happens.

`model.policy = "my_module:make_policy"` names a function without arguments that returns a Policy.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Protocol, cast

from storage.records import Prompt


@dataclass(frozen=True, slots=True)
class Asking:
    """What is about to be answered, and to whom. `person` and `chat` begin with the platform."""

    prompt: Prompt
    person: str
    chat: str
    by_owner: bool


class Policy(Protocol):
    async def before(self, asking: Asking) -> str | None:
        """None: ask the model. A text is said instead; "" says nothing at all."""

    async def after(self, asking: Asking, text: str) -> str:
        """What is said in place of this answer; the same text where nothing is wrong with it."""


class BadPolicy(Exception):
    """The configured policy cannot be used; the message says why."""


def load_policy(name: str) -> Policy:
    """Raises BadPolicy."""
    module, _, function = name.partition(":")
    try:
        policy = getattr(importlib.import_module(module), function)()
    except (ImportError, AttributeError, TypeError) as error:
        raise BadPolicy(f"'{name}' cannot be used: {error}") from error
    if not (callable(getattr(policy, "before", None)) and callable(getattr(policy, "after", None))):
        raise BadPolicy(f"'{name}' returns something without the methods before and after")
    return cast(Policy, policy)
