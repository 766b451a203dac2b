"""Does the JSON cursor read what is whole, and the good part of what is not, in little memory?"""

from __future__ import annotations

import io
import json
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.json import Decoder

from ingest import json_stream
from ingest.json_stream import BadValue, Broken, JsonStream

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Dripping(io.BytesIO):
    """A file that hands out a few bytes at a time, so that every value spans several reads."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 7, 7))


def items(file: Any, quick: bool = True) -> list[Any]:
    stream, found = JsonStream(file), []
    try:
        for _ in stream.items():
            try:
                found.append(stream.value())
            except BadValue as error:
                found.append(str(error))
            if quick:
                found.extend(stream.in_sight())
    except Broken as error:
        found.append(str(error))
    return found


@settings(deadline=None)
@given(st.lists(values), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.booleans())
def test_what_was_written_is_read(written: list[Any], encoding: str, quick: bool) -> None:
    data = json.dumps(written).encode(encoding)
    assert items(Dripping(data), quick) == items(io.BytesIO(data), quick) == written


@settings(deadline=None)
@given(
    st.lists(st.text() | st.fixed_dictionaries({"id": st.integers(0, 9), "text": st.text()})), st.booleans()
)
def test_letters_of_any_script_are_read_as_they_were_written(written: list[Any], quick: bool) -> None:
    as_it_is = json.dumps(written, ensure_ascii=False).encode(errors="replace")
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        data = as_it_is.decode().encode(encoding)
        assert items(io.BytesIO(data), quick) == items(Dripping(data), quick) == json.loads(as_it_is)


def test_half_a_letter_is_told_as_one_that_is_lost() -> None:
    torn = '[{"id": "é"}, {"id": "ж"}, {"id": "ж"}]'.encode().replace("ж".encode(), b"\xd0", 1)
    assert items(io.BytesIO(torn)) == [{"id": "é"}, {"id": "\ufffd"}, {"id": "ж"}]


def test_what_is_in_sight_ends_before_a_number_that_may_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", 8)
    assert items(io.BytesIO(b"[12, 34, 567, 89 ]")) == [12, 34, 567, 89]


@settings(deadline=None)
@given(st.binary())
def test_the_quick_way_reads_of_garbage_what_the_other_does(data: bytes) -> None:
    assert items(io.BytesIO(b"[1," + data)) == items(io.BytesIO(b"[1," + data), quick=False)


OBJECTS = st.lists(
    st.fixed_dictionaries({"id": st.integers(0, 99)}, optional={"text": values, "inner": st.lists(values)})
    | st.sampled_from([{"id": float("nan")}, {"id": "\ud800"}, {"id": [{"id": 1}]}, {"text": '}, {"id": 7'}]),
    max_size=12,
)


@settings(deadline=None)
@given(OBJECTS, st.sampled_from([None, 1]), st.integers(0, 60))
def test_many_objects_at_a_time_are_the_same_objects(
    written: list[dict[str, Any]], indent: int | None, cut: int
) -> None:
    data = json.dumps(written, indent=indent).encode()
    for torn in (data, data[: len(data) - cut], data + b"]}, {"):
        assert repr(items(io.BytesIO(torn))) == repr(items(io.BytesIO(torn), quick=False))


def test_objects_are_decoded_together_as_far_as_they_are_plain_json() -> None:
    odd = b'[{"id": 1}, {"id": 2}, {"id": NaN}, {"id": 4}, {"id": 5}]'
    stream = JsonStream(io.BytesIO(odd.replace(b"NaN", b"3")))
    steps = stream.items()
    next(steps)
    assert [stream.value(), *stream.in_sight(Decoder(list[dict[Literal["id"], int]]))] == [  # type: ignore[arg-type]
        {"id": number} for number in (1, 2, 3, 4, 5)
    ]
    assert str(items(io.BytesIO(odd))[2]) == "{'id': nan}"


@settings(deadline=None)
@given(values)
def test_skipping_leads_to_what_comes_next(value: Any) -> None:
    stream = JsonStream(Dripping(json.dumps([value, "next"]).encode()))
    steps = stream.items()
    next(steps)
    stream.skip()
    next(steps)
    assert stream.value() == "next"


@settings(deadline=None)
@given(st.binary())
def test_garbage_ends_in_a_named_error_or_a_value(data: bytes) -> None:
    for walk in (JsonStream.value, JsonStream.skip, lambda stream: list(stream.members())):
        try:
            walk(JsonStream(io.BytesIO(data)))
        except (Broken, BadValue):
            pass


def test_a_broken_element_costs_only_itself() -> None:
    assert items(io.BytesIO(b'[1, {"a": nope}, "b\\q", 2]')) == [1, "not valid JSON", "not valid JSON", 2]


def test_the_good_prefix_of_a_torn_file_is_read() -> None:
    assert items(io.BytesIO(b'[{"a": 1}, {"a": 2}, {"a": "thr')) == [
        {"a": 1},
        {"a": 2},
        "the file breaks off here",
    ]


def test_absurd_nesting_is_one_bad_value() -> None:
    deep = b'[1, {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}, 2]"
    assert items(io.BytesIO(deep)) == [1, "nested too deeply", 2]


def test_a_gigantic_value_is_passed_over_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAX_VALUE", 1 << 16)
    monkeypatch.setattr(json_stream, "CHUNK", 1 << 12)

    class Endless(io.RawIOBase):
        """64 MiB inside one string, made as it is read."""

        sent, largest = 0, 0

        def read(self, size: int = -1) -> bytes:
            self.largest = max(self.largest, size)
            if not self.sent:
                self.sent += 1
                return b'[1, {"text": "'
            if self.sent < 64 << 20:
                self.sent += size
                return b"x" * size
            self.sent, was = 1 << 40, self.sent
            return b"" if was == 1 << 40 else b'\\" still"}, 2]'

    file = Endless()
    assert items(file) == [1, "too large for one item", 2]
    assert file.largest < 1 << 18


def test_a_disk_that_fails_halfway_is_told_apart_from_a_torn_file() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 4:
                raise OSError("bad sector")
            return super().read(4)

    assert items(Failing(b"[1, 2, 3]")) == [1, "the file cannot be read any further (bad sector)"]
