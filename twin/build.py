"""Builds everything, hands it out, closes it. The only file that knows everybody."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from bot.allowance import Allowance
from bot.authority import Authority
from bot.drafts import Drafts
from bot.kept import Kept
from bot.on_command import Commands, Tell
from bot.on_message import Conversation, Demonstrate, TakeBack, Unlearn
from bot.owner_news import OwnerNews
from bot.platform import ChatRefused, ChatUnavailable, Platform
from bot.rhythm import Rhythm
from bot.terminal_app import OWNER_ID
from bot.turns import Turns
from brain.adapter_slots import AdapterSlots
from brain.budget import Budget
from brain.cached import ANSWERS, Cached
from brain.embedder import CachedEmbedder, ServedEmbedder
from brain.live_adapter import LiveAdapter, served_name
from brain.memory import Embedder, Recall, Recaller
from brain.model_client import ModelClient, Sampling
from brain.model_facts import facts_of
from brain.model_server import ModelServer
from brain.pictures import CannotSee, Fetch, Pictures
from brain.policy import BadPolicy, Policy, load_policy
from brain.prompt import Persona, manner_of
from brain.replicas import Limits, Replicas
from brain.reply import Brain
from learning.pocket import default_cache_dir, ensure
from learning.recipes import is_pocket_sized
from storage.adapters import AdapterStore
from storage.cache import Cache, open_cache
from storage.chats import ChatStore, FactStore, PersonStore, QuestionStore
from storage.cursors import CursorStore
from storage.database import Database
from storage.deliveries import DeliveryStore
from storage.feedback import FeedbackStore
from storage.leases import LeaseStore
from storage.memories import MemoryStore
from storage.messages import MessageStore
from storage.processes import this_process
from storage.records import Adapter, Cursor, Media, now
from storage.records_store import RecordStore
from storage.runs import RunStore
from storage.usage import UsageStore
from twin import show
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings

log = logging.getLogger(__name__)

GRACE_SECONDS = 30.0  # that a replaced adapter stays on the servers beyond the longest answer


@dataclass(frozen=True, slots=True)
class Stores:
    database: Database
    records: RecordStore
    messages: MessageStore
    feedback: FeedbackStore
    adapters: AdapterStore
    runs: RunStore
    cursors: CursorStore
    deliveries: DeliveryStore
    chats: ChatStore
    people: PersonStore
    questions: QuestionStore
    facts: FactStore
    leases: LeaseStore
    cache: Cache
    memories: MemoryStore
    usage: UsageStore
    cached: Cached  # one for all who ask or forget in this process: it knows what is being made


@asynccontextmanager
async def open_stores(home: Home, settings: Settings) -> AsyncIterator[Stores]:
    home.make()
    url = settings.storage.url
    address = url.get_secret_value() if url else home.database_url
    storage = settings.storage
    database = await Database.open(address, storage.twin, keep=storage.copy_before_upgrade)
    async with contextlib.AsyncExitStack() as closing:
        closing.push_async_callback(database.close)
        redis, namespace = settings.storage.redis_url, ""
        if redis:
            namespace = await _name_in_redis(CursorStore(database))
        cache = open_cache(redis.get_secret_value() if redis else None, namespace=namespace)
        closing.push_async_callback(cache.close)
        yield stores_of(database, cache)


async def _name_in_redis(cursors: CursorStore) -> str:
    """By chance and for good, for all copies of the service on this database, and for nobody else."""
    mine = Cursor("redis", "namespace", {"name": secrets.token_hex(8)}, now())
    return str((await cursors.once(mine)).value["name"])


def stores_of(database: Database, cache: Cache) -> Stores:
    return Stores(
        database,
        RecordStore(database),
        MessageStore(database),
        FeedbackStore(database),
        AdapterStore(database),
        RunStore(database),
        CursorStore(database),
        DeliveryStore(database),
        ChatStore(database),
        PersonStore(database),
        QuestionStore(database),
        FactStore(database),
        LeaseStore(database),
        cache,
        MemoryStore(database),
        UsageStore(database),
        Cached(cache),
    )


@dataclass(frozen=True, slots=True)
class Base:
    """The base model: where its weights are (a folder or a hub id), and its name on the server."""

    weights: str
    name: str
    stand_in: bool

    def label(self) -> str:
        return f"{self.name} (a tiny stand-in, trained here on made-up text)" if self.stand_in else self.name


def _named(base: str) -> Base:
    """A folder goes by its own name, so that it may be moved; a hub id by itself."""
    folder = Path(base).expanduser()
    return Base(str(folder), folder.resolve().name, False) if folder.is_dir() else Base(base, base, False)


async def find_base(settings: Settings) -> Base:
    """The base model of the settings; the pocket model is trained when it is not there yet."""
    if settings.model.base != "pocket":
        return _named(settings.model.base)
    with show.progress("pocket model") as on_progress:
        stopped = False

        def tell(done: float, words: str) -> None:
            if stopped:
                raise asyncio.CancelledError  # ends the thread, and with it the training in its child
            on_progress(done, words)

        try:
            folder = await asyncio.to_thread(ensure, default_cache_dir(), tell)
        finally:
            stopped = True
    return Base(str(folder), folder.name, stand_in=True)


@dataclass(frozen=True, slots=True)
class Model:
    """The model servers that answer, and the base model they serve. `slots`: several twins share them."""

    base: Base
    urls: tuple[str, ...]
    client: Replicas
    engine: str
    slots: AdapterSlots | None = None

    def makes_room(self, settings: Settings) -> bool:
        """Whether the servers sleep while something trains here; the embedded one has nothing of a GPU."""
        return settings.serving.share_gpu == "sleep" and self.engine != "embedded"


@asynccontextmanager
async def speaking(model: Model, adapter: Adapter | None) -> AsyncIterator[str]:
    """What the servers call this adapter (None: the base model), which is on them until the block ends."""
    if adapter is None:
        yield model.base.name
        return
    name = served_name(adapter.version, adapter.path)
    if model.slots is None:
        await model.client.load_adapter(name, adapter.path)
        yield name
        return
    await model.slots.load(name, adapter.path)
    with model.slots.using(name):
        yield name


@asynccontextmanager
async def open_model(home: Home, settings: Settings, *, patient: bool = False) -> AsyncIterator[Model]:
    """The configured servers, or those that 'twin serve' runs for this home, or one of our own meanwhile.

    `patient`: wait until one of them answers.
    """
    base = await find_base(settings)
    if settings.model.servers:
        urls, engine = tuple(settings.model.servers), "remote"
    elif running := running_servers(home):
        urls, engine = running
    else:
        async with (
            start_server(home, settings, base) as server,
            open_replicas(settings, [server.url]) as replicas,
        ):
            yield Model(base, (server.url,), replicas, server.engine)
        return
    async with open_replicas(settings, urls) as replicas:
        if patient and not replicas.in_use():
            show.sentence(f"waiting for a model server: none answers at {', '.join(urls)} yet")
            await replicas.until_one_is_in_use()
        served = (await replicas.models())[0]
        yield Model(Base(base.weights, served, base.stand_in), urls, replicas, engine)


@asynccontextmanager
async def start_server(
    home: Home, settings: Settings, base: Base, *, engine: str | None = None, port: int | None = None
) -> AsyncIterator[ModelServer]:
    """A model server as a child of this process, healthy; stopped at the end."""
    home.make()
    server = ModelServer(
        base.weights,
        name=base.name,
        engine=engine or settings.model.engine,
        port=port,
        log_path=home.logs / "model-server.log",
        adapters=home.adapters,
        serving=settings.serving,
    )
    with show.progress(f"starting the model server for {base.name}") as on_progress:
        await server.start(on_progress)
    try:
        yield server
    finally:
        await server.stop()


def limits_of(settings: Settings) -> Limits:
    model = settings.model
    return Limits(model.timeout_seconds, model.answer_seconds, model.at_once, model.queue)


def open_replicas(settings: Settings, urls: Sequence[str]) -> Replicas:
    """To be entered with `async with`."""
    clients = [ModelClient(url, timeout=settings.model.timeout_seconds) for url in urls]
    return Replicas(clients, limits_of(settings), may_sleep=settings.serving.share_gpu == "sleep")


def register_servers(home: Home, servers: Sequence[ModelServer]) -> Path:
    """Let the other commands of this home find the servers that this process runs."""
    return register_urls(home, [server.url for server in servers], servers[0].engine)


def register_urls(home: Home, urls: Sequence[str], engine: str) -> Path:
    """Those that this process has, as long as it lives, for the other commands of this home."""
    path = home.root / "server.json"
    told = {"url": urls[0], "urls": list(urls), "engine": engine, "pid": os.getpid()}
    unfinished = path.with_suffix(f".{os.getpid()}")  # nobody is to read half of it
    unfinished.write_text(json.dumps(told | {"begun": _begun(os.getpid())}))
    return unfinished.replace(path)


def _begun(pid: int) -> str | None:
    """When that process was started, where the system says so: its number may have been another's before."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def running_servers(home: Home) -> tuple[tuple[str, ...], str] | None:
    """URLs and engine of the servers that a living 'twin serve' or 'twin up' registered."""
    try:
        found = json.loads((home.root / "server.json").read_text())
        os.kill(found["pid"], 0)
        if found.get("begun") not in (None, _begun(found["pid"])):
            return None  # in a container every copy of the service has the number of the one before
        return tuple(found.get("urls") or [found["url"]]), found["engine"]
    except (OSError, ValueError, KeyError):
        return None


