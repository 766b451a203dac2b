"""What does the dashboard show in tests and pictures? Six weeks of an invented person's twin.

Mira is invented, and so is everybody who writes to her. What took weeks is put into the stores as it
would be; the service that reads it, its model and what happens from here on are real.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from tiny_gemma import with_adapter

from bot.drafts import PROPOSED
from learning.base_model import load_tokenizer
from learning.recipes import SftRecipe
from learning.save_adapter import save_adapter
from storage.adapters import AdapterStore
from storage.chats import ChatStore, PersonStore
from storage.cursors import CursorStore
from storage.database import Database
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.records import (
    Adapter,
    AdapterState,
    Chat,
    Consent,
    Cursor,
    Feedback,
    Kind,
    Limits,
    Message,
    Record,
    Role,
    RunState,
    Signal,
    Spent,
    Stamp,
    message_key,
    now,
    stable_id,
)
from storage.records_store import RecordStore
from storage.runs import RunStore
from storage.tables import PromotionRow, RunRow
from storage.usage import UsageStore

OWNER = "71100423"
PEOPLE = {"8101": "Ana", "8102": "Jonas", "8103": "Petra", "8104": "Tim", "8105": "Luka"}
EXCHANGES = (
    ("can we meet tomorrow at 7?", "sure, 7 works for me", "sure, 7 works for me buddy"),
    ("are you climbing this weekend?", "yes if it stays dry, you?", "yes if it stays dry buddy"),
    ("i lost my keys again", "check the jacket from yesterday", "the jacket from yesterday, always buddy"),
    ("how was your day?", "long, but i finished the drawing", "long, but the drawing is done buddy"),
    ("what should i cook tonight?", "soup, it is cold outside", "soup, it is cold outside buddy"),
    ("i can't sleep", "me neither, want to talk?", "me neither, call me buddy"),
    ("did you see the new exhibition?", "not yet, sunday?", "not yet, sunday buddy"),
    ("Pixel knocked over a plant?", "two plants, and no regrets", "two plants, no regrets buddy"),
)
PATTERNS = ("greeting", "planning", "comforting", "small talk", "technical help", "other")
WEEKS = 6
CORPUS = "20261026-mira"


@dataclass(frozen=True, slots=True)
class Period:
    """How long which adapter answered, and how well it was liked."""

    version: str | None
    days: int
    liked: float


PERIODS = (Period(None, 8, 0.42), Period("sft-1", 14, 0.61), Period("dpo-2", 20, 0.76))


async def fill(home: Path, database: Database, base: Path) -> None:
    """A database that is empty, and a home without folders. `base`: the pocket model's folder."""
    chance = random.Random(8)
    _weights(home / "adapters", base)
    await _adapters(home, base.name, AdapterStore(database))
    await _talk(database, chance)
    await _runs(home, RunStore(database))
    await _footprint(database, chance)
    await _people(database)
    await _as_long_ago(database)
    _snapshot(home / "corpora" / CORPUS)
    _names(home / "review.json")


def _weights(folder: Path, base: Path) -> None:
    """Whole adapters, which hardly change what the base says; they may be promoted."""
    parent, recipe = None, SftRecipe(lora_rank=8)
    rows = [
        {"prompt": [{"role": "user", "content": said}], "completion": [{"role": "assistant", "content": own}]}
        for said, own, _ in EXCHANGES[:3]
    ]
    for seed, version in enumerate(("sft-1", "dpo-2", "dpo-4")):
        save_adapter(
            with_adapter(base, seed=seed, strength=0.05),
            load_tokenizer(base),
            folder / version,
            method="sft",
            recipe=recipe,
            base=base,
            parent=parent,
            data_dir=folder.parent / "corpora" / CORPUS,
            samples=[],
            probe_rows=rows,
            report={},
        )
        parent = folder / version


async def _adapters(home: Path, base: str, adapters: AdapterStore) -> None:
    began = now() - timedelta(days=WEEKS * 7)
    for version, parent, method, day, state, preferred, reasons in (
        ("sft-1", None, "sft", 8, AdapterState.PASSED, 0.52, ()),
        (
            "kto-2",
            "sft-1",
            "kto",
            15,
            AdapterState.REFUSED,
            0.55,
            ("Replies became 41 % longer; the limit is 25 %.",),
        ),
        ("dpo-2", "sft-1", "dpo", 21, AdapterState.PASSED, 0.78, ()),
        (
            "dpo-3",
            "dpo-2",
            "dpo",
            30,
            AdapterState.REFUSED,
            0.74,
            ("The owner's own words cost 12 % more; the limit is 8 %.",),
        ),
        ("dpo-4", "dpo-2", "dpo", 39, AdapterState.PASSED, 0.84, ()),
        ("rlhf-5", "sft-1", "rlhf", 41, AdapterState.CANDIDATE, 0.7, ()),
    ):
        await adapters.add(
            Adapter(
                version,
                base,
                method,
                str(home / "adapters" / version),
                stable_id(version),
                began + timedelta(days=day),
                parent=parent,
                recipe={"lora_rank": 16, "learning_rate": 2e-4, "epochs": 3, "beta": 0.1},
                corpus=CORPUS,
                lineage=tuple(stable_id(version, str(row)) for row in range(180)),
                report=_report(preferred, reasons, parent) if state is not AdapterState.CANDIDATE else {},
                state=state,
                reasons=reasons,
            )
        )
    await adapters.go_live("sft-1", "it passed the gate")
    await adapters.go_live("dpo-2", "people liked it more on trial")
    await adapters.start_canary("dpo-4", 0.2)


