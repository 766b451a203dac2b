"""The whole loop as a story, on this machine: remember, imitate, talk, be corrected, learn, swap, talk again.

Everything in it is the real program on an invented person: the same stores, trainers, server, gate and swap.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import shutil
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.on_correction import on_correction
from bot.on_message import Conversation, on_message
from bot.on_reaction import on_reaction
from bot.platform import Button, ChatRefused, Limits
from learning.plot import draw
from learning.settings import RECIPES
from storage.records import Consent, Media, Message, Promotion, Role, Signal, message_key, now
from twin import show
from twin.adapters import promote
from twin.build import Stores, build_brain, build_talk, open_model, open_stores
from twin.chat import AT_ONCE, converse
from twin.errors import Told
from twin.home import Home
from twin.learn import learn_in, outcome_in_words
from twin.remember import ingest_in
from twin.settings import Settings, read_settings
from twin.snapshots import build_corpus_in
from twin.train import train_in, with_recipes

EXAMPLES = Path(__file__).parent.parent / "examples"
EXPORTS = (("discord_package", "discord-package"), ("telegram", "telegram"), ("journal", "journal"))
MARK = ".twin-demo"
SMALL_TALK = (
    "hey, how was your day?",
    "i lost my keys again",
    "what should i cook tonight?",
    "can we meet tomorrow at 7?",
    "i can't sleep",
    "are you climbing this weekend?",
)
TALKERS = 2  # conversations that go on while the adapter is swapped


class Rehearsal:
    """A chat app without a screen: the scripted conversations of the demo go through it."""

    name = "demo"
    limits = Limits(message_length=100_000, edit_seconds=3600)

    def __init__(self) -> None:
        self.told: list[str] = []
        self._sent = 0

    def length(self, text: str) -> int:
        return len(text)

    async def send(
        self,
        chat_id: str,
        text: str,
        *,
        reply_to: str | None = None,
        nonce: str | None = None,
        buttons: Sequence[Button] = (),
    ) -> str:
        self._sent += 1
        return f"reply-{self._sent}"

    async def show_growing(self, chat_id: str, text: str, *, nonce: str) -> bool:
        return False

    async def find_sent(
        self, chat_id: str, text: str, *, nonce: str, after: str, known: set[str]
    ) -> str | None:
        return None

    async def edit(
        self, chat_id: str, message_id: str, text: str, *, buttons: Sequence[Button] = ()
    ) -> None: ...

    async def delete(self, chat_id: str, message_id: str) -> None: ...

    async def react(self, chat_id: str, message_id: str, emoji: str) -> None: ...

    async def fetch(self, media: Media, most: int) -> bytes:
        raise ChatRefused("nothing hangs on what is rehearsed")

    @asynccontextmanager
    async def typing(self, chat_id: str) -> AsyncIterator[None]:
        yield

    async def tell(self, chat_id: str, text: str, buttons: Sequence[Button] = ()) -> str:
        self.told.append(text)
        return f"told-{len(self.told)}"

    async def private_chat(self, person_id: str) -> str:
        return person_id


@dataclass
class Friend:
    """Somebody invented who writes to the twin and keeps the answers."""

    talk: Conversation
    platform: Rehearsal = field(default_factory=Rehearsal)
    id: str = "friend"
    said: int = 0

    async def say(self, text: str, chat_id: str) -> Message | None:
        self.said += 1
        message = Message(
            key=message_key(self.platform.name, chat_id, str(self.said)),
            platform=self.platform.name,
            chat_id=chat_id,
            author_id=self.id,
            author_name=self.id,
            text=text,
            sent_at=now(),
            private=True,
        )
        answer = await on_message(message, self.platform, talk=self.talk)
        return await answer if answer else None


class Story:
    """What the newcomer reads, and the clock of every step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.perf_counter()

    @asynccontextmanager
    async def step(self, name: str, title: str) -> AsyncIterator[None]:
        show.people.print(f"\n[bold]{len(self.seconds) + 1}. {show.escape(title)}[/]")
        began = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - began, 2)

    def total(self) -> float:
        return round(time.perf_counter() - self._began, 2)


