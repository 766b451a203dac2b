"""What does a thread teach? What the owner said, each time with what was to be seen before it.

Four kinds of rows: an `answer` to somebody, an `initiative` (the owner speaks first, or goes on unasked), a
`style` sample (their words where we know nobody else's), and a `silence` (they were spoken to and said
nothing; for knowing when to speak, never for what to say). Only the owner's words are ever a completion.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from brain.prompt import Persona, Situation, Turn, compose, heard
from learning.formality import formality
from learning.names import PERSON, PLACEHOLDER, Names
from learning.patterns import pattern_of
from learning.sessions import Burst, Thread
from learning.settings import CorpusSettings
from storage.records import Kind, Record, stable_id

SPOKEN = {Kind.MESSAGE, Kind.COMMENT}  # kinds in which people answer one another
CODE = "git"  # a source whose comments stand in code: for machines and colleagues, in no chat's voice
WRITTEN = SPOKEN | {Kind.NOTE, Kind.JOURNAL, Kind.POST}  # kinds that show how the owner writes
TOPICS = ("technical", "personal", "creative")
MENTIONED = timedelta(days=1)  # naming somebody answers what they said; later it is only about them
BANDS = (("short", 24), ("medium", 120), ("long", 10**9))  # characters of a completion
GOES_ON = "(you go on)"

Row = dict[str, Any]
Local = Callable[[datetime], datetime]
"""The same moment in the time of where the owner lived then."""


@dataclass(frozen=True, slots=True)
class SampleMaker:
    """Makes the rows of one thread after the other; `left_out` counts what could not become one, and why."""

    persona: Persona
    names: Names
    settings: CorpusSettings
    until: dict[str, datetime]  # by source, when its last record was said: nothing is known of later
    local: Local | None = None  # None: prompts do not say when and where
    left_out: Counter[str] = field(default_factory=Counter)

    def answers(self, thread: Thread, session: range) -> Iterator[Row]:
        """A row for each thing the owner said in one conversation."""
        for number in session:
            burst = thread.bursts[number]
            if burst.by_owner and self.speaks(burst) and (row := self._row(thread, session, number)):
                yield row

    def speaks(self, burst: Burst) -> bool:
        """Whether that is something people answer one another with, and no note, view or comment in code."""
        first = burst.records[0]
        return first.kind in SPOKEN and first.source != CODE

    def silence(self, thread: Thread, session: range) -> Row | None:
        """The owner was spoken to at the end of this conversation and did not answer in time."""
        unheard: list[int] = []
        for number in reversed(session):
            if thread.bursts[number].by_owner:
                break
            unheard.insert(0, number)
        how = next((how for number in unheard if (how := self._addressed(thread, number))), None)
        if not how or not self.speaks(thread.bursts[unheard[-1]]):
            return None
        end = thread.bursts[unheard[-1]].records[-1].said_at
        later = (thread.bursts[number] for number in range(session.stop, len(thread.bursts)))
        spoke = next((burst.records[0].said_at for burst in later if burst.by_owner), None)
        if (spoke or self.until[thread.source]) - end < timedelta(hours=self.settings.silence_hours):
            return None
        turns = self._window(thread, range(session.start, session.stop))
        last = thread.bursts[unheard[-1]].records
        if not (prompt := self._prompt(thread, turns, last[-1].said_at)):
            return None
        return {
            "id": stable_id("silence", *(record.id for record in last)),
            "kind": "silence",
            **self._where(last),
            "addressed": how,
            "hours_until_owner_spoke": round((spoke - end).total_seconds() / 3600, 1) if spoke else None,
            "record_ids": [],
            "context_ids": [id for number in turns for id in thread.bursts[number].ids],
            "prompt": [dict(turn) for turn in prompt],
        }

    def styles(self, burst: Burst) -> Iterator[Row]:
        """Their words where we know nobody else's. The prompt says where, and invents nothing."""
        for record in burst.records:
            if record.kind not in WRITTEN:
                self.left_out[f"a {record.kind} shows no style"] += 1
                continue
            where = "in code" if record.source == CODE else f"on {record.source}"
            prompt = self._alone(f"(a {record.kind} {where})")
            for number, paragraph in enumerate(_paragraphs(record, self.settings)):
                if row := self._sample("style", [record], paragraph, prompt, []):
                    yield row | {"id": stable_id(row["id"], str(number))}

    def _row(self, thread: Thread, session: range, number: int) -> Row | None:
        burst = thread.bursts[number]
        before = range(session.start, number)
        target = self._target(thread, number)
        if not before and (target is None or thread.bursts[target].by_owner):
            target = self._open_question(thread, number)
        window = self._window(thread, before, target)
        asked = target if target is not None and not thread.bursts[target].by_owner else None
        unasked = asked is None and (not before or thread.bursts[before[-1]].by_owner)
        if asked is not None:
            last_is_ours = thread.bursts[window[-1]].by_owner
            if not thread.private or last_is_ours or asked not in before:
                window = [*(n for n in window if n != asked), asked]  # who is answered has the last word
        prompt = self._prompt(thread, window, burst.records[0].said_at) if window else []
        if unasked and before:
            prompt = prompt or self._alone(f"(you write first, on {thread.source})")
            said = "\n".join(self._text(thread.bursts[n]) for n in _own_tail(thread, window))
            prompt = [*prompt, {"role": "assistant", "content": said}, {"role": "user", "content": GOES_ON}]
        elif unasked:
            prompt = self._alone(f"(you write first, on {thread.source})")
        if not prompt:
            self.left_out["nothing was said before it"] += 1
            return None
        context = [id for n in window for id in thread.bursts[n].ids]
        kind = "initiative" if unasked else "answer"
        return self._sample(kind, burst.records, burst.text, prompt, context)

    def _target(self, thread: Thread, number: int) -> int | None:
        """The burst this one answers, by a reply or by naming its author at the beginning."""
        burst = thread.bursts[number]
        for record in burst.records:
            found = thread.place.get(record.reply_to or "", number)
            if found < number:
                return found
        named = PERSON.match(burst.text.lstrip("@ "))
        if thread.private or not named:
            return None
        for earlier in range(number - 1, -1, -1):
            said = thread.bursts[earlier]
            if burst.records[0].said_at - said.records[-1].said_at > MENTIONED:
                return None
            if said.author_id == named[0]:
                return earlier
        return None

    def _open_question(self, thread: Thread, number: int) -> int | None:
        """In a private chat, a question that waited for hours is what the owner answers."""
        if not thread.private or number == 0 or thread.bursts[number - 1].by_owner:
            return None
        asked, burst = thread.bursts[number - 1], thread.bursts[number]
        waited = burst.records[0].said_at - asked.records[-1].said_at
        in_time = waited < timedelta(hours=self.settings.silence_hours)
        return number - 1 if in_time and "?" in asked.text else None

    def _addressed(self, thread: Thread, number: int) -> str | None:
        burst = thread.bursts[number]
        replied = (thread.place.get(record.reply_to or "") for record in burst.records)
        if any(place is not None and thread.bursts[place].by_owner for place in replied):
            return "reply"
        if re.search(rf"(?<!\w){re.escape(self.persona.name)}(?!\w)", burst.text, re.IGNORECASE):
            return "name"
        return "private" if thread.private else None

    def _window(self, thread: Thread, before: Sequence[int], target: int | None = None) -> list[int]:
        """The latest bursts that fit, oldest first, and what is answered in any case."""
        picked = [] if target is None else [target]
        room = self.settings.max_characters - sum(len(self._text(thread.bursts[n])) for n in picked)
        for number in reversed(before[-self.settings.max_turns :]):
            if number == target:
                continue
            length = len(self._text(thread.bursts[number]))
            if picked and length > room:
                break
            room -= length
            picked.append(number)
        return sorted(picked)

    def _prompt(self, thread: Thread, numbers: Sequence[int], at: datetime) -> list[Any]:
        """What serving would have shown at that moment."""
        there = Situation(self.local(at), thread.private, thread.source) if self.local else None
        return compose(self.persona, self._turns(thread, numbers), situation=there)

    def _turns(self, thread: Thread, numbers: Iterable[int]) -> list[Turn]:
        bursts = (thread.bursts[number] for number in numbers)
        return [Turn(self.names.of(b.author_id), self._text(b), ours=b.by_owner) for b in bursts]

    def _text(self, burst: Burst) -> str:
        return self.names.spelled_out(burst.text)[-self.settings.max_characters :]

    def _alone(self, request: str) -> list[Any]:
        return compose(self.persona, [Turn("", request, ours=False)])

    def _sample(
        self, kind: str, records: Sequence[Record], text: str, prompt: Sequence[Any], context: list[str]
    ) -> Row | None:
        reply = self.names.spelled_out(text).strip()
        if PLACEHOLDER.search(reply):  # a number, an address: nothing to imitate in it
            self.left_out["placeholder in the reply"] += 1
            return None
        if len(reply) > self.settings.max_reply_characters:
            self.left_out["reply too long"] += 1
            return None
        return {
            "id": stable_id("row", *(record.id for record in records)),
            "kind": kind,
            "context": "thread" if context else "none",
            **self._where(records),
            **_about(records),
            "length": next(name for name, most in BANDS if len(reply) <= most),
            "formality": formality(reply),
            "pattern": pattern_of(heard(prompt) if kind == "answer" else "", reply),
            "record_ids": [record.id for record in records],
            "context_ids": context,
            "prompt": [dict(turn) for turn in prompt],
            "completion": [{"role": "assistant", "content": reply}],
        }

    def _where(self, records: Sequence[Record]) -> Row:
        first = records[0]
        return {
            "thread": first.thread_id,
            "source": first.source,
            "said_at": first.said_at.isoformat(),
            "ended_at": records[-1].said_at.isoformat(),
        }


