"""Feedback as files that trainers read, and back again: TRL's rows, or whole signals."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi.responses import Response

from api.problems import Refused
from api.shapes.inbox import ExportKind, FileKind, ImportReport
from api.world import World
from storage.records import Feedback, Message, Role, Signal, Stamp, message_key, now, stable_id

IMPORT = "import"  # the platform and chat of answers that came with a file
MOST_PROBLEMS = 50


async def as_file(rows: Sequence[Mapping[str, Any]], kind: ExportKind, file: FileKind) -> Response:
    name = f'attachment; filename="{kind}.{file}"'
    if file is FileKind.JSONL:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return Response(text, media_type="application/x-ndjson", headers={"content-disposition": name})
    data = await asyncio.to_thread(_parquet, rows)
    headers = {"content-disposition": name}
    return Response(data, media_type="application/vnd.apache.parquet", headers=headers)


def _parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise Refused(
            "Parquet needs the package pyarrow", "pip install pyarrow, or take file=jsonl", status=501
        ) from None
    out = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), out)
    return out.getvalue()


async def read_lines(body: bytes, world: World, given_by: str) -> ImportReport:
    """Every line by itself; what was there already is counted as known."""
    report = ImportReport(seen=0, added=0, known=0, failed=0)
    for number, line in enumerate(body.splitlines(), start=1):
        if not line.strip():
            continue
        report.seen += 1
        try:
            added = await _enter(json.loads(line), world, given_by)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
            report.failed += 1
            if len(report.problems) < MOST_PROBLEMS:
                report.problems.append(f"line {number}: {_in_words(problem)}")
            continue
        report.added += added
        report.known += not added
    return report


def _in_words(problem: Exception) -> str:
    match problem:
        case KeyError():
            return f"the field {problem} is missing"
        case json.JSONDecodeError():
            return f"this is no JSON: {problem.msg}"
    return str(problem) or "it has another shape"


async def _enter(row: Any, world: World, given_by: str) -> bool:
    if not isinstance(row, dict):
        raise ValueError("it is no object")
    if "reply_key" in row:
        return await _signal(row, world)
    if "chosen" in row:
        prompt, better, worse = row["prompt"], _words(row["chosen"]), _words(row["rejected"])
        if better == worse:
            raise ValueError("chosen and rejected are the same")
        return await _judged(world, given_by, _turns(prompt), worse, Signal.CORRECTION, better)
    kind = Signal.UP if bool(row["label"]) else Signal.DOWN
    return await _judged(world, given_by, _turns(row["prompt"]), _words(row["completion"]), kind, None)


async def _signal(row: dict[str, Any], world: World) -> bool:
    key = str(row["reply_key"])
    reply = await world.messages.get(key)
    if reply is None or not reply.by_twin:
        raise ValueError(f"there is no reply {key!r}")
    given_at, withdrawn_at = _moment(row["given_at"]), row.get("withdrawn_at")
    text = None if row.get("text") is None else str(row["text"])
    kind, role = Signal(row["kind"]), Role(row["role"])
    signal = Feedback(key, str(row["given_by"]), role, kind, given_at, text)
    if not await world.feedback.record(signal):
        return False
    if withdrawn_at is not None:
        await world.feedback.withdraw(key, signal.given_by, kind, _moment(withdrawn_at))
    return True


async def _judged(
    world: World, given_by: str, prompt: list[dict[str, str]], said: str, kind: Signal, text: str | None
) -> bool:
    """The answer is kept as one of the twin's, with its prompt, so that it can be learned from."""
    id = stable_id(IMPORT, json.dumps(prompt), said)
    question = _message(f"{id}-q", prompt[-1]["content"], None)
    stamp = Stamp(None, world.base_model, id, tuple(prompt), {})
    reply = _message(id, said, stamp)
    await world.messages.add(question, unsent=True)
    await world.messages.add(reply, unsent=True)
    known = await world.feedback.about(reply.key)
    if any((one.kind, one.text) == (kind, text) and one.withdrawn_at is None for one in known):
        return False
    return await world.feedback.record(Feedback(reply.key, given_by, Role.OWNER, kind, now(), text))


def _message(id: str, text: str, stamp: Stamp | None) -> Message:
    by_twin = stamp is not None
    return Message(
        key=message_key(IMPORT, IMPORT, id),
        platform=IMPORT,
        chat_id=IMPORT,
        author_id="twin" if by_twin else IMPORT,
        author_name="twin" if by_twin else IMPORT,
        text=text,
        sent_at=now(),
        by_twin=by_twin,
        by_owner=not by_twin,
        reply_to=message_key(IMPORT, IMPORT, f"{id}-q") if by_twin else None,
        stamp=stamp,
        private=True,
    )


def _turns(prompt: Any) -> list[dict[str, str]]:
    """Conversational rows have turns, standard ones a string."""
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    turns = [{"role": str(turn["role"]), "content": str(turn["content"])} for turn in prompt]
    if not turns:
        raise ValueError("the prompt is empty")
    return turns


def _words(completion: Any) -> str:
    text = completion if isinstance(completion, str) else str(completion[-1]["content"])
    if not text.strip():
        raise ValueError("there are no words in it")
    return text


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment
