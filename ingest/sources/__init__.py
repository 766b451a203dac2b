"""Which sources are there? One line registers one."""

from __future__ import annotations

from ingest.source import Source
from ingest.sources import (
    discord_package,
    git,
    google_docs,
    journal,
    myanimelist,
    notion,
    obsidian,
    telegram,
    youtube,
)

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        discord_package.SOURCE,
        git.SOURCE,
        google_docs.SOURCE,
        journal.SOURCE,
        myanimelist.SOURCE,
        notion.SOURCE,
        obsidian.SOURCE,
        telegram.SOURCE,
        youtube.SOURCE,
    )
}
