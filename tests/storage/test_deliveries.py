"""Which messages stand in a chat as the owner's, though the twin wrote them?"""

from __future__ import annotations

from storage.database import Database
from storage.deliveries import DeliveryStore
from storage.records import Delivery, DeliveryState


async def test_what_stands_as_the_owners_is_told_with_whom_it_was_written_to(
    database: Database,
) -> None:
    deliveries = DeliveryStore(database)
    for number, (app, chat, message_id) in enumerate(
        (
            ("telegram", "b77/42", "9"),
            ("telegram", "b77/42/3", "10"),
            ("telegram", "-1005/7", "11"),  # a topic of a group
            ("telegram", "42", "12"),
            ("discord", "b", "13"),
            ("telegram", "b77/43", None),  # not there yet
        )
    ):
        one = Delivery(f"{app}:~{number}", 0, app, chat, "q", "hi", DeliveryState.SENT, message_id)
        await deliveries.put(one)
    assert await deliveries.in_the_owners_name() == {("telegram", "42", "9"), ("telegram", "42", "10")}
