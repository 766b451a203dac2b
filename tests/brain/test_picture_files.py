from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from picture_data import a_picture, a_video, an_animation, colour_of
from PIL import Image

from brain.picture_files import SIDE, NotAPicture, frames


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_a_picture_comes_out_as_a_small_jpeg(kind):
    (jpeg,) = frames(a_picture("blue", (3000, 1000), kind))
    assert opened(jpeg).format == "JPEG"
    assert opened(jpeg).size == (SIDE, pytest.approx(SIDE / 3, abs=2))
    assert colour_of(jpeg) == "blue"


def test_a_small_picture_stays_small():
    assert opened(frames(a_picture(size=(40, 30)))[0]).size == (40, 30)


def test_what_else_is_in_a_file_does_not_come_along():
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6  # lies on its side
    (jpeg,) = frames(a_picture("red", (40, 20), "JPEG", exif=exif))
    assert b"taken at home" not in jpeg
    assert opened(jpeg).size == (20, 40)
    assert not dict(opened(jpeg).getexif())


def test_what_is_seen_through_is_white():
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(out, "PNG")
    assert min(opened(frames(out.getvalue())[0]).getpixel((4, 4))) > 250


def test_of_an_animation_the_first_frames_are_seen():
    colours = ("red",) * 4 + ("lime",) * 4 + ("blue",) * 4
    data = an_animation(tuple(f"hsl({n},100%,50%)" if c == "red" else c for n, c in enumerate(colours)))
    assert [colour_of(jpeg) for jpeg in frames(data, 2)] == ["red", "lime"]
    assert len(frames(data, 1)) == 1


def test_of_a_video_frames_from_all_over_are_seen():
    data = a_video(("red", "lime", "blue"))
    assert [colour_of(jpeg) for jpeg in frames(data, 3)] == ["red", "lime", "blue"]
    assert [colour_of(jpeg) for jpeg in frames(data, 1)] == ["red"]


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims to be so large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MZ\x90\x00 an executable called cat.png",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/secret\n",
        b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 400,
        b"\x1a\x45\xdf\xa3" + b"\x00" * 40,
        bomb(20_000, 20_000),
        bomb(7000, 7000),
        bomb(0, 5),
        a_picture()[:60],
    ],
    ids=[
        "nothing",
        "executable",
        "svg",
        "playlist",
        "no mp4",
        "no webm",
        "huge bomb",
        "bomb",
        "no width",
        "cut off",
    ],
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(NotAPicture):
        frames(data, 3)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr("brain.picture_files.MOST_PIXELS", 64 * 48 - 1)
    with pytest.raises(NotAPicture, match="64 x 48"):
        frames(a_picture(size=(64, 48)))


WHOLE = [
    a_picture(),
    a_picture(kind="JPEG"),
    a_picture(kind="WEBP"),
    an_animation(("red", "blue")),
    a_video(("red",)),
]


@effort(max_examples=60, deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1))
def test_damage_ends_in_a_picture_or_a_refusal(data, damage):
    broken = bytearray(data)
    for at, byte in damage:
        broken[at % len(broken)] = byte
    try:
        assert all(jpeg.startswith(b"\xff\xd8") for jpeg in frames(bytes(broken), 3))
    except NotAPicture:
        pass