def persona(settings: Settings) -> Persona:
    if not settings.owner.name:
        raise Told(
            "the twin does not know whose it is: owner.name is not set", "'twin init NAME' makes a twin.toml"
        )
    manner = manner_of(settings.owner.languages) if situated(settings) else ()
    return Persona(settings.owner.name.split()[0], tuple(settings.owner.facts), manner)


def situated(settings: Settings) -> Callable[[datetime], datetime] | None:
    """The owner's own time, where prompts say when and where; the tiny stand-in would only be confused."""
    wanted = settings.model.situation
    on = wanted == "on" or (wanted == "auto" and settings.model.base != "pocket")
    return settings.owner.owner().local if on else None


def build_brain(stores: Stores, model: Model, settings: Settings) -> tuple[Brain, LiveAdapter]:
    live = LiveAdapter(
        stores.adapters,
        model.client,
        model.base.name,
        timedelta(seconds=settings.model.answer_seconds + GRACE_SECONDS),
        owner_first=settings.model.canary_owner_first,
        called=served_name,
        slots=model.slots,
    )
    model.client.wanted = live.wanted
    live.changed = partial(stores.cached.forget, ANSWERS)
    brain = Brain(
        model.client,
        live,
        stores.messages,
        persona(settings),
        base_model=model.base.name,
        sampling=Sampling(
            temperature=settings.model.temperature,
            top_p=settings.model.top_p,
            max_tokens=settings.model.max_tokens,
            stop=tuple(settings.model.stop),
        ),
        history=settings.chat.history,
        facts=stores.facts,
        budget=Budget(model.client, stores.cache, answer=settings.model.max_tokens, base=model.base.name),
        local=situated(settings),
        pictures=Pictures(stores.messages, settings.model.pictures if has_eyes(model, settings) else 0),
        memory=build_memory(stores, model.base, settings),
        card_facts=settings.memory.card_facts,
        cached=stores.cached,
        usage=stores.usage,
        policy=_policy(settings),
    )
    return brain, live


