"""Do many twins live in one process without getting in each other's way?"""

from __future__ import annotations

import json
import shutil

import pytest
from chat_service import as_toml
from discord_server import DiscordServer
from hosted import HostService
from quick_model import QuickModel
from services import free_port
from telegram_server import TelegramServer
from typer.testing import CliRunner

from twin.cli import app

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def world(tmp_path):
    """Mira is on a Discord, Bo on a Telegram; both answer by one model server."""
    discord, telegram, model = DiscordServer(), TelegramServer(), QuickModel(tells_model=True)
    await discord.start()
    await model.start()
    host = HostService(tmp_path / "twins", TWIN_DISCORD__TOKEN="nobody's", TWIN_OWNER__NAME="Nobody")
    host.discord, host.telegram, host.model = discord, telegram, model
    host.on_discord = {
        "owner.accounts": {"discord": str(discord.user("Sam").id)},
        "discord": {"api_url": discord.api_url, "gateway_url": discord.gateway_url},
        "model": {"base": "quick", "servers": [model.url]},
    }
    try:
        async with telegram.running():
            host.on_telegram = {
                "owner.accounts": {"telegram": "7"},
                "telegram": {"base_url": telegram.base_url, "base_file_url": telegram.base_file_url},
                "model": {"base": "quick", "servers": [model.url]},
            }
            host.write("mira", host.on_discord, TWIN_DISCORD__TOKEN=discord.gateway.token)
            host.write("bo", host.on_telegram, TWIN_TELEGRAM__TOKEN=telegram.token)
            yield host
            assert [*discord.unknown_routes, *discord.violations, *telegram.unknown_methods] == []
    finally:
        host.kill()
        await model.stop()
        await discord.stop()


async def asked_on_discord(host, number, seconds=30):
    discord = host.discord
    sam = discord.user("Sam")
    discord.say(discord.dm(sam), sam, f"what about #{number}")
    told = lambda: [text for text in discord.sent(discord.dm(sam)) if f"#{number}" in text]  # noqa: E731
    return await host.until(told, seconds)


async def asked_on_telegram(host, number, seconds=30):
    ann = host.telegram.user("Ann")
    host.telegram.say(ann, ann, f"what about #{number}")
    return await host.until(lambda: [one for one in host.telegram.ours(ann) if f"#{number}" in one], seconds)


async def test_twins_of_one_process_come_change_break_and_go_and_the_others_do_not_notice(world):
    host = world
    host.write("dead", host.on_discord, TWIN_DISCORD__TOKEN="no-such-token")
    host.write("wrong", {"chat": {"burst_secondz": 1}})
    host.start()
    await host.run("mira", "bo", "dead")
    await host.until(lambda: host.discord.gateway.identified)  # what was said to it before is not heard
    await asked_on_discord(host, 1)
    await asked_on_telegram(host, 2)
    await host.until(lambda: "burst_secondz" in host.state("wrong"))
    await host.until(lambda: "refused" in host.board["dead"]["parts"].get("discord", ""))

    # What is mended is taken up; who is new comes; and nobody else begins anew for it.
    connected = host.discord.gateway.identified
    host.write("wrong", {"model": {"base": "quick", "servers": [host.model.url]}})
    host.write("nell", {"model": {"base": "quick", "servers": [host.model.url]}})
    await host.run("wrong", "nell")
    shutil.rmtree(host.folder / "dead")
    await host.until(lambda: "dead" not in host.board)
    host.write(
        "bo", host.on_telegram | {"chat": {"names": ["bobby"]}}, TWIN_TELEGRAM__TOKEN=host.telegram.token
    )
    await host.until(lambda: "its settings have changed" in host.output.read_text())
    await host.run("bo")
    await asked_on_telegram(host, 3)
    (host.folder / "bo" / "twin.toml").write_text("[chat]\nnames = 3\n")
    await host.until(lambda: "chat.names" in host.board["bo"]["parts"].get("twin.toml", ""))
    await asked_on_telegram(host, 4)  # with the settings from before
    await asked_on_discord(host, 5)
    assert host.discord.gateway.identified == connected

    asked = CliRunner().invoke(app, ["host", str(host.folder), "--json"])
    told = json.loads(asked.stdout)
    assert told["pid"] == host.process.pid
    assert {name: one["state"] for name, one in told["twins"].items()} == dict.fromkeys(
        ("bo", "mira", "nell", "wrong"), "runs"
    )
    for name in ("mira", "bo"):  # its own log, and nobody else's
        log = (host.folder / name / "logs" / "twin.log").read_text()
        assert "is started" in log
        assert ("discord" in log, "telegram" in log) == (name == "mira", name == "bo")
    assert await host.stop() == 0
    assert "Traceback" not in host.output.read_text()


async def test_what_two_twins_may_not_share_the_second_is_refused_in_a_sentence(world):
    host = world
    shared = {"storage": {"url": f"sqlite+aiosqlite:///{host.folder / 'one.db'}"}}
    quick = {"model": {"base": "quick", "servers": [host.model.url]}}
    async with host.inside():
        await host.run("mira")
        host.write(
            "ann", host.on_discord | {"api": {"on": True, "port": 18_931}}, TWIN_DISCORD__TOKEN="the-token"
        )
        await host.run("ann")
        host.write("ben", quick | shared | {"api": {"on": True, "port": 18_931}})
        await host.run("ben")
        host.write("cat", quick | shared)
        await host.until(lambda: "ben has the same database" in host.state("cat"))
        assert "mira has the same token" in host.board["ann"]["parts"]["discord"]
        assert "ann has port 18931" in host.board["ben"]["parts"]["api"]
        shutil.rmtree(host.folder / "ann")  # what it had is free
        await host.until(lambda: host.board["ben"]["parts"].get("api") == "runs")


async def test_where_the_host_has_a_public_address_telegram_calls_each_twin_below_it(world):
    host, port = world, free_port()
    public = {"webhook_url": "https://twins.example/telegram", "webhook_port": port}
    (host.folder / "twin.toml").write_text(as_toml({"telegram": public}))
    (host.folder / ".env").write_text("TWIN_TELEGRAM__WEBHOOK_SECRET=the-hosts-own\n")
    host.telegram.public = {"https://twins.example": f"http://127.0.0.1:{port}"}
    async with host.inside():
        await host.run("mira", "bo")
        await host.until(lambda: host.telegram.webhook)
        assert host.telegram.webhook["url"] == "https://twins.example/telegram/bo"
        assert host.telegram.webhook["secret_token"] not in ("", "the-hosts-own")
        assert await asked_on_telegram(host, 6)
    assert not [call for call in host.telegram.calls if call.method == "getUpdates"]
