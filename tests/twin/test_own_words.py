"""The twin writes in the owner's name, and the owner's export has it: are those words taken for theirs?"""

from __future__ import annotations

import json

import pytest

from storage.records import Delivery, DeliveryState
from twin.build import open_stores
from twin.home import Home
from twin.remember import ingest_export
from twin.settings import read_settings


def wrote(number: int, sender: int, text: str) -> dict[str, object]:
    at = 1717243200 + number
    common = {"id": number, "type": "message", "date": "2024-06-01T13:00:00", "date_unixtime": str(at)}
    return common | {"from": "somebody", "from_id": f"user{sender}", "text": text}


@pytest.mark.parametrize("imported_before", [False, True])
async def test_what_the_twin_wrote_in_the_owners_name_is_no_record_and_no_memory(tmp_path, imported_before):
    home = Home(tmp_path / "home")
    home.make()
    home.settings_file.write_text(
        '[owner]\nname = "Ola Brandt"\naccounts = { telegram = "711" }\n', encoding="utf-8"
    )
    settings = read_settings(home)
    sent = Delivery("telegram:~1", 0, "telegram", "b711/502", "q", "x", DeliveryState.SENT, "3")
    talk = [
        wrote(1, 502, "where is the trombone?"),
        wrote(2, 711, "let me look for it"),
        wrote(3, 711, "the trombone lies under the stairs"),  # the twin, who had recalled it
    ]
    other = [wrote(3, 711, "a message of mine with that number, in another chat")]
    chats = [
        {"name": "Tam", "type": "personal_chat", "id": 502, "messages": talk},
        {"name": "Jo", "type": "personal_chat", "id": 618, "messages": other},
    ]
    export = {"personal_information": {"user_id": 711}, "chats": {"list": chats}}
    (tmp_path / "result.json").write_text(json.dumps(export), encoding="utf-8")
    if imported_before:  # when nobody left these out
        await ingest_export(home, settings, "telegram", tmp_path / "result.json")
    async with open_stores(home, settings) as stores:
        assert bool(await stores.memories.recall(["trombone"], {"telegram:502"})) == imported_before
        await stores.deliveries.put(sent)
    ledger = await ingest_export(home, settings, "telegram", tmp_path / "result.json")
    assert ledger.unchanged == imported_before
    assert ledger.dropped == ({} if imported_before else {"written by the twin, in the owner's name": 1})
    await ingest_export(home, settings, "telegram", tmp_path / "result.json", again=True)
    async with open_stores(home, settings) as stores:
        said = {one.text for one in await stores.records.find() if one.by_owner}
        assert said == {"let me look for it", "a message of mine with that number, in another chat"}
        found = await stores.memories.recall(["trombone"], {"telegram:502"})
        assert [one.memory.text for one in found] == []
