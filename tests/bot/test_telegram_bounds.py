"""However many chats and people one life of the service meets, what it remembers of them is bounded."""

from __future__ import annotations

from telegram_server import TelegramServer
from telegram_talk import Heard, app_for, running

from bot.latest import Latest
from storage.cursors import CursorStore

PEOPLE = 7


async def test_tables_of_chats_and_people_forget_whom_they_met_longest_ago(sqlite_database):
    async with TelegramServer().running() as server:
        heard, sam = Heard(), server.user("Sam")
        app = app_for(server, heard, CursorStore(sqlite_database), owner_ids=(str(sam.id),))
        tables = {
            "numbers": app._highest,
            "groups": app._groups,
            "admins": app._errands._admins,
            "strangers": app._business._strangers,
        }
        for table in tables.values():
            assert isinstance(table, Latest)
            table._most = 3
        async with running(app):
            for number in range(PEOPLE):
                person, group = server.user(f"Person {number}"), server.group(f"group {number}")
                server.say(group, person, "/pause")
                server.say(person, person, "hello")
                server.business_say(server.connect(person), person, "not the owner's")
            await server.wait_for(lambda: len(heard.messages) == PEOPLE == len(heard.commands))
        assert {name: len(table) for name, table in tables.items()} == dict.fromkeys(tables, 3)
