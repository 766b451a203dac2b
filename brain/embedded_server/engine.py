"""Who is served next? One thread that owns the model: it reads prompts, steps batches, swaps adapters."""

from __future__ import annotations

import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import torch

from brain.embedded_server.adapters import AdapterRefused
from brain.embedded_server.batch import Batch, Prefix
from brain.embedded_server.metrics import Metrics
from brain.embedded_server.model import LanguageModel
from brain.embedded_server.sampling import TokenLogprob, Wanted, logprobs_of, next_token, random_source
from brain.embedded_server.text import TextStream

PROMPT_CHUNK = 256  # a long prompt must not hold up everybody's next token for longer than this
STEPS_PER_TURN = 4  # switching adapters costs about a step


class UnknownModelName(Exception):
    """Neither the base model nor a loaded adapter goes by this name."""


class EngineStopped(Exception):
    """The engine does not answer any more."""


@dataclass(frozen=True, slots=True)
class PromptRead:
    """The whole prompt has been read; its logprobs if wanted, None for the first token."""

    logprobs: list[TokenLogprob | None]


@dataclass(frozen=True, slots=True)
class Piece:
    """One more token of answer `index`, and the text that may be shown now."""

    index: int
    token_id: int
    text: str
    logprob: TokenLogprob | None
    finish_reason: str | None = None  # stop, length
    stop_reason: int | str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer cannot be finished; nothing more comes."""

    why: str


Event = PromptRead | Piece | Failed


@dataclass(slots=True)
class LoadedAdapter:
    name: str
    path: Path
    key: str  # never used twice, so that an answer keeps its adapter when the name is given to another
    users: int = 0
    drained: Future[None] | None = None  # set: no newcomers, and it goes with its last user


@dataclass(slots=True, eq=False)
class Generation:
    """One request on its way through the engine. `emit` is called on the engine's thread."""

    prompt_ids: list[int]
    wanted: Wanted
    emit: Callable[[Event], None]
    adapter: LoadedAdapter | None = None
    cancelled: bool = False
    prefix: Prefix = field(default_factory=Prefix)
    prompt_logprobs: list[TokenLogprob | None] = field(default_factory=lambda: [None])
    answers_left: int = 0

    @property
    def key(self) -> str | None:
        return self.adapter.key if self.adapter else None


@dataclass(slots=True, eq=False)
class Row:
    """One answer being written."""

    generation: Generation
    index: int
    text: TextStream
    random: torch.Generator
    last_token: int = 0
    made: int = 0


