"""What hangs on a message in a test: pictures, animations and videos, made here."""

from __future__ import annotations

import io

import av
from PIL import Image


def a_picture(colour: str = "red", size: tuple[int, int] = (64, 48), kind: str = "PNG", **how) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **how)
    return out.getvalue()


def an_animation(colours: tuple[str, ...]) -> bytes:
    first, *rest = (Image.new("RGB", (32, 32), colour) for colour in colours)
    out = io.BytesIO()
    first.save(out, "GIF", save_all=True, append_images=rest, duration=100)
    return out.getvalue()


def a_video(colours: tuple[str, ...], frames_each: int = 12) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as video:
        stream = video.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 6
        for colour in colours:
            for _ in range(frames_each):
                video.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 48), colour))))
        video.mux(stream.encode())
    return out.getvalue()


def colour_of(jpeg: bytes) -> str:
    """Which of the three it mostly is."""
    with Image.open(io.BytesIO(jpeg)) as picture:
        pixel = picture.convert("RGB").resize((1, 1)).getpixel((0, 0))
    return ("red", "lime", "blue")[pixel.index(max(pixel))]