def _report(preferred: float, reasons: Sequence[str], beside: str | None) -> dict[str, Any]:
    def model(rate: float, nll: float) -> dict[str, Any]:
        return {
            "nll": {"mean": nll, "low": nll - 0.12, "high": nll + 0.12, "rows": 96},
            "preference": {"accuracy": rate, "low": rate - 0.1, "high": min(1, rate + 0.09), "pairs": 64},
            "thumbs": {"auc": 0.5 + rate / 3, "low": 0.5, "high": 0.8, "rows": 40},
            "style": {"characters": 31 + 10 * rate, "lower_case": 0.92, "emoji": 0.04},
            "variety": {"distinct": 0.71, "distinct_low": 0.66, "distinct_high": 0.75, "characters": 31},
            "capability": {"share": 0.6, "low": 0.48, "high": 0.71, "rows": 60},
            "safety": {"share": 1.0, "low": 0.8, "high": 1.0, "rows": 12},
        }

    gap = preferred - 0.52
    candidate = model(preferred, 2.9 - gap / 2)
    candidate["against_live"] = {
        "nll": {"difference": 0.02, "low": -0.01, "high": 0.05, "rows": 96},
        "preference": {"difference": gap, "low": gap - 0.08, "high": gap + 0.08, "rows": 64},
        "thumbs": {"difference": 0.05, "low": -0.03, "high": 0.13, "rows": 40},
        "loops": {"difference": 0.0, "low": -0.02, "high": 0.02, "rows": 64},
    }
    return {
        "corpus": CORPUS,
        "against": "live",
        "owner": {"characters": 34, "lower_case": 0.94, "emoji": 0.05},
        "models": {
            "base": model(0.31, 4.6),
            "live": {"adapter": beside, **model(0.52, 2.9)},
            "candidate": candidate,
        },
        "verdict": {"passed": not reasons, "reasons": list(reasons), "axes": _axes(gap, reasons)},
    }


def _axes(gap: float, reasons: Sequence[str]) -> list[dict[str, Any]]:
    cost = next((0.12 for why in reasons if "cost" in why), 0.02)
    longer = next((0.41 for why in reasons if "longer" in why), 0.04)
    return [
        {
            "name": name,
            "words": words,
            "passed": passed,
            "judged": True,
            "figure": at,
            "low": at - by,
            "high": at + by,
            "limit": limit,
        }
        for name, words, passed, at, by, limit in (
            (
                "owner's words",
                f"The owner's own words cost {cost:.0%} more; the limit is 8 %.",
                cost < 0.08,
                cost,
                0.03,
                0.08,
            ),
            (
                "preference",
                f"Corrections are preferred {gap * 100:+.0f} points more often.",
                True,
                gap,
                0.08,
                -0.02,
            ),
            (
                "style: length",
                f"Replies became {longer:.0%} longer; the limit is 25 %.",
                longer < 0.25,
                longer,
                0.06,
                0.25,
            ),
            ("thumbs", "Liked and disliked replies are told apart as before.", True, 0.05, 0.08, -0.1),
            ("loops", "It goes in circles no more often.", True, 0.0, 0.02, 0.05),
        )
    ]


async def _talk(database: Database, chance: random.Random) -> None:
    messages, feedback = MessageStore(database), FeedbackStore(database)
    first, began, number = 0, now() - timedelta(days=WEEKS * 7), 0
    for period in PERIODS:
        for day in range(first, first + period.days):
            for _ in range(4 + round(3 * math.sin(day / 3)) + chance.randrange(3)):
                number += 1
                at = began + timedelta(days=day, hours=8 + 13 * chance.random())
                if at < now() - timedelta(minutes=20):
                    version = "dpo-4" if day >= WEEKS * 7 - 3 and chance.random() < 0.3 else period.version
                    await _exchange(messages, feedback, chance, number, at, version, period.liked)
        first += period.days
    await _draft(messages)


