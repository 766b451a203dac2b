"""How is an XML file of any size read without expanding or fetching anything it declares?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

CHUNK = 1 << 16
MAX_DEPTH = 200
MAX_MARK = 4 << 20  # bytes of one tag or comment: the parser begins again at its start with every chunk

# ("start", tag, attributes), ("text", text, {}), ("end", tag, {}); names come without their namespace.
Step = tuple[str, str, dict[str, str]]


class BrokenXml(ValueError):
    """Nothing after this point can be read: the file breaks off, is not XML, or means harm."""


def steps(file: BinaryIO) -> Iterator[Step]:
    """Step by step. Raises BrokenXml where it breaks; OSError where the disk does."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    found: list[Step] = []
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise BrokenXml("nested too deeply")
        found.append(("start", _local(tag), {_local(key): value for key, value in attributes.items()}))

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        found.append(("end", _local(tag), {}))

    def declares(*_: object) -> None:
        raise BrokenXml("it declares entities, which no export does")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda text: found.append(("text", text, {}))
    parser.EntityDeclHandler = declares
    waiting = 0
    while True:
        data = file.read(CHUNK)
        problem: BrokenXml | None = None
        try:
            parser.Parse(data, not data)
        except expat.ExpatError as error:
            torn = "no element found" in str(error) or "unclosed" in str(error)
            problem = BrokenXml("the file breaks off here" if torn else f"this is not XML ({error})")
        except (BrokenXml, ValueError, LookupError) as error:  # an encoding nobody knows is a LookupError
            problem = error if isinstance(error, BrokenXml) else BrokenXml(f"this is not XML ({error})")
        waiting = 0 if found else waiting + len(data)
        yield from found
        found.clear()
        if waiting > MAX_MARK:
            problem = BrokenXml("one tag without end")
        if problem:
            raise problem
        if not data:
            return


def _local(tag: str) -> str:
    return tag.rpartition(" ")[2]
