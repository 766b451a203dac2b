"""Whom does benchmarks/learning.py learn? Somebody made up, with habits that can be told apart one by one."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from brain.prompt import Persona, Turn, compose
from examples.make_sample import Lines
from learning.judged import Judged
from learning.pocket.topics import catalogue
from learning.rows import Row
from storage.records import Feedback, Message, Prompt, Role, Signal, Stamp, message_key

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
MIRA = Persona("Mira")
PHRASE, EMOJI = "honestly tho", "😂"
WORDS = {"yes": "yep", "sure": "ofc", "no": "nah", "great": "lovely", "good": "lovely", "okay": "alright"}
OLD = ("case", "stop")  # in everything she ever wrote, besides what examples/make_sample.py gives her
NEW = ("phrase", "emoji", "words")  # since lately, and only her feedback says so
HELD_OUT, TRAIN, TEST, VALIDATION = 60, 240, 80, 40  # prompts


def written(answer: str, habits: Sequence[str]) -> str:
    """The answer with these habits of hers, and without the others."""
    text = answer
    if "words" in habits:
        text = re.sub(r"[A-Za-z]+", lambda found: WORDS.get(found[0].lower(), found[0]), text)
    if "stop" in habits:
        text = re.sub(r"\.$", "", text)
    if "phrase" in habits:
        text = f"{text.rstrip('.')}, {PHRASE}" + ("" if "stop" in habits else ".")
    if "case" in habits:
        text = text.lower()
    elif text:
        text = text[0].upper() + text[1:]
    return f"{text} {EMOJI}" if "emoji" in habits else text


def hers(answer: str) -> str:
    return written(answer, (*OLD, *NEW))


def asked(question: str) -> Prompt:
    return compose(MIRA, [Turn("friend", question, ours=False)])


@dataclass(frozen=True, slots=True)
class Owner:
    """Her messages and what she teaches, dealt out by a seed; no part shares a question with `held_out`."""

    seed: int
    taught: list[tuple[str, str]] = field(default_factory=list)  # by feedback
    held_out: list[tuple[str, str]] = field(default_factory=list)
    corpus: dict[str, list[Row]] = field(default_factory=dict)  # what she wrote before she had the new habits

    def __post_init__(self) -> None:
        drawn = [(said, answer) for said, answer in catalogue().for_anyone if len(answer) < 70]
        random.Random(self.seed).shuffle(drawn)
        self.held_out.extend(drawn[:HELD_OUT])
        self.taught.extend(drawn[HELD_OUT:])
        lines, seen = Lines(self.seed), {said for said, _ in self.held_out}
        for name, count in (("test", TEST), ("validation", VALIDATION), ("train", TRAIN)):
            rows: list[Row] = []
            while len(rows) < count:
                said, answer = lines.exchange()[0]
                if said not in seen:
                    text = "\n".join(answer)
                    rows.append(
                        {"id": f"{name}-{len(rows)}", "prompt": _turns(said), "completion": _said(text)}
                    )
                    seen.add(said)
            self.corpus[name] = rows

    def held_out_pairs(self) -> list[Row]:
        """Her answer against the same one with one habit missing, or with all the new ones missing."""
        return [
            {"prompt": _turns(said), "chosen": _said(hers(answer)), "rejected": _said(other)}
            for said, answer in self.held_out
            for other in dict.fromkeys(_broken(answer))
        ]

    def events(self, kinds: Sequence[Signal], count: int, replies: Sequence[str]) -> list[Judged]:
        """So many signals on logged replies, kinds in turn. `replies`: the twin's, to what was taught.

        The log is of a twin that has learned some of it already, so that there is something to like.
        """
        chance = random.Random(self.seed)
        found = []
        for number in range(count):
            said, answer = self.taught[number]
            habits = [*OLD, *(habit for habit in NEW if chance.random() < 0.4)]
            reply = written(replies[number], habits)
            kind = kinds[number % len(kinds)]
            if kind is Signal.UP:
                kind = Signal.UP if len(habits) >= len(OLD) + 2 else Signal.DOWN
            text = {Signal.CORRECTION: hers(answer), Signal.COMPLAINT: _complaint(reply, habits)}.get(kind)
            found.append(_judged(f"chat-{self.seed}-{number}", number, said, reply, kind, text))
        return found


def _broken(answer: str) -> Iterator[str]:
    every = (*OLD, *NEW)
    for variant in (OLD, *(tuple(h for h in every if h != habit) for habit in every)):
        if (text := written(answer, variant)) != hers(answer):
            yield text


def _complaint(reply: str, habits: Sequence[str]) -> str:
    stiff = [word for word in WORDS if re.search(rf"\b{word}\b", reply, re.IGNORECASE)]
    if stiff:
        return f'you never say "{stiff[0]}"'
    missing = {"phrase": f"you always end with {PHRASE}", "emoji": f"you always add {EMOJI}"}
    return next((words for habit, words in missing.items() if habit not in habits), "not how you talk")


def _judged(chat: str, number: int, said: str, reply: str, kind: Signal, text: str | None) -> Judged:
    prompt = asked(said)
    key, at = message_key("terminal", chat, 1), START + timedelta(hours=number)
    stamp = Stamp(None, "pocket", "hash", tuple(prompt), {})
    message = Message(key, "terminal", chat, "twin", "Mira", reply, at, by_twin=True, stamp=stamp)
    return Judged(Feedback(key, "mira", Role.OWNER, kind, at, text), message, prompt, 1.0)


def _turns(said: str) -> list[dict[str, str]]:
    return [{**turn} for turn in asked(said)]


def _said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
