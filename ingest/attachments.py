"""What kind of thing hung on a message? Told by the ending of its name, which is then forgotten."""

from __future__ import annotations

from storage.records import Attachment

_KINDS = {
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp", "heic", "avif"), "image"),
    **dict.fromkeys(("mp4", "mov", "webm", "mkv", "3gp"), "video"),
    **dict.fromkeys(("ogg", "opus", "mp3", "wav", "m4a", "aac", "flac"), "audio"),
}


def attachment(name_or_link: str) -> Attachment:
    ending = name_or_link.partition("?")[0].rpartition(".")[2].lower()
    return Attachment(_KINDS.get(ending, "file"))