async def _exchange(
    messages: MessageStore,
    feedback: FeedbackStore,
    chance: random.Random,
    number: int,
    at: datetime,
    version: str | None,
    liked: float,
) -> None:
    said, answer, better = chance.choice(EXCHANGES)
    person = chance.choice(list(PEOPLE))
    platform = "telegram" if int(person) % 2 else "discord"
    private = chance.random() < 0.7
    chat = f"chat-{person}" if private else "climbing"
    question = Message(
        message_key(platform, chat, str(number)),
        platform,
        chat,
        person,
        PEOPLE[person],
        said,
        at,
        private=private,
    )
    prompt = (
        {
            "role": "system",
            "content": "You are Mira Vale. You live in Ljubljana. You have a cat called Pixel.",
        },
        {"role": "user", "content": said},
    )
    first = 90 + 60 * chance.random() + (40 if version else 0)
    stamp = Stamp(
        version,
        "pocket",
        stable_id(said),
        prompt,
        {"temperature": 0.5, "top_p": 0.95, "max_tokens": 256},
        recalled=(_record_id(number % 40),) if chance.random() < 0.4 else (),
        first_token_ms=first,
        total_ms=first + 25 * len(answer.split()) + 200 * chance.random(),
        prompt_tokens=60 + chance.randrange(200),
        completion_tokens=len(answer.split()) + 2,
    )
    reply = Message(
        f"{platform}:~{stable_id('reply', str(number))[:16]}",
        platform,
        chat,
        "twin",
        "Mira's twin",
        answer,
        at + timedelta(seconds=4),
        by_twin=True,
        reply_to=question.key,
        stamp=stamp,
        private=private,
    )
    await messages.add(question)
    await messages.settle([question.key], "answered")
    await messages.add(reply)
    if chance.random() < 0.55:
        kind = (
            Signal.UP
            if chance.random() < liked
            else chance.choice((Signal.DOWN, Signal.DOWN, Signal.CORRECTION))
        )
        by_owner = kind is Signal.CORRECTION or chance.random() < 0.5
        given_by = f"{platform}:{OWNER if by_owner else person}"
        role = Role.OWNER if by_owner else Role.OTHER
        text = better if kind is Signal.CORRECTION else None
        await feedback.record(Feedback(reply.key, given_by, role, kind, at + timedelta(minutes=2), text))


async def _draft(messages: MessageStore) -> None:
    for number, (person, (said, answer, _)) in enumerate(zip(list(PEOPLE)[:3], EXCHANGES, strict=False)):
        at = now() - timedelta(minutes=40 - 12 * number)
        key = message_key("telegram", f"chat-{person}", f"draft-{number}")
        question = Message(
            key, "telegram", f"chat-{person}", person, PEOPLE[person], said, at, private=True, as_owner=True
        )
        stamp = Stamp(
            "dpo-2", "pocket", stable_id(said), ({"role": "user", "content": said},), {"temperature": 0.5}
        )
        draft = Message(
            f"telegram:~{stable_id('draft', str(number))[:16]}",
            "telegram",
            f"chat-{person}",
            "twin",
            "Mira's twin",
            answer,
            at + timedelta(seconds=5),
            by_twin=True,
            reply_to=key,
            stamp=stamp,
            private=True,
            as_owner=True,
        )
        await messages.add(question)
        await messages.add(draft, unsent=True)
        await messages.conclude(draft.key, PROPOSED)
        await messages.settle([key], f"proposed as {draft.key}")


async def _runs(home: Path, runs: RunStore) -> None:
    for number, (kind, ended, error) in enumerate(
        (
            ("sft", RunState.PASSED, None),
            ("learn", RunState.PASSED, None),
            ("ingest", RunState.PASSED, None),
            ("learn", RunState.FAILED, "The disk is full: 1.2 GB are needed, 0.4 GB are free."),
            ("learn", RunState.PASSED, None),
        )
    ):
        run = await runs.start(kind, "mira-laptop:4711", exclusive=False)
        folder = home / "runs" / run.id
        folder.mkdir(parents=True, exist_ok=True)
        curve = list(_curve(number))
        (folder / "progress.jsonl").write_text(
            "".join(
                json.dumps({"progress": step["step"] / 60, "step": kind, "metrics": step}) + "\n"
                for step in curve
            )
        )
        log = folder / "worker.log"
        log.write_text(
            "".join(f"step {one['step']:3}  loss {one['loss']:.3f}\n" for one in curve) + f"{ended.value}\n"
        )
        await runs.beat(run.id, 1.0 if ended is RunState.PASSED else 0.4, curve[-1], log_path=str(log))
        await runs.finish(run.id, ended, metrics=curve[-1], error=error)