async def tell_the_story(folder: Path, *, by_itself: bool, seed: int, json: bool) -> None:
    """Tell it, and end with one JSON object when asked to."""
    figures = await _story(folder, by_itself=by_itself or not sys.stdin.isatty(), seed=seed)
    if json:
        show.as_json(figures)


async def _story(folder: Path, *, by_itself: bool, seed: int) -> dict[str, Any]:
    story = Story()
    home, settings = _new_home(folder, seed)
    name = settings.owner.name
    show.people.print(
        f"[bold]Meet {name}.[/] {name} is invented, but left exports behind: Discord, Telegram, a journal.\n"
        f"We make {name}'s twin from them, talk to it, tell it what it gets wrong, and watch it learn.\n"
        f"Everything stays in {show.escape(str(folder))}."
    )
    async with open_stores(home, settings) as stores:
        async with story.step("ingest", f"What {name} left behind is read, cleaned and pseudonymised"):
            ledgers = [
                await ingest_in(home, settings, stores, source, EXAMPLES / "mira" / part)
                for source, part in EXPORTS
            ]
            rows = [
                (
                    led.source,
                    led.seen,
                    led.kept,
                    led.merged,
                    sum(led.dropped.values()),
                    sum(led.failed.values()),
                )
                for led in ledgers
            ]
            columns = ("source", "seen", "kept", "merged", "dropped", "failed")
            show.table("", columns, rows, to=show.people)
            snapshot = await build_corpus_in(home, settings, stores)
            train, test = snapshot.counts["train"], snapshot.counts["test"]
            show.sentence(f"{train} samples to learn from; the latest {test} are held back")

        async with open_model(home, settings) as model:
            show.sentence(f"the model is {model.base.label()}")
            async with story.step("sft", f"The model learns to sound like {name}"):
                first = await train_in(home, settings, stores, model.base, "sft")
                await promote(stores, model, settings.learning.gate, first.adapter.version)
                naive, learned = (first.report[role]["nll"]["mean"] for role in ("base", "candidate"))
                show.sentence(
                    f"surprise at {name}'s own held-out words (NLL per token): "
                    f"{naive:.3f} before, {learned:.3f} now"
                )

            brain, _ = build_brain(stores, model, settings)
            at_once = settings.model_copy(update={"chat": settings.chat.model_copy(update=AT_ONCE)})
            talk = build_talk(brain, stores, at_once)
            friend = Friend(talk)
            await stores.people.set_consent(friend.platform.name, friend.id, Consent.AGREED)  # being invented
            async with story.step("talk", "A friend says hello"):
                before = await _conversation(friend, "before")
            if not by_itself:
                show.sentence(
                    "Your turn: talk, thumb (+ or -), correct (/correct ...). /quit goes on with the story."
                )
                await converse(home, settings, stores, model)

            async with story.step("feedback", f"Somebody who knows {name} says what is off"):
                counts, habit = await _replay_feedback(friend, stores)
                show.sentence(f"{counts['corrections']} corrections, {counts['thumbs']} thumbs. {habit}")

            async with story.step("learn", "The twin learns from that, while friends keep writing"):
                async with _talkers(talk) as meanwhile:
                    with show.progress("learning") as on_progress:
                        outcome = await learn_in(home, settings, stores, model, on_progress=on_progress)
                    if outcome.state == "live":
                        await meanwhile.until_answered_by(outcome.version)
                swap = meanwhile.figures(await stores.adapters.promotions())
                show.sentence(outcome_in_words(outcome))
                show.sentence(
                    f"{swap['requests']} messages were answered meanwhile, {swap['failed']} were not"
                )

            async with story.step("talk_again", "The same friend, the same words"):
                after = await _conversation(friend, "after")

    before_learning, candidate = outcome.report["models"]["live"], outcome.report["models"]["candidate"]
    figures = {
        "model": model.base.label(),
        "records": sum(ledger.kept for ledger in ledgers),
        "samples": snapshot.counts["train"],
        "sft": {
            "heldout_nll_before": first.report["base"]["nll"]["mean"],
            "heldout_nll_after": first.report["candidate"]["nll"]["mean"],
            "seconds": story.seconds["sft"],
        },
        "preferences": {"pairs": counts["corrections"], "thumbs": counts["thumbs"]},
        "learn": {
            "pref_accuracy_before": before_learning["preference"]["accuracy"],
            "pref_accuracy_after": candidate["preference"]["accuracy"],
            "heldout_pairs": candidate["preference"]["pairs"],
            "heldout_nll_before": before_learning["nll"]["mean"],
            "heldout_nll_after": candidate["nll"]["mean"],
            "seconds": story.seconds["learn"],
        },
        "gate": {"passed": outcome.state == "live", "reasons": list(outcome.reasons)},
        "swap": swap,
        "replies": telling_example(before, after),
        "conversation": [{"prompt": line, "before": before[line], "after": after[line]} for line in before],
        "adapter": outcome.version,
        "picture": str(folder / "before-after.png"),
        "seconds": story.seconds,
        "seconds_total": story.total(),
    }
    await asyncio.to_thread(draw, outcome.report, folder / "before-after.png", story.seconds)
    _table(before, after, figures)
    _what_next(folder, figures)
    return figures