def _policy(settings: Settings) -> Policy | None:
    if not settings.model.policy:
        return None
    try:
        return load_policy(settings.model.policy)
    except BadPolicy as bad:
        raise Told(f"model.policy: {bad}", "name an importable module:function that makes a policy") from bad


def has_eyes(model: Model, settings: Settings) -> bool:
    """Whether the model is shown pictures; one that was thought to see and does not says so (400)."""
    if settings.model.vision != "auto":
        return settings.model.vision == "on"
    return model.engine != "embedded" and facts_of(model.base.weights).vision_parameters > 0


def fetching(platforms: Mapping[str, Platform]) -> Fetch:
    """What hangs on a message, from the chat app it came from; the apps may be there only later."""

    async def fetch(platform: str, media: Media, most: int) -> bytes:
        app = platforms.get(platform)
        if app is None:
            raise CannotSee(f"{platform} is not connected here")
        try:
            return await app.fetch(media, most)
        except (ChatUnavailable, ChatRefused) as reason:
            raise CannotSee(str(reason)) from reason

    return fetch


def build_memory(stores: Stores, base: Base, settings: Settings) -> Recaller | None:
    """What the brain recalls with; None where nothing is recalled."""
    memory = settings.memory
    what = memory.recall
    if what == "auto":  # a tiny model makes nothing of quotes, and loses the thread over them
        what = "off" if base.stand_in or is_pocket_sized(base.weights) else "all"
    if what == "off":
        return None
    recall = Recall(
        said=memory.said if what == "all" else 0,
        examples=memory.examples,
        min_match=memory.min_match,
        min_similarity=memory.min_similarity,
        half_life_days=memory.half_life_days,
    )
    embedder = build_embedder(settings)
    return Recaller(stores.memories, recall, embedder and CachedEmbedder(embedder, stores.cached))


