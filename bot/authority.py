"""Whose signal is it? The owner's outweighs everybody's; others count only when they are on the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storage.records import Role


def role_of(
    platform: str, person_id: str, *, accounts: Mapping[str, str | Sequence[str]], trainers: Sequence[str]
) -> Role:
    """`accounts`: the owner's ids by platform; `trainers`: "platform:id" of the people who may teach."""
    own = accounts.get(platform, ())
    if person_id == own or (not isinstance(own, str) and person_id in own):
        return Role.OWNER
    return Role.TRAINER if f"{platform}:{person_id}" in trainers else Role.OTHER
