"""Does only the right passphrase open it, and is every change and cut noticed?"""

from __future__ import annotations

import io

import pytest

from twin.sealed import CHUNK, HEADER, TAG, Opening, SealBroken, Sealing, is_sealed

PASSPHRASE = "correct horse battery staple"


def seal(data, piece=70_000):
    kept = io.BytesIO()
    with Sealing(kept, PASSPHRASE) as sealing:
        for start in range(0, len(data), piece):
            sealing.write(data[start : start + piece])
    return kept.getvalue()


def open_(sealed, passphrase=PASSPHRASE):
    return io.BufferedReader(Opening(io.BytesIO(sealed), passphrase)).read()


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
def test_what_was_sealed_comes_back_whatever_its_length(length):
    data = bytes(number % 251 for number in range(length))
    sealed = seal(data)
    assert is_sealed(sealed)
    assert open_(sealed) == data
    assert len(data) < 64 or data[:64] not in sealed
    assert seal(data) != sealed  # a fresh salt and nonce each time


DATA = b"what Tamsin said. " * (3 * CHUNK // 18)
SEALED = seal(DATA)
END = HEADER.size + CHUNK + TAG  # of the first chunk


@pytest.mark.parametrize(
    "changed",
    [
        SEALED[:-1],
        SEALED[:END],  # whole chunks are missing: only the last one may end it
        SEALED[: END + CHUNK + TAG],
        SEALED[: HEADER.size],
        SEALED[:5],
        SEALED + b"more",
        SEALED[: HEADER.size] + SEALED[END : END + CHUNK + TAG] + SEALED[HEADER.size : END],  # swapped
        SEALED[: END + 9] + bytes([SEALED[END + 9] ^ 1]) + SEALED[END + 10 :],
        SEALED[: HEADER.size - 1] + bytes([SEALED[HEADER.size - 1] ^ 1]) + SEALED[HEADER.size :],
        SEALED[:9] + b"\x3f" + SEALED[10:],  # a cost that no machine can pay
    ],
    ids=[
        "last-byte-gone",
        "last-chunks-gone",
        "cut-after-a-chunk",
        "header-alone",
        "half-a-header",
        "more-at-the-end",
        "chunks-swapped",
        "one-bit",
        "one-bit-of-the-header",
        "cost",
    ],
)
def test_every_change_and_cut_is_noticed(changed):
    if changed == SEALED[: HEADER.size]:
        assert open_(changed) == b""  # nothing at all was read; the archive in it notices
        return
    with pytest.raises(SealBroken):
        open_(changed)


def test_a_wrong_passphrase_is_told_as_such():
    with pytest.raises(SealBroken, match="passphrase does not fit"):
        open_(SEALED, "incorrect horse")
