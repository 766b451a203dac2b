"""What do people prefer? Feedback on logged replies -> frozen rows for the trainers; no torch.

Which signal becomes what, and its weight, is `routing.py`'s business. Only the owner and the trainers
on the owner's list count, and where the owner has spoken about a reply, nobody else's signal on it does.
A prompt that holds the words of somebody who has not agreed to that is never learned from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from learning.duplicates import plain
from learning.judged import Judged, by_session, conversation, exchange, held_out
from learning.routing import Place, capped, demonstration_weight, route
from learning.routing import weight as weight_of
from learning.rows import as_jsonl
from learning.settings import LearningSettings
from storage.records import Feedback, Message, Prompt, Role, Signal, stable_id

Private = Callable[[str], bool]
"""Whether somebody's private things seem to be in a text: a number, an address, a secret."""

Sampler = Callable[[Prompt, int], Awaitable[list[str]]]
"""Asks the live model for so many replies to a prompt. Returns fewer, or none, when it cannot."""

BETTER = {Signal.CORRECTION, Signal.TAKEOVER, Signal.CHOICE}  # signals that say what should have been said
SAMPLED_WEIGHT = 0.5  # nobody saw a sampled reply, so nobody disliked it
ID_OF = {place: place.value for place in Place} | {Place.PAIR: "pair", Place.THUMB: "thumb"}
NOBODY: frozenset[str] = frozenset()
FILES = (*(f"{place}.jsonl" for place in Place), "heldout_pairs.jsonl", "heldout_thumbs.jsonl")

Row = dict[str, Any]


class EffectiveFeedback(Protocol):
    async def effective(self) -> list[Feedback]: ...


class Replies(Protocol):
    async def get(self, key: str) -> Message | None: ...


@dataclass(frozen=True, slots=True)
class Preferences:
    """A frozen preference set. `signals` is how much effective feedback stands behind it."""

    id: str
    path: Path
    signals: int
    counts: dict[str, int]


async def collect(
    feedback: EffectiveFeedback,
    messages: Replies,
    settings: LearningSettings,
    agreed: Collection[str] = NOBODY,
    private: Private | None = None,
) -> tuple[list[Judged], dict[str, int]]:
    """The signals that can be learned from, oldest first, and why the others cannot.

    `agreed`: "platform:id" of the people besides the owner whose words may be in what is learned. `private`:
    words in which it finds something are not imitated, whoever gave them.
    """
    left_out: Counter[str] = Counter()
    judged: list[Judged] = []
    weights = {Role.OWNER: 1.0, Role.TRAINER: settings.trainer_weight}
    signals = await feedback.effective()
    given = {role: [one.given_at for one in signals if one.role is role] for role in weights if weights[role]}
    # Others cannot make what the owner said look old.
    newest = max(given.get(Role.OWNER) or given.get(Role.TRAINER) or [], default=None)
    for signal in signals:
        weight = weight_of(signal, newest or signal.given_at, weights, settings.half_life_days)
        if not weight:
            left_out["not from the owner or a trainer"] += 1
            continue
        reply = await messages.get(signal.reply_key)
        if reply is None or not (reply.stamp and reply.stamp.prompt) or reply.deleted_at is not None:
            left_out["the reply or its prompt is gone"] += 1
        elif any(speaker not in agreed for speaker in reply.stamp.speakers):
            left_out["somebody in that conversation has not agreed"] += 1
        elif reply.stamp.pictures:  # the trainers read words: without the picture, the answer makes no sense
            left_out["a picture was part of the question"] += 1
        elif signal.kind in BETTER and plain(signal.text or "") in ("", plain(reply.text)):
            left_out["no better words given"] += 1
        elif signal.role is not Role.OWNER and len(signal.text or "") > settings.corpus.max_reply_characters:
            left_out["a trainer's words are too long"] += 1
        elif private and any(map(private, _to_be_liked(signal, reply))):
            left_out["something private is in the words"] += 1
        else:
            judged.append(Judged(signal, reply, reply.stamp.prompt, weight))
    by_owner = {item.reply.key for item in judged if item.feedback.role is Role.OWNER}
    heard = [item for item in judged if item.feedback.role is Role.OWNER or item.reply.key not in by_owner]
    left_out["the owner said something else"] += len(judged) - len(heard)
    return heard, {why: count for why, count in left_out.items() if count}


