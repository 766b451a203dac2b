"""How does a file of any length become one that only a passphrase opens, and that nobody can change?

Chunks of a mebibyte, each sealed with ChaCha20-Poly1305 under a key that scrypt makes of the passphrase. The
nonce counts the chunks and says which is the last (the STREAM construction of Hoang, Reyhanitabar, Rogaway
and Vizár, 2015): chunks can be neither swapped nor left out, and a file that was cut short is noticed.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import struct
from typing import Any, BinaryIO

MAGIC = b"TWINSEAL1"
CHUNK = 1 << 20
TAG = 16
COST, MOST_COST = 15, 20  # scrypt's N as a power of two: 32 MiB and 0.1 s; more than 1 GiB is no file of ours
HEADER = struct.Struct(f">{len(MAGIC)}sB16s7s16s")  # magic, cost, salt, start of every nonce, check


class SealBroken(Exception):
    """It cannot be opened: in one sentence, why."""


class Sealing(io.RawIOBase):
    """Write to it; what arrives in `file` is sealed. It is whole only once this is closed."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        salt, self._start = os.urandom(16), os.urandom(7)
        self._cipher, check = _cipher(passphrase, salt, COST)
        self._header = HEADER.pack(MAGIC, COST, salt, self._start, check)
        self._file, self._waiting, self._number = file, bytearray(), 0
        file.write(self._header)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        while len(self._waiting) > CHUNK:  # not the last one: at least a byte comes after it
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._seal(bytes(self._waiting), last=True)
        super().close()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._start, self._number, last), chunk, self._header))
        self._number += 1


class Opening(io.RawIOBase):
    """Read from it what was sealed. Raises SealBroken, also at the end of a file that was cut short."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        self._header = file.read(HEADER.size)
        if len(self._header) < HEADER.size:
            raise SealBroken("it is cut short")
        _, cost, salt, self._start, said = HEADER.unpack(self._header)
        if not 1 <= cost <= MOST_COST:
            raise SealBroken("its beginning was changed")
        self._cipher, check = _cipher(passphrase, salt, cost)
        if not hmac.compare_digest(said, check):
            raise SealBroken("the passphrase does not fit, or its beginning was changed")
        self._file, self._ready, self._number = file, memoryview(b""), 0
        self._next = file.read(CHUNK + TAG)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and self._next:
            self._open()
        taken = min(len(buffer), len(self._ready))
        buffer[:taken] = self._ready[:taken]
        self._ready = self._ready[taken:]
        return taken

    def _open(self) -> None:
        from cryptography.exceptions import InvalidTag

        chunk, self._next = self._next, self._file.read(CHUNK + TAG)
        nonce = _nonce(self._start, self._number, not self._next)
        try:
            self._ready = memoryview(self._cipher.decrypt(nonce, chunk, self._header))
        except InvalidTag as wrong:
            raise SealBroken("it is cut short, or was changed") from wrong
        self._number += 1


def is_sealed(start: bytes) -> bool:
    return start.startswith(MAGIC)


def _nonce(start: bytes, number: int, last: bool) -> bytes:
    return start + struct.pack(">IB", number, last)


def _cipher(passphrase: str, salt: bytes, cost: int) -> tuple[Any, bytes]:
    """What seals and opens, and bytes that tell the right passphrase without telling the key."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    except ImportError as missing:
        raise SealBroken("an encrypted backup needs a library: pip install 'twin[vault]'") from missing
    n, r = 2**cost, 8
    key = hashlib.scrypt(passphrase.encode(), salt=salt, n=n, r=r, p=1, maxmem=256 * n * r, dklen=48)
    return ChaCha20Poly1305(key[:32]), key[32:]