def _own_tail(thread: Thread, window: Sequence[int]) -> list[int]:
    """The owner's own bursts at the end, after which nobody else spoke."""
    tail: list[int] = []
    for number in reversed(window):
        if not thread.bursts[number].by_owner:
            break
        tail.insert(0, number)
    return tail


def _about(records: Sequence[Record]) -> Row:
    """Language, labels, and of each topic the share of the words that it was said of."""
    weights = [max(1, len(record.text)) for record in records]
    total = sum(weights)
    languages: Counter[str] = Counter()
    scores = dict.fromkeys(TOPICS, 0.0)
    for record, weight in zip(records, weights, strict=True):
        languages[record.lang or "und"] += weight
        topics = [tag for tag in record.tags if tag in scores]
        for topic in topics:
            scores[topic] += weight / len(topics) / total
    return {
        "lang": min(languages, key=lambda lang: (lang == "und", -languages[lang], lang)),
        "tags": sorted({tag for record in records for tag in record.tags}),
        "scores": {topic: round(score, 3) for topic, score in scores.items()},
    }


def _paragraphs(record: Record, settings: CorpusSettings) -> list[str]:
    if len(record.text) <= settings.max_reply_characters:
        return [record.text]
    return [part.strip() for part in record.text.split("\n\n") if part.strip()]
