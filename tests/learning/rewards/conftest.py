"""What do the reward tests share? One owner's profile, and answers of theirs that it has not seen."""

from __future__ import annotations

from typing import Any

import pytest
from owner_talk import owner_talk

from learning.rewards.profile import Profile, learned


@pytest.fixture(scope="session")
def talk() -> list[dict[str, Any]]:
    return owner_talk(800, seed=1)


@pytest.fixture(scope="session")
def heldout() -> list[dict[str, Any]]:
    return owner_talk(40, seed=2)


@pytest.fixture(scope="session")
def profile(talk: list[dict[str, Any]]) -> Profile:
    return learned(talk)
