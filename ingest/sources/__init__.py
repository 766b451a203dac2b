"""Which sources are there? One line registers one."""

from __future__ import annotations

from ingest.source import Source
from ingest.sources import (
    discord_chat_exporter,
    discord_package,
    email,
    facebook,
    instagram,
    journal,
    mastodon,
    reddit,
    signal,
    slack,
    telegram,
    whatsapp,
    x_archive,
)

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        discord_chat_exporter.SOURCE,
        discord_package.SOURCE,
        email.SOURCE,
        facebook.SOURCE,
        instagram.SOURCE,
        journal.SOURCE,
        mastodon.SOURCE,
        reddit.SOURCE,
        signal.SOURCE,
        slack.SOURCE,
        telegram.SOURCE,
        whatsapp.SOURCE,
        x_archive.SOURCE,
    )
}
