"""What is to be seen in a file? A few small JPEGs, or a refusal; its name and claimed type do not count.

It comes from strangers: the content says what it is, only usual formats are opened, sizes are looked at
before anything is decoded, and what comes out is drawn anew, without what else was in the file (such as
where it was taken).
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

from PIL import Image, ImageOps

SIDE = 896  # pixels; Gemma 3 sees every picture as a square of so many
MOST_PIXELS = 40_000_000
MOST_VIDEO_PIXELS = 10_000_000  # 4K
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
GIF_STEP = 4  # of an animation every fourth frame
VIDEO_SECONDS = 5.0  # of our time
CONTAINERS = {"mp4": (4, b"ftyp"), "matroska": (0, b"\x1a\x45\xdf\xa3")}
QUALITY = 85


class NotAPicture(Exception):
    """Not one that we look at: another format, broken, or too large."""


def frames(data: bytes, wanted: int = 1) -> list[bytes]:
    """At most `wanted` JPEGs of what is in there, each within SIDE x SIDE pixels. Takes CPU time."""
    if container := _container(data):
        return _of_video(data, container, wanted)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if not 0 < width * height <= MOST_PIXELS:
                raise NotAPicture(f"it has {width} x {height} pixels")
            return [_jpeg(frame) for frame in _first_frames(picture, wanted)]
    except NotAPicture:
        raise
    except (Exception, Warning) as broken:  # decoders of broken files raise anything
        raise NotAPicture(f"it cannot be decoded: {type(broken).__name__}") from broken


def _container(data: bytes) -> str | None:
    return next((name for name, (at, mark) in CONTAINERS.items() if data[at : at + len(mark)] == mark), None)


def _first_frames(picture: Image.Image, wanted: int) -> Iterator[Image.Image]:
    picture.draft("RGB", (SIDE, SIDE))  # a large JPEG is decoded smaller at once
    picture.load()
    yield picture
    for number in range(1, wanted if getattr(picture, "is_animated", False) else 1):
        try:
            picture.seek(number * GIF_STEP)
        except EOFError:
            return
        yield picture


def _jpeg(picture: Image.Image) -> bytes:
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((SIDE, SIDE))
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        seen_through = upright.convert("RGBA")
        flat = Image.new("RGBA", seen_through.size, "white")
        flat.alpha_composite(seen_through)
        upright = flat
    drawn = Image.new("RGB", upright.size)
    drawn.paste(upright.convert("RGB"))
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _of_video(data: bytes, container: str, wanted: int) -> list[bytes]:
    """Frames from all over it. Needs PyAV (twin[media])."""
    try:
        import av
    except ImportError as missing:
        raise NotAPicture("videos need PyAV: pip install 'twin[media]'") from missing
    found: list[bytes] = []
    deadline = time.monotonic() + VIDEO_SECONDS
    try:
        # The format is given: guessing might take it for a playlist, which names other files.
        with av.open(io.BytesIO(data), format=container) as video:
            stream = video.streams.video[0]
            stream.codec_context.thread_count = 1
            if not 0 < stream.codec_context.width * stream.codec_context.height <= MOST_VIDEO_PIXELS:
                raise NotAPicture("its frames are too large")
            length = video.duration or 0
            for number in range(wanted):
                if time.monotonic() > deadline:
                    break
                if number:
                    video.seek(length * number // wanted)
                frame = next(video.decode(stream), None)
                if frame is None or frame.width * frame.height > MOST_VIDEO_PIXELS:
                    break
                if (jpeg := _jpeg(frame.to_image())) not in found:
                    found.append(jpeg)
    except NotAPicture:
        raise
    except Exception as broken:  # as above
        if not found:
            raise NotAPicture(f"it cannot be decoded: {type(broken).__name__}") from broken
    if not found:
        raise NotAPicture("there is no frame in it")
    return found