async def freeze(
    judged: Sequence[Judged],
    preferences_dir: Path,
    settings: LearningSettings,
    sampler: Sampler | None = None,
) -> Preferences:
    """Pairs and thumbs, split by conversation, under a folder named by their content."""
    by_owner = [item for item in judged if item.feedback.role is Role.OWNER]
    # Nobody else has a say in what the twin is examined on: it would be gone from what is trained on.
    deciding = by_owner or judged
    kept_apart = held_out(deciding, settings.heldout_share) - _always_taught(deciding, settings.taught_thumbs)
    files: dict[str, list[Row]] = {name: [] for name in FILES}
    taught: list[Judged] = []
    for item in _within_caps(judged, settings):
        if exchange(item) in kept_apart:
            what = Place.PAIR if Place.PAIR in route(item.feedback).places else Place.THUMB
            files[f"heldout_{what}.jsonl"].append(_row(item, what))
        else:
            taught.append(item)
    for item in taught:
        for place in route(item.feedback).places:
            files[f"{place}.jsonl"].append(_row(item, place))
        if route(item.feedback).sampled:
            files["pairs.jsonl"] += await _against_samples(item, sampler, settings)
    for item in _examples(taught, settings):
        files["demonstrations.jsonl"].append(_row(item, Place.DEMONSTRATION))
        files["pairs.jsonl"] += await _against_samples(item, sampler, settings)
    return frozen(files, [item.feedback.id for item in judged], preferences_dir)


def frozen(files: Mapping[str, list[Row]], signal_ids: Sequence[str], preferences_dir: Path) -> Preferences:
    """These rows under a folder named by their content."""
    texts = {name: as_jsonl(rows) for name, rows in files.items()}
    digest = hashlib.blake2b("\x1f".join(texts.values()).encode(), digest_size=8).hexdigest()
    counts = {name.removesuffix(".jsonl"): len(rows) for name, rows in files.items()}
    card = {
        "id": digest,
        "signals": len(signal_ids),
        "counts": counts,
        "signal_ids": list(signal_ids),
    }
    final = preferences_dir / digest
    if not final.exists():
        unfinished = preferences_dir / f".{digest}.{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for name, text in (texts | {"card.json": json.dumps(card, indent=2)}).items():
            (unfinished / name).write_text(text, encoding="utf-8")
        unfinished.rename(final)
    return load(final)


def load(path: Path) -> Preferences:
    card = json.loads((path / "card.json").read_text(encoding="utf-8"))
    return Preferences(card["id"], path, card["signals"], card["counts"])


def _always_taught(judged: Sequence[Judged], thumbs: int) -> set[str]:
    """The exchanges that so many first thumbs are about: the few of them that would be held out tell nothing.

    Not where another signal is about that conversation. Who is among the first stays so as feedback grows.
    """
    all_thumbs = [item for item in judged if Place.THUMB in route(item.feedback).places]
    every, first = ({item.feedback.id for item in some} for some in (all_thumbs, all_thumbs[:thumbs]))
    taught, others = set[str](), set[str]()
    for items in by_session(judged).values():
        ids = {item.feedback.id for item in items}
        (taught if ids <= every and ids & first else others).update(map(exchange, items))
    return taught - others