class Engine:
    """Start it once; then everything but `run` may be called from any thread."""

    def __init__(self, model: LanguageModel, served_name: str, *, max_rows: int, max_adapters: int) -> None:
        self.model = model
        self.served_name = served_name
        self.metrics = Metrics()
        self._max_rows = max_rows
        self._max_adapters = max_adapters
        self._lock = threading.Lock()
        self._adapters: dict[str, LoadedAdapter] = {}
        self._keys = itertools.count(1)
        self._inbox: queue.SimpleQueue[Generation | Callable[[], None]] = queue.SimpleQueue()
        self._asked: set[Future[None]] = set()
        self._waiting: deque[Generation] = deque()
        self._rows: dict[str | None, list[Row]] = {}
        self._batches: dict[str | None, Batch] = {}
        self._stopped = False
        self._ended: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    # What others ask for.

    def start(self, ended: Callable[[], None] = lambda: None) -> None:
        """`ended` is called, on the engine's thread, when it has stopped or crashed."""
        self._ended = ended
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._inbox.put(lambda: None)
        self._thread.join(timeout=10)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def adapters(self) -> list[LoadedAdapter]:
        with self._lock:
            return list(self._adapters.values())

    def submit(self, model_name: str | None, generation: Generation) -> None:
        """From here on the request keeps its adapter, whatever is loaded or unloaded meanwhile."""
        if not self.alive:
            raise EngineStopped
        with self._lock:
            if model_name and model_name != self.served_name:
                if model_name not in self._adapters:
                    raise UnknownModelName(model_name)
                generation.adapter = self._adapters[model_name]
                generation.adapter.users += 1
        generation.answers_left = generation.wanted.n
        self._inbox.put(generation)

    def load(self, name: str, path: Path) -> Future[None]:
        """Fails with AdapterRefused. Answers being written go on between the steps of the loading."""
        return self._ask(lambda done: self._load(name, path, done))

    def unload(self, name: str) -> Future[None]:
        """No new request gets the adapter; done when those that have it are finished."""
        return self._ask(lambda done: self._unload(name, done))

    def _ask(self, work: Callable[[Future[None]], None]) -> Future[None]:
        done: Future[None] = Future()

        def attempt() -> None:
            try:
                work(done)
            except (AdapterRefused, UnknownModelName) as error:
                done.set_exception(error)

        if not self.alive:
            raise EngineStopped
        self._asked.add(done)
        done.add_done_callback(self._asked.discard)
        self._inbox.put(attempt)
        return done

    # What the engine's own thread does.

    def _run(self) -> None:
        try:
            while not self._stopped:
                self._take_inbox()
                self._forget_the_cancelled()
                self._read_a_prompt()
                self._write_a_little()
                self._count()
        finally:
            self._fail_everybody()

    def _take_inbox(self) -> None:
        idle = not self._waiting and not self._rows
        while idle or not self._inbox.empty():
            item = self._inbox.get()
            idle = False
            if isinstance(item, Generation):
                self._waiting.append(item)
            else:
                item()

    def _forget_the_cancelled(self) -> None:
        for generation in [one for one in self._waiting if one.cancelled]:
            self._waiting.remove(generation)
            self._finish(generation, "abort")
        for key, rows in list(self._rows.items()):
            gone = {at for at, row in enumerate(rows) if row.generation.cancelled}
            for generation in {rows[at].generation for at in gone}:
                self._finish(generation, "abort")
            self._leave(key, gone)

    def _read_a_prompt(self) -> None:
        """One chunk of the longest waiting prompt; after the last chunk its answers begin."""
        if not self._waiting:
            return
        generation, wanted = self._waiting[0], self._waiting[0].wanted
        busy = sum(len(rows) for rows in self._rows.values())
        if busy and busy + wanted.n > self._max_rows:
            return
        begin = generation.prefix.length
        chunk = generation.prompt_ids[begin : begin + PROMPT_CHUNK]
        try:
            logits = generation.prefix.read(
                self.model, generation.key, chunk, keep=0 if wanted.prompt_logprobs else 1
            )
        except torch.OutOfMemoryError:
            self._waiting.popleft()
            self._fail(generation, "The model server ran out of memory while reading the prompt.")
            return
        if wanted.prompt_logprobs:
            followers = generation.prompt_ids[begin + 1 : begin + 1 + len(chunk)]
            scored = logprobs_of(logits[: len(followers)], followers, wanted.logprobs or 0)
            generation.prompt_logprobs.extend(scored)
        if generation.prefix.length == len(generation.prompt_ids):
            self._waiting.popleft()
            self.metrics.prompt_tokens += len(generation.prompt_ids)
            self._begin_answers(generation, logits[-1])

    def _begin_answers(self, generation: Generation, logits: torch.Tensor) -> None:
        wanted = generation.wanted
        generation.emit(PromptRead(generation.prompt_logprobs))
        if wanted.max_tokens == 0:
            self._finish(generation, "length")
            return
        rows = []
        for index in range(wanted.n):
            text = TextStream(self.model.decoding_tokenizer, generation.prompt_ids, wanted.stop)
            rows.append(Row(generation, index, text, random_source(wanted, index)))
        rows = [row for row in rows if not self._write(row, logits)]
        if rows:
            key = generation.key
            batch = self._batches.setdefault(key, Batch(self.model, key))
            batch.join(generation.prefix, len(rows))
            self._rows.setdefault(key, []).extend(rows)
        generation.prefix = Prefix()

    def _write_a_little(self) -> None:
        """A few tokens for every row of one batch; the next turn is another batch's."""
        if not self._rows:
            return
        key, rows = next(iter(self._rows.items()))
        self._rows[key] = self._rows.pop(key)
        for _ in range(STEPS_PER_TURN):
            try:
                logits = self._batches[key].step([row.last_token for row in rows])
            except torch.OutOfMemoryError:
                for generation in {row.generation for row in rows}:
                    self._fail(generation, "The model server ran out of memory while answering.")
                self._leave(key, set(range(len(rows))))
                return
            self._leave(key, {at for at, row in enumerate(rows) if self._write(row, logits[at])})
            if key not in self._rows or not self._inbox.empty():
                return

    def _write(self, row: Row, logits: torch.Tensor) -> bool:
        """Choose one row's next token and send it; true when that was its last."""
        generation, wanted = row.generation, row.generation.wanted
        token = next_token(logits, wanted, row.random)
        row.last_token = token
        row.made += 1
        self.metrics.generation_tokens += 1
        logprob = None
        if wanted.logprobs is not None:
            logprob = logprobs_of(logits.unsqueeze(0), [token], wanted.logprobs)[0]
        finish: str | None = None
        reason: int | str | None = None
        if token in self.model.end_tokens and not wanted.ignore_end:
            text, finish = row.text.finish(), "stop"
            reason = None if token == self.model.tokenizer.eos_token_id else token
        else:
            text = row.text.push(token)
            if row.text.stopped_by is not None:
                finish, reason = "stop", row.text.stopped_by
            elif row.made >= wanted.max_tokens:
                text, finish = text + row.text.finish(), "length"
        generation.emit(Piece(row.index, token, text, logprob, finish, reason))
        if finish:
            generation.answers_left -= 1
            if generation.answers_left == 0:
                self._finish(generation, finish)
        return finish is not None

    def _leave(self, key: str | None, gone: set[int]) -> None:
        if not gone:
            return
        self._batches[key].leave(gone)
        rows = self._rows[key]
        rows[:] = [row for at, row in enumerate(rows) if at not in gone]
        if not rows:
            del self._rows[key], self._batches[key]

    def _fail(self, generation: Generation, why: str) -> None:
        generation.emit(Failed(why))
        self._finish(generation, "error")

    def _finish(self, generation: Generation, reason: str) -> None:
        self.metrics.finished[reason] += 1
        if (adapter := generation.adapter) is None:
            return
        with self._lock:
            adapter.users -= 1
            drained = adapter.drained if adapter.users == 0 else None
        if drained:
            self._drop(adapter, drained)

    def _load(self, name: str, path: Path, done: Future[None]) -> None:
        if len(self.adapters()) >= self._max_adapters:
            raise AdapterRefused(
                f"{self._max_adapters} adapters are loaded, as many as --max-loras allows; unload one first."
            )
        if name in {self.served_name, *(adapter.name for adapter in self.adapters())}:
            raise AdapterRefused(f"The lora adapter '{name}' has already been loaded.")
        checked = self.model.check_adapter(path, also_known_as=self.served_name)
        adapter = LoadedAdapter(name, path, key=f"adapter{next(self._keys)}")
        self.model.load_adapter(adapter.key, checked)
        with self._lock:
            self._adapters[name] = adapter
        done.set_result(None)

    def _unload(self, name: str, done: Future[None]) -> None:
        with self._lock:
            if name not in self._adapters:
                raise UnknownModelName(name)
            adapter = self._adapters.pop(name)
            adapter.drained = done
            idle = adapter.users == 0
        if idle:
            self._drop(adapter, done)

    def _drop(self, adapter: LoadedAdapter, done: Future[None]) -> None:
        # Not within the step that is under way: its batch still stands under this adapter.
        def drop() -> None:
            self.model.delete_adapter(adapter.key)
            done.set_result(None)

        self._inbox.put(drop)

    def _count(self) -> None:
        running = {row.generation for rows in self._rows.values() for row in rows}
        self.metrics.running = len(running)
        self.metrics.waiting = len(self._waiting)

    def _fail_everybody(self) -> None:
        """Nobody may wait for a thread that is gone."""
        orphans = {*self._waiting, *(row.generation for rows in self._rows.values() for row in rows)}
        while not self._inbox.empty():
            if isinstance(item := self._inbox.get(), Generation):
                orphans.add(item)
        for generation in orphans:
            generation.emit(Failed("The model server is stopping."))
        for done in list(self._asked):
            done.set_exception(EngineStopped())
        self._ended()
