"""Whose signal is it, and who may be heard at all?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.platform import Person
from storage.records import Message, Role


@dataclass(frozen=True, slots=True)
class Authority:
    """The owner's signal outweighs everybody's; others count only when they are on the list.

    `accounts`: the owner's ids by platform. `trainers`: "platform:id" or "platform:role:id" of those who may
    teach. `allow` and `block`: "platform:user|role|server|chat:id"; an empty `allow` allows everybody.
    """

    accounts: Mapping[str, str | Sequence[str]]
    trainers: Sequence[str] = ()
    allow: Sequence[str] = ()
    block: Sequence[str] = ()

    def owner_ids(self, platform: str) -> tuple[str, ...]:
        own = self.accounts.get(platform, ())
        return (own,) if isinstance(own, str) else tuple(own)

    def role_of(self, person: Person) -> Role:
        if person.id in self.owner_ids(person.platform):
            return Role.OWNER
        names = {f"{person.platform}:{person.id}", *(f"{person.platform}:role:{id}" for id in person.roles)}
        return Role.OTHER if names.isdisjoint(self.trainers) else Role.TRAINER

    def hears(self, message: Message) -> bool:
        """The owner is heard everywhere; others unless blocked and, where there is a list, if on it."""
        if message.by_owner:
            return True
        what = [("user", message.author_id), ("server", message.server_id), ("chat", message.chat_id)]
        what += [("role", role) for role in message.author_roles]
        what += [("chat", message.chat_id.partition("/")[0])]  # a topic goes with its group
        names = {f"{message.platform}:{kind}:{id}" for kind, id in what}
        return names.isdisjoint(self.block) and (not self.allow or not names.isdisjoint(self.allow))
