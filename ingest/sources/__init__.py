"""Which sources are there? One line registers one."""

from __future__ import annotations

from ingest.source import Source
from ingest.sources import (
    discord_chat_exporter,
    discord_package,
    journal,
    myanimelist,
    notion,
    obsidian,
    telegram,
    whatsapp,
    youtube,
)

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        discord_chat_exporter.SOURCE,
        discord_package.SOURCE,
        journal.SOURCE,
        myanimelist.SOURCE,
        notion.SOURCE,
        obsidian.SOURCE,
        telegram.SOURCE,
        whatsapp.SOURCE,
        youtube.SOURCE,
    )
}