def telling_example(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """The first line that is answered differently now; the very first one when none is."""
    line = next((line for line in before if before[line] != after[line]), next(iter(before)))
    return {"prompt": line, "before": before[line], "after": after[line]}


def _new_home(folder: Path, seed: int) -> tuple[Home, Settings]:
    """A fresh home with the sample person's settings. Only a former demo is ever removed.

    The seed draws the answers, too, and the placeholders for names, which are no secret here.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise Told(
            f"{folder} is not empty and not an earlier demo",
            "choose another: twin demo --folder DIR",
            exit_code=2,
        )
    if not (EXAMPLES / "mira" / "twin.toml").exists():
        raise Told(f"the sample person is not at {EXAMPLES}", "run the demo from a checkout of the project")
    shutil.rmtree(folder, ignore_errors=True)
    home = Home(folder)
    home.make()
    (folder / MARK).touch()
    random.seed(seed)
    (folder / "pseudonym.key").write_text(hashlib.sha256(f"demo {seed}".encode()).hexdigest())
    shutil.copy(EXAMPLES / "mira" / "twin.toml", home.settings_file)
    settings = read_settings(home)
    recipes = {method: {**settings.learning.recipes.get(method, {}), "seed": seed} for method in RECIPES}  # type: ignore[call-overload]
    return home, with_recipes(settings, recipes)


async def _conversation(friend: Friend, chat_id: str) -> dict[str, str]:
    """The same six lines each time, every one in a chat of its own."""
    answers = {}
    for number, line in enumerate(SMALL_TALK):
        reply = await friend.say(line, f"{chat_id}-{number}")
        answers[line] = reply.text if reply else "(no answer)"
        show.people.print(f"   friend  {line}\n     [bold cyan]twin[/]  {show.escape(answers[line])}")
    return answers


async def _replay_feedback(friend: Friend, stores: Stores) -> tuple[dict[str, int], str]:
    """Mira's own corrections and thumbs, given to what the twin really answers now."""
    script = json.loads((EXAMPLES / "mira" / "feedback.json").read_text(encoding="utf-8"))
    items: list[dict[str, str]] = [*script["corrections"], *script["thumbs"]]
    given = {"corrections": 0, "thumbs": 0}
    by_owner: dict[str, Any] = {
        "given_by": "owner",
        "role": Role.OWNER,
        "messages": stores.messages,
        "feedback": stores.feedback,
    }
    with show.progress("corrections and thumbs") as on_progress:
        for number, item in enumerate(items):
            on_progress(number / len(items), f"{number} of {len(items)}")
            reply = await friend.say(item["say"], f"feedback-{number}")
            if reply is None:
                continue
            if better := item.get("better"):
                given["corrections"] += await on_correction(reply.key, better, at=now(), **by_owner)
            else:
                disliked = item["thumb_down_if_contains"] in reply.text.lower()
                thumb = Signal.DOWN if disliked else Signal.UP
                given["thumbs"] += await on_reaction(reply.key, thumb, at=now(), **by_owner)
    return given, script["explanation"]


@dataclass
class _Talk:
    """Messages that are sent and answered while something else happens."""

    answers: list[Message] = field(default_factory=list)
    failed: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_answered_by(self, version: str | None, patience: float = 60) -> None:
        async with asyncio.timeout(patience):
            while not any(answer.stamp and answer.stamp.adapter == version for answer in self.answers):
                self.news.clear()
                await self.news.wait()

    def figures(self, promotions: Sequence[Promotion]) -> dict[str, Any]:
        """How it went, and how long after the latest change the first answer came from the new adapter."""
        newest = promotions[0]
        by_new = [a.sent_at for a in self.answers if a.stamp and a.stamp.adapter == newest.version]
        return {
            "requests": len(self.answers) + self.failed,
            "failed": self.failed,
            "seconds_to_first_new_answer": round((min(by_new) - newest.at).total_seconds(), 3)
            if by_new
            else None,
        }


@asynccontextmanager
async def _talkers(talk: Conversation) -> AsyncIterator[_Talk]:
    """Friends who write one message after the other for as long as the block runs."""
    meanwhile, over = _Talk(), asyncio.Event()

    async def one(number: int) -> None:
        friend = Friend(talk)
        while not over.is_set():
            line = SMALL_TALK[friend.said % len(SMALL_TALK)]
            reply = await friend.say(line, f"meanwhile-{number}-{friend.said}")
            if reply is None:
                meanwhile.failed += 1
            else:
                meanwhile.answers.append(reply)
                meanwhile.news.set()
            await asyncio.sleep(0.5)

    async with asyncio.TaskGroup() as tasks:
        for number in range(TALKERS):
            tasks.create_task(one(number))
        try:
            yield meanwhile
        finally:
            over.set()


def _table(before: dict[str, str], after: dict[str, str], figures: dict[str, Any]) -> None:
    rows = [(line, before[line], after[line]) for line in before]
    show.table("\nbefore and after", ("friend", "before", "after"), rows, to=show.people)
    sft, learn, seconds = figures["sft"], figures["learn"], figures["seconds"]
    rows = [
        (
            "surprise at held-out owner text (NLL)",
            _3(sft["heldout_nll_after"]),
            _3(learn["heldout_nll_after"]),
        ),
        (
            "held-out corrections preferred",
            _3(learn["pref_accuracy_before"]),
            _3(learn["pref_accuracy_after"]),
        ),
    ]
    show.table("\nmeasured in this run", ("what", "before learning", "after"), rows, to=show.people)
    show.sentence("seconds: " + ", ".join(f"{name} {value:.0f}" for name, value in seconds.items()))


def _3(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.3f}"


def _what_next(folder: Path, figures: dict[str, Any]) -> None:
    home = f"twin --home {folder}"
    show.people.print(
        f"\nPicture: {show.escape(figures['picture'])}\n"
        "[bold]What to try next[/]\n"
        f"  {home} chat                   go on talking to this twin\n"
        f"  {home} adapters list          what was learned; [bold]rollback[/] goes back one\n"
        f"  {home} records list           what it remembers\n"
        '  twin init "Your Name"         make your own',
        highlight=False,
    )
