"""What can be wrong with an export? Everything at once, sooner or later: one random damage after another."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence

MAX_INPUT = 60_000  # bytes of one file; a hang is judged below 64 kB
_SCALAR = re.compile(rb'"[^"\\]{0,80}"|-?\d[\d.:T-]*|true|false|null')
_ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-7", "utf-8-sig", "cp1252", "latin-1", "shift_jis")
_NESTED = (
    *(b"[", b'{"a":', b"<div>", b"> ", b"- ", b"(", b"[[", b"<!--", b"<![CDATA[", b'"', b"\\", b"```\n"),
    *(b"=?utf-8?q?", b"%%", b"![", b"[a](", b"**a", b"_a", b"`", b"---\n"),
)
_HUGE = (
    *(b"9", b"a", b" ", b"\n", b"a.", b"a@", b"1.", b"&#", b"\xff", b"A1-", b"1 ", b"\r\n", b"'", b"|"),
    *(b",", b"# "),
)
_TOKENS = (
    *(b"null", b"true", b"-1", b"0", b"1e999", b"NaN", b"18446744073709551616", b"[]", b"{}", b'""', b"1.5"),
    *(b'"9999-12-31T23:59:59"', b'"0000-00-00"', b'"0001-01-01T00:00:00+14:00"', b"2024-02-30", b"2024-W53"),
    *(b"99999999999999", b"-62135596801", b"+99:99", b"24:00:00", b"12:00\xe2\x80\xafPM"),
    *(
        b'"\\ud800"',
        b'"\\u0000"',
        b"\x00",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x92",
        b"\xe2\x80\xae",
        b"\xef\xbb\xbf",
    ),
    *(b"\xee\x80\x80person:", b"\xee\x80\x81", b"&#" + b"9" * 5000 + b";", b"]]>", b"%s%n", b"../../x"),
    *(
        b"31/12/9999, 25:61 - ",
        b"From ",
        b"\nFrom: ",
        b"\nContent-Type: multipart/mixed; boundary=",
        b"---\n",
    ),
    *(b"<@U502>", b"<w:t>", b"</p>", b'"id":', b'"text":', b"\\x1f", b"C:\\x"),
)

Files = Mapping[str, bytes]
Damage = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def damaged(dice: random.Random, files: Files, everybodys: Sequence[bytes]) -> tuple[str, Files]:
    """Which file was chosen, and the files after it; seldom the whole as a zip, and that damaged."""
    name = dice.choice(list(files))
    data = files[name]
    if data.startswith(b"PK") and dice.random() < 0.7:
        data = _inside(dice, data, everybodys)
    elif dice.random() < 0.01:
        return "export.zip", {"export.zip": _one(dice, _zipped(files), everybodys)}
    else:
        for _ in range(1 if dice.random() < 0.6 else dice.randrange(2, 6)):
            data = _one(dice, data, everybodys)
    return name, {**files, name: data[:MAX_INPUT]}


def _one(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    return dice.choices(_WAYS, _WEIGHTS)[0](dice, data, everybodys)


def _spot(dice: random.Random, data: bytes) -> int:
    return dice.randrange(len(data) + 1)


def _flip(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randrange(1, 5) if data else 0):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _byte(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    at = _spot(dice, data)
    return (
        data[:at]
        + bytes([dice.choice((0, 10, 13, 34, 44, 60, 91, 92, 123, 255, dice.randrange(256)))])
        + data[at + 1 :]
    )


def _cut(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    return data[: _spot(dice, data)]


def _hole(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    at = _spot(dice, data)
    return data[:at] + data[at + dice.randrange(1, 40) :]


def _splice(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    other = dice.choice(everybodys)
    begin, at = _spot(dice, other), _spot(dice, data)
    return data[:at] + other[begin : begin + dice.randrange(1, 400)] + data[at + dice.randrange(0, 40) :]


def _repeat(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    at = _spot(dice, data)
    piece = data[at : at + dice.randrange(1, 200)]
    return data[:at] + piece * dice.randrange(2, 20) + data[at:]


def _nest(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    return _put(dice, data, dice.choice(_NESTED) * dice.choice((3, 50, 1000, 5000)))


def _huge(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    return _put(dice, data, dice.choice(_HUGE) * dice.choice((50, 1000, 20000)))


def _token(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    return _put(dice, data, dice.choice(_TOKENS))


def _put(dice: random.Random, data: bytes, piece: bytes) -> bytes:
    at = _spot(dice, data)
    return data[:at] + piece + data[at:]


def _value(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    """One value of the file becomes another, of whatever kind."""
    found = list(_SCALAR.finditer(data))
    if not found:
        return _token(dice, data, everybodys)
    one = dice.choice(found)
    return data[: one.start()] + dice.choice((*_TOKENS, dice.choice(found)[0])) + data[one.end() :]


def _encoded(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    try:
        return data.decode("utf-8", errors="replace").encode(dice.choice(_ENCODINGS), errors="replace")
    except LookupError:
        return data


def _inside(dice: random.Random, data: bytes, everybodys: Sequence[bytes]) -> bytes:
    """A document that is a zip: one of its own files is damaged."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = dice.choice(list(files))
    return _zipped({**files, name: _one(dice, files[name], everybodys)})


def _zipped(files: Files) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


_WAYS: tuple[Damage, ...] = (
    _flip,
    _byte,
    _cut,
    _hole,
    _splice,
    _repeat,
    _nest,
    _huge,
    _token,
    _value,
    _encoded,
)
_WEIGHTS = (20, 10, 10, 8, 12, 3, 1, 1, 12, 25, 2)