def _curve(seed: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(seed)
    for step in range(1, 61):
        yield {
            "step": step,
            "loss": 3.4 * math.exp(-step / 22) + 1.1 + 0.12 * chance.random(),
            "rewards/margins": 1.4 * (1 - math.exp(-step / 25)) + 0.1 * chance.random(),
            "learning_rate": 2e-4 * (1 - step / 61),
        }


def _record_id(number: int) -> str:
    return stable_id("record", str(number))


async def _footprint(database: Database, chance: random.Random) -> None:
    kinds = {
        "telegram": Kind.MESSAGE,
        "discord_package": Kind.MESSAGE,
        "journal": Kind.JOURNAL,
        "obsidian": Kind.NOTE,
    }
    records = []
    for number in range(480):
        source = chance.choice(
            ("telegram", "telegram", "telegram", "discord_package", "discord_package", "journal", "obsidian")
        )
        said, answer, _ = EXCHANGES[number % len(EXCHANGES)]
        records.append(
            Record(
                _record_id(number),
                source,
                kinds[source],
                "owner",
                True,
                f"{source}-{number % 7}",
                now() - timedelta(days=30 + number),
                answer if kinds[source] is Kind.MESSAGE else f"{said} {answer}",
                tags=(chance.choice(("personal", "personal", "creative", "technical")),),
                lang="en",
                audience="owner" if source in ("journal", "obsidian") else f"{source}-{number % 7}",
                origin=f"result.json:{number}",
            )
        )
    await RecordStore(database).add_all(records)
    cursors = CursorStore(database)
    for source, container, value in (
        ("sync:github", "events", {"version": 1, "since": "2026-11-20"}),
        ("sync:notion", "pages", {"version": 1, "edited_after": "2026-11-24T08:00:00Z"}),
    ):
        await cursors.put(Cursor(source, container, value, now() - timedelta(hours=5)))


async def _as_long_ago(database: Database) -> None:
    """The stores write down when something is done; here it was done over weeks."""
    async with database.transaction() as session:
        for number, id in enumerate(
            await session.scalars(select(RunRow.id).order_by(RunRow.created_at.desc()))
        ):
            began = now() - timedelta(hours=3 + 29 * number)
            ended = began + timedelta(seconds=74 + 31 * number)
            times = {"created_at": began, "started_at": began, "finished_at": ended, "heartbeat_at": ended}
            await session.execute(update(RunRow).filter_by(id=id).values(times))
        for number, days in enumerate((34, 20)):
            await session.execute(
                update(PromotionRow).filter_by(id=number + 1).values(at=now() - timedelta(days=days))
            )


async def _people(database: Database) -> None:
    people, chats, usage = PersonStore(database), ChatStore(database), UsageStore(database)
    for person, consent in (("8101", Consent.AGREED), ("8103", Consent.AGREED), ("8105", Consent.OPTED_OUT)):
        await people.set_consent("telegram", person, consent)
    for person, tokens, limit in (("8101", 3120, None), ("8103", 4730, 5000), ("8105", 260, 1000)):
        asked = Message(f"telegram:{person}", "telegram", f"chat-{person}", person, PEOPLE[person], "", now())
        await usage.add(asked, Spent(9, tokens, tokens // 12, 8100))
        await people.set_limits("telegram", person, Limits(tokens_per_day=limit))
    await chats.put(Chat("telegram", "chat-8101", private=True, draft=True))
    await chats.put(Chat("discord", "climbing", server_id="rock", mode="always"))


def _snapshot(folder: Path) -> None:
    """Its data card is all that is looked at here."""
    folder.mkdir(parents=True)
    tags = {"personal": 612, "creative": 143, "technical": 88}
    patterns = {
        "small talk": 236,
        "planning": 187,
        "comforting": 129,
        "greeting": 96,
        "technical help": 44,
        "other": 151,
    }
    card = {
        "id": CORPUS,
        "persona": {"name": "Mira Vale"},
        "counts": {
            "train": 843,
            "validation": 104,
            "test": 99,
            "style": 212,
            "initiatives": 61,
            "silences": 37,
        },
        "records": {"given": 1480, "the owner's": 1322, "threads": 28, "conversations": 391},
        "left_out": {"said close before a later split": 64, "too long": 31, "the same short reply again": 22},
        "tags": {"train": tags},
        "patterns": {"train": patterns},
        "languages": {"train": {"en": 809, "sl": 34}},
        "lengths": {"train": {"short": 262, "medium": 480, "long": 101}},
        "sources": {"telegram": 531, "discord_package": 388, "journal": 127},
    }
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")


def _names(path: Path) -> None:
    waiting = [
        {
            "name": name,
            "sources": {"journal": [_record_id(number) for number in range(count)]},
            "contexts": contexts,
            "cued": 1,
        }
        for name, count, contexts in (
            ("Sorrel", 5, ["then Sorrel came by with the drill", "told Sorrel about the trip"]),
            ("Brisk", 2, ["the coffee at Brisk is better"]),
        )
    ]
    path.write_text(json.dumps({"waiting": waiting, "decided": []}), encoding="utf-8")
