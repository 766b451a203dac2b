"""Which sources are there? One line registers one."""

from __future__ import annotations

from ingest.source import Source
from ingest.sources import (
    discord_chat_exporter,
    discord_package,
    email,
    facebook,
    git,
    google_docs,
    instagram,
    journal,
    mastodon,
    myanimelist,
    notion,
    obsidian,
    reddit,
    signal,
    slack,
    telegram,
    whatsapp,
    x_archive,
    youtube,
)

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        discord_chat_exporter.SOURCE,
        discord_package.SOURCE,
        email.SOURCE,
        facebook.SOURCE,
        git.SOURCE,
        google_docs.SOURCE,
        instagram.SOURCE,
        journal.SOURCE,
        mastodon.SOURCE,
        myanimelist.SOURCE,
        notion.SOURCE,
        obsidian.SOURCE,
        reddit.SOURCE,
        signal.SOURCE,
        slack.SOURCE,
        telegram.SOURCE,
        whatsapp.SOURCE,
        x_archive.SOURCE,
        youtube.SOURCE,
    )
}
