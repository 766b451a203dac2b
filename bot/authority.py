"""Whose signal is it, and who may be heard at all?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.platform import Person
from storage.records import Message, Role, whole_chat


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
        by = Person(message.platform, message.author_id, message.author_name, roles=message.author_roles)
        return message.by_owner or self.admits(by, message.chat_id, message.server_id)

    def admits(self, by: Person, chat_id: str, server_id: str | None) -> bool:
        """Whether what somebody other than the owner says or does there is for us."""
        what = [("user", by.id), ("server", server_id), ("chat", chat_id)]
        what += [("role", role) for role in by.roles]
        what += [("chat", whole_chat(chat_id))]  # a topic goes with its group
        names = {f"{by.platform}:{kind}:{id}" for kind, id in what}
        return names.isdisjoint(self.block) and (not self.allow or not names.isdisjoint(self.allow))