def build_embedder(settings: Settings) -> Embedder | None:
    memory = settings.memory
    if not memory.embedder:
        return None
    if memory.embedder_url:
        return ServedEmbedder(memory.embedder_url, memory.embedder)
    from brain.embedded_server.embedder import LocalEmbedder  # the library comes when it is first asked

    return LocalEmbedder(memory.embedder)


def build_authority(settings: Settings) -> Authority:
    accounts = {**settings.owner.accounts, "terminal": OWNER_ID}
    chat = settings.chat
    return Authority(accounts, chat.trainers, chat.allow, chat.block)


def kept_of(stores: Stores) -> Kept:
    """What chats are made of."""
    return Kept(
        stores.messages,
        stores.deliveries,
        stores.feedback,
        stores.chats,
        stores.people,
        stores.questions,
        stores.facts,
    )


def build_talk(
    brain: Brain,
    stores: Stores,
    settings: Settings,
    *,
    platforms: Sequence[Platform] = (),
    rhythm: Rhythm | None = None,
    several: bool = False,
    demonstrate: Demonstrate | None = None,
    unlearn: Unlearn | None = None,
    take_back: TakeBack | None = None,
) -> Conversation:
    """The flow of a chat. `several`: other copies of the service answer on the same database.

    `demonstrate`: see twin/teach.py; without it, /teach has nowhere to keep answers. `unlearn`: see
    twin/forget.py; without it, /forget leaves preference sets alone. `take_back`: see twin/trial.py.
    """
    news = OwnerNews(build_authority(settings), {platform.name: platform for platform in platforms})
    if brain.pictures:
        brain.pictures.fetch = fetching(news.platforms)
    kept = kept_of(stores)
    turns = Turns(
        brain,
        kept,
        settings.chat,
        news,
        rhythm=rhythm or Rhythm(),
        leases=stores.leases if several else None,
        holder=this_process(),
    )
    zone = settings.owner.owner().zones[-1][1]
    drafts = Drafts(kept, news, settings.chat)
    allowance = Allowance(stores.usage, stores.people, settings.limits)
    return Conversation(
        kept, turns, drafts, news, settings.chat, zone, demonstrate, unlearn, take_back, allowance
    )


def build_commands(
    home: Home, settings: Settings, stores: Stores, model: Model, tasks: asyncio.TaskGroup
) -> Commands:
    from twin.adapters import promote
    from twin.learn import learn_in, outcome_in_words

    learning: set[asyncio.Task[None]] = set()

    async def retrain(tell: Tell) -> str:
        if learning:
            return "I am learning already; the outcome will be told here."

        async def work() -> None:
            try:
                outcome = await learn_in(home, settings, stores, model, on_trial=True)
                await tell(outcome_in_words(outcome))
            except Exception as problem:  # a chat app called us: tell, and keep talking
                log.exception("the learning cycle failed")
                await tell(f"Learning stopped: {problem}")

        task = tasks.create_task(work())
        learning.add(task)
        task.add_done_callback(learning.discard)
        return "Learning from the feedback; we can go on talking. The outcome will be told here."

    async def promote_version(version: str) -> str:
        try:
            return await promote(stores, model, settings.learning.gate, version)
        except Told as told:  # said in the chat as it would be in the terminal
            return str(told)

    async def schedule() -> str:
        from twin.schedule_status import status_of

        return (await status_of(home, settings, stores)).in_words()

    return Commands(
        stores.adapters,
        stores.feedback,
        stores.runs,
        model.base.label(),
        retrain=retrain,
        promote=promote_version,
        busy=lambda: bool(learning),
        schedule=schedule,
    )