def _examples(taught: Sequence[Judged], settings: LearningSettings) -> list[Judged]:
    """The replies that were liked, at part of their weight: what was liked is worth saying again.

    None while there are few thumbs, or of one kind only: to like says something beside what was not liked.
    """
    thumbs = [item for item in taught if Place.THUMB in route(item.feedback).places]
    liked = [item for item in thumbs if route(item.feedback).label]
    if not settings.liked_weight or len(thumbs) < settings.min_thumbs or len(liked) in (0, len(thumbs)):
        return []
    return [replace(item, weight=item.weight * settings.liked_weight) for item in liked]


async def _against_samples(item: Judged, sampler: Sampler | None, settings: LearningSettings) -> list[Row]:
    """The better words also beat what the model would say now: one correction, several things to unlearn."""
    if not sampler or not settings.samples_per_correction:
        return []
    known = {plain(_better(item)), plain(item.reply.text)}
    pairs = []
    for reply in await sampler(item.prompt, settings.samples_per_correction):
        if plain(reply) not in known:
            known.add(plain(reply))
            sampled = {"source": "sampled", "weight": item.weight * SAMPLED_WEIGHT}
            pairs.append(_row(item, Place.PAIR, rejected=reply) | sampled)
    return pairs


def _row(item: Judged, place: Place, rejected: str | None = None) -> Row:
    """One sample. Its id names the signal behind it: `lineage.py` finds it again by that."""
    better, reply = _better(item), item.reply.text
    row: Row = {
        "id": stable_id(ID_OF[place], item.feedback.id),
        "conversation": conversation(item),
        "prompt": [dict(turn) for turn in item.prompt],
        "weight": item.weight,
    }
    match place:
        case Place.PAIR:
            rejected = rejected or reply
            row |= {"id": stable_id("pair", item.feedback.id, rejected), "source": "logged"}
            return row | {"chosen": _said(better), "rejected": _said(rejected)}
        case Place.DEMONSTRATION:
            weight = item.weight * (1.0 if better == reply else demonstration_weight(reply, better))
            return row | {"completion": _said(better), "weight": weight}
        case Place.THUMB:
            return row | {"completion": _said(reply), "label": bool(route(item.feedback).label)}
        case Place.HINDSIGHT:
            return row | {"completion": _said(reply), "complaint": better.strip()}


def _better(item: Judged) -> str:
    """What should be said instead, or again."""
    return item.reply.text if item.feedback.kind is Signal.UP else item.feedback.text or ""


def _said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def _to_be_liked(signal: Feedback, reply: Message) -> tuple[str, ...]:
    """The texts that this signal makes likelier, or that stand beside them."""
    return (signal.text or "", reply.text if signal.kind is Signal.UP else "")


def _within_caps(judged: Sequence[Judged], settings: LearningSettings) -> list[Judged]:
    """Nobody, and no single conversation, decides alone what is learned; of many signals the newest count.

    The owner's are counted by themselves, so that nobody crowds them out, and weigh at least as much as
    `trainer_share` leaves them.
    """
    session = {item.feedback.id: name for name, items in by_session(judged).items() for item in items}
    own = [item for item in judged if item.feedback.role is Role.OWNER]
    others = [item for item in judged if item.feedback.role is not Role.OWNER]
    own = capped(own, (session[item.feedback.id] for item in own), settings.signals_per_session)
    days = [(item.feedback.given_by, item.feedback.given_at.date()) for item in others]
    others = capped(others, days, settings.trainer_per_day)
    talks = [(item.feedback.given_by, session[item.feedback.id]) for item in others]
    others = capped(others, talks, settings.trainer_per_session)
    own, others = (
        capped(items, (item.feedback.given_by for item in items), settings.signals_per_person)
        for items in (own, others)
    )
    most = sum(item.weight for item in own) * settings.trainer_share / (1 - settings.trainer_share)
    if own and (given := sum(item.weight for item in others)) > most:
        others = [replace(item, weight=item.weight * most / given) for item in others]
    order = {item.feedback.id: place for place, item in enumerate(judged)}
    return sorted([*own, *others], key=lambda item: order[item.feedback.id])
