"""The command line: one function per command; each parses, builds, calls and shows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from storage.records import Memory
from twin import cli_backup, show
from twin.build import Stores, open_stores
from twin.cli_api import api, password, token_app
from twin.cli_runs import runs_app, schedule
from twin.errors import Told, in_words
from twin.home import Home
from twin.settings import Settings, read_settings

T = TypeVar("T")

app = typer.Typer(
    help="A digital twin that lives in your chats, answers as you, and learns from every reaction.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
corpus_app = typer.Typer(help="Records -> a frozen, split training snapshot.", no_args_is_help=True)
train_app = typer.Typer(help="A snapshot -> one adapter.", no_args_is_help=True)
adapters_app = typer.Typer(help="What has been learned, and which of it answers.", no_args_is_help=True)
records_app = typer.Typer(help="What was ingested.", no_args_is_help=True)
feedback_app = typer.Typer(help="What people said about the answers.", no_args_is_help=True)
memory_app = typer.Typer(help="What the twin would recall, and for whom.", no_args_is_help=True)
app.add_typer(corpus_app, name="corpus")
app.add_typer(train_app, name="train")
app.add_typer(adapters_app, name="adapters")
app.add_typer(records_app, name="records")
app.add_typer(feedback_app, name="feedback")
app.add_typer(cli_backup.app)
app.add_typer(runs_app, name="runs")
app.command("schedule")(schedule)
app.add_typer(memory_app, name="memory")
app.add_typer(token_app, name="token")
app.command("api")(api)
app.command("password")(password)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]
Limit = Annotated[int, typer.Option(help="How many at the most.")]
Since = Annotated[datetime | None, typer.Option(help="Only what was said from then on (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Only what was said before then (UTC).")]

_home = Home(Path("data"))


@app.callback()
def at_home(
    home: Annotated[
        Path, typer.Option(envvar="TWIN_HOME", help="The folder that holds everything this twin owns.")
    ] = Path("data"),
) -> None:
    global _home
    _home = Home(home.expanduser().absolute())


def the_home() -> Home:
    return _home


@contextmanager
def problems_in_words() -> Iterator[None]:
    """What goes wrong in the world is told in words, exit code 1 or 2; a bug keeps its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        show.sentence("stopped; what was done so far is kept")
        raise typer.Exit(130) from None
    except Exception as problem:
        if (told := in_words(problem)) is None:
            raise
        show.people.print(f"[bold red]✗[/] {show.escape(told.what)}")
        if told.advice:
            show.people.print(f"  {show.escape(told.advice)}")
        raise typer.Exit(told.exit_code) from None


def run(work: Coroutine[Any, Any, T]) -> T:
    with problems_in_words():
        return asyncio.run(work)
    raise AssertionError("unreachable")


def home() -> Home:
    return _home


def settings() -> Settings:
    with problems_in_words():
        _home.make()
        return read_settings(_home)
    raise AssertionError("unreachable")


def stored(work: Callable[[Stores], Awaitable[T]]) -> T:
    """What somebody wants of the database of this home."""

    async def opened() -> T:
        async with open_stores(_home, settings()) as stores:
            return await work(stores)

    return run(opened())


@app.command()
def demo(
    yes: Annotated[bool, typer.Option("--yes", help="Do not wait for anybody: play it through.")] = False,
    json: AsJson = False,
    seed: Annotated[int, typer.Option(help="Another seed tells the same story with other dice.")] = 0,
    folder: Annotated[Path, typer.Option(help="Where the demo's own home goes.")] = Path("demo"),
) -> None:
    """The whole loop on this machine, in a terminal: no account, no GPU, no download of weights."""
    from twin.demo import tell_the_story

    run(tell_the_story(folder.absolute(), by_itself=yes or json, seed=seed, json=json))


@app.command()
def init(name: Annotated[str, typer.Argument(help="The owner's name, as the twin says it.")]) -> None:
    """Make a home with a twin.toml to fill in."""
    from twin.init import write_first_settings

    with problems_in_words():
        _home.make()
        path = write_first_settings(_home, name)
    show.sentence(f"wrote {path}: fill it in, then 'twin doctor'")


@app.command()
def up(
    only: Annotated[
        str | None,
        typer.Option(help="Some parts only: model, discord, telegram, schedule, runner; with commas."),
    ] = None,
) -> None:
    """The service: everything that twin.toml switches on. Its parts may be processes of their own."""
    from twin.components import chosen
    from twin.up import serve_until_stopped

    with problems_in_words():
        parts = chosen(only)
    run(serve_until_stopped(_home, settings(), parts=parts))


@app.command()
def chat() -> None:
    """Talk to the twin in the terminal; thumbs and corrections count."""
    from twin.chat import talk

    run(talk(_home, settings()))


@app.command()
def serve(
    engine: Annotated[str | None, typer.Option(help="auto, embedded or vllm.")] = None,
    port: Annotated[int, typer.Option(help="On this machine only: 127.0.0.1. The first one's.")] = 8000,
    replicas: Annotated[
        int | None, typer.Option(help="How many; default: as many as the GPUs hold, else one.")
    ] = None,
) -> None:
    """Start the model servers for this machine, in the foreground, with flags that fit it."""
    from twin.serve import serve_model

    run(serve_model(_home, settings(), engine=engine, port=port, replicas=replicas))


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="Its name (a wrong one lists them), or auto.")],
    path: Annotated[Path, typer.Argument(help="The export: a file, a folder or a zip.")],
    again: Annotated[bool, typer.Option("--again", help="Read it even if nothing in it changed.")] = False,
    json: AsJson = False,
) -> None:
    """Read one source once. Reading it again changes nothing."""
    from twin.remember import ingest_export

    ledger = run(ingest_export(_home, settings(), source, path, again=again))
    if json:
        show.as_json(ledger.as_json())
    else:
        rows = [("seen", ledger.seen), ("kept", ledger.kept), ("merged, known already", ledger.merged)]
        rows += [(f"dropped: {why}", count) for why, count in sorted(ledger.dropped.items())]
        rows += [(f"failed: {why}", count) for why, count in sorted(ledger.failed.items())]
        rows += [(f"not known: {one}", one.count) for one in ledger.unknown]
        show.table(f"{ledger.source}: {path}", ("what", "how many"), rows)
        if ledger.unchanged:
            show.sentence("unchanged since it was read last; --again reads it all the same")
        for skipped in ledger.skipped[:20]:
            show.sentence(f"  {skipped.where}: {skipped.why}")
        if len(ledger.skipped) > 20:
            show.sentence(f"  ... and {len(ledger.skipped) - 20} more; --json names them all")
    if not ledger.kept + ledger.merged:
        raise typer.Exit(1)


@app.command()
def sync(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Default: every configured one.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="From the very beginning, not from where it was.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Read every configured source on from where it was: what is new, changed or gone."""
    from twin.sync import sync_all

    done = run(sync_all(_home, settings(), sources or [], again))
    if json:
        show.as_json(done.as_json())
    else:
        columns = ("source", "seen", "kept", "merged", "dropped", "failed", "deleted", "rate")
        show.table("sync", columns, done.rows())
        for path in done.unchanged:
            show.sentence(f"  {path}: unchanged")
        for report in done.reports:
            for one in report.ledger.unknown:
                show.sentence(f"  {report.ledger.source}: not known: {one}, {one.count} times")
            for trouble in report.troubles:
                show.sentence(
                    f"  {' '.join(filter(None, (report.ledger.source, trouble.container)))}: {trouble.why}"
                )
    if not done.well:
        raise typer.Exit(1)


@app.command()
def review(
    name: Annotated[str | None, typer.Argument(help="A name from the list.")] = None,
    verdict: Annotated[str | None, typer.Argument(help="person, no or later.")] = None,
    originals: Annotated[
        bool, typer.Option("--originals", help="Who the placeholders stand for; needs the vault's key.")
    ] = False,
    new_key: Annotated[bool, typer.Option("--new-key", help="Make a key for the vault.")] = False,
    json: AsJson = False,
) -> None:
    """Names that nobody known answers to: say who is a person, and they are pseudonymised, too."""
    from ingest.vault import new_key as make_key
    from twin import review as names

    with problems_in_words():
        if new_key:
            show.result.print(make_key())
        elif name:
            one = run(names.decide(_home, settings(), name, verdict or "later"))
            show.as_json(one) if json else names.show_decided([one])
        elif json:
            show.as_json(names.as_json(_home, settings(), originals=originals))
        elif originals:
            people = names.known_people(_home, settings())
            rows = [(placeholder, ", ".join(said)) for placeholder, said in people.items()]
            show.table("who is who", ("placeholder", "stands for"), rows)
        elif show.people.is_terminal and names.waiting(_home):
            names.show_decided(run(names.ask(_home, settings(), _ask_about)))
        else:
            names.show_waiting(names.waiting(_home))


def _ask_about(stranger: Any) -> str:
    answers = {"p": "person", "n": "no", "l": "later", "q": "quit"}
    show.sentence(f"\n{stranger.name}, in {stranger.count} records")
    for context in stranger.contexts:
        show.sentence(f"    {context}")
    letter = typer.prompt("[p]erson, [n]obody, [l]ater, [q]uit", default="l", err=True)
    return answers.get(letter[:1].lower(), "later")


@records_app.command("list")
def records_list(
    source: str | None = None,
    tag: str | None = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    json: AsJson = False,
) -> None:
    """What was ingested, newest last."""
    from twin.remember import find_records

    found = run(find_records(_home, settings(), source, tag, since, until, limit))
    if json:
        show.as_json(found)
        return
    rows = [
        (r.id[:12], r.source, f"{r.said_at:%Y-%m-%d %H:%M}", "owner" if r.by_owner else r.author_id, r.text)
        for r in found
    ]
    show.table(f"{len(found)} records", ("id", "source", "said (UTC)", "by", "text"), rows)


@records_app.command("show")
def records_show(
    record_id: Annotated[str, typer.Argument(help="The id, or how it begins.")], json: AsJson = False
) -> None:
    """Everything about one record."""
    from twin.remember import one_record

    record = run(one_record(_home, settings(), record_id))
    if json:
        show.as_json(record)
    else:
        show.table(record.id, ("what", "is"), [(name, getattr(record, name)) for name in record.__slots__])


@records_app.command("tag")
def records_tag(
    record_id: Annotated[str, typer.Argument(help="The id, or how it begins.")],
    tags: Annotated[str, typer.Argument(help="What it is about: technical,personal,creative or your own.")],
    json: AsJson = False,
) -> None:
    """Say what a record is about; it is remembered, for texts that nearly say the same too."""
    from twin.remember import tag_record

    record, others = run(tag_record(_home, settings(), record_id, tags))
    if json:
        show.as_json({"id": record.id, "tags": record.tags, "others": others})
    else:
        follow = f"; {others} that nearly say the same follow it" if others else ""
        show.sentence(f"{record.id[:12]} is about {', '.join(record.tags)}{follow}")


@records_app.command("export")
def records_export(
    path: Annotated[Path, typer.Argument(help="Where to write JSONL.")],
    source: str | None = None,
    tag: str | None = None,
    since: Since = None,
    until: Until = None,
    json: AsJson = False,
) -> None:
    """Every record that fits, one JSON object a line."""
    from twin.remember import export_records

    count = run(export_records(_home, settings(), path, source, tag, since, until))
    _wrote(count, "records", path, json)


@memory_app.command("search")
def memory_search(
    words: Annotated[list[str], typer.Argument(help="What somebody might ask.")],
    chat: Annotated[
        str | None, typer.Option("--for", help="The chat, platform:id, that would hear it; else your own.")
    ] = None,
    limit: Limit = 20,
    json: AsJson = False,
) -> None:
    """What would come back to whoever is there, the best first."""
    from twin.memory import search

    async def work() -> list[tuple[Memory, float]]:
        async with open_stores(_home, settings()) as stores:
            return await search(stores, settings(), " ".join(words), chat, limit)

    found = run(work())
    if json:
        show.as_json([asdict(memory) | {"good": round(good, 3)} for memory, good in found])
        return
    rows = [
        (
            f"{good:.2f}",
            f"{memory.said_at:%Y-%m-%d}",
            memory.speaker_name or memory.speaker,
            memory.audience,
            f"{memory.text} -> {memory.answer}" if memory.answer else memory.text,
        )
        for memory, good in found
    ]
    show.table(f"{len(found)} memories", ("good", "said", "by", "for", "text"), rows)


@memory_app.command("stats")
def memory_stats(json: AsJson = False) -> None:
    """How much there is to recall."""

    async def work() -> dict[str, int]:
        async with open_stores(_home, settings()) as stores:
            return await stores.memories.counts()

    counts = run(work())
    if json:
        show.as_json(counts)
    else:
        show.table("memories", ("kind", "how many"), sorted(counts.items()))


@corpus_app.command("build")
def corpus_build(json: AsJson = False) -> None:
    """Freeze what was ingested into a training snapshot, split by time."""
    from twin.snapshots import build_corpus

    snapshot = run(build_corpus(_home, settings()))
    card, picture = snapshot.path / "card.html", snapshot.path / "card.png"
    if json:
        told = {"id": snapshot.id, **snapshot.counts, "card": card, "picture": picture}
        show.as_json(told if picture.exists() else told | {"picture": None})
        return
    show.table(f"snapshot {snapshot.id}", ("part", "samples"), list(snapshot.counts.items()))
    show.sentence(f"data card: {card}")
    missing = "none: drawing it needs matplotlib, which comes with the extra 'train'"
    show.sentence(f"picture: {picture if picture.exists() else missing}")


@corpus_app.command("stats")
def corpus_stats(json: AsJson = False) -> None:
    """Every snapshot and how much is in it; of the newest one, what balancing changed."""
    from twin.snapshots import corpora, data_card

    found = corpora(_home)
    if json:
        show.as_json([{"id": snapshot.id, **snapshot.counts} for snapshot in found])
        return
    names = list(dict.fromkeys(name for snapshot in found for name in snapshot.counts))
    rows = [(s.id, *(s.counts.get(name, "-") for name in names), s.path / "card.html") for s in found]
    show.table("snapshots", ("id", *names, "card"), rows)
    if found and (balance := data_card(found[-1]).get("balance")):
        changes = [
            (dimension, value, before, after)
            for dimension, values in balance.items()
            for value, (before, after) in values.items()
        ]
        show.table(f"\ntraining in {found[-1].id}", ("", "kind", "before balancing", "after"), changes)


@corpus_app.command("show")
def corpus_show(
    snapshot_id: Annotated[str | None, typer.Argument(help="Default: the newest.")] = None,
    limit: Limit = 5,
    json: AsJson = False,
) -> None:
    """A few samples, as the trainer sees them."""
    from twin.snapshots import show_samples

    samples = run(show_samples(_home, snapshot_id, limit))
    if json:
        show.as_json(samples)
        return
    for sample in samples:
        for turn in [*sample["prompt"], *sample["completion"]]:
            show.result.print(f"[bold]{turn['role']:>9}[/]  {show.escape(turn['content'])}")
        show.result.print()


Recipe = Annotated[Path | None, typer.Option("--recipe", help="A TOML file that overrides the defaults.")]


@train_app.command("sft")
def train_sft(recipe: Recipe = None, json: AsJson = False) -> None:
    """Imitate the owner's own words. Continues where a killed run stopped."""
    _train("sft", recipe, json)


@train_app.command("distil")
def train_distil(recipe: Recipe = None, json: AsJson = False) -> None:
    """Imitate the owner, and learn from a teacher of any tokenizer how likely every piece of it is."""
    _train("distil", recipe, json)


@train_app.command("dpo")
def train_dpo(recipe: Recipe = None, json: AsJson = False) -> None:
    """Learn from pairs: the correction against what was said. Trains only; 'twin learn' promotes, too."""
    _train("dpo", recipe, json)


@train_app.command("kto")
def train_kto(recipe: Recipe = None, json: AsJson = False) -> None:
    """Learn from single thumbs. Trains only; 'twin learn' promotes, too."""
    _train("kto", recipe, json)


@train_app.command("rlhf")
def train_rlhf(recipe: Recipe = None, json: AsJson = False) -> None:
    """Learn from rewards: how like the owner a reply is, and a model of what people prefer. Trains only."""
    _train("rlhf", recipe, json)


@train_app.command("hindsight")
def train_hindsight(recipe: Recipe = None, json: AsJson = False) -> None:
    """Learn from complaints in words. Trains only; 'twin learn' promotes, too."""
    _train("hindsight", recipe, json)


def _train(method: str, recipe: Path | None, json: bool) -> None:
    from twin.train import train

    adapter = run(train(_home, settings(), method, recipe))
    if json:
        show.as_json(adapter)
    else:
        show.sentence(f"trained {adapter.version} ({adapter.path})")
        show.sentence(f"next: 'twin evaluate {adapter.version}', 'twin adapters promote {adapter.version}'")


@app.command()
def learn(
    recipe: Recipe = None,
    again: Annotated[bool, typer.Option("--again", help="Even when there is no new feedback.")] = False,
    json: AsJson = False,
) -> None:
    """One online-learning cycle: collect, train, evaluate, gate, promote."""
    from twin.learn import learn_once, outcome_in_words

    outcome = run(learn_once(_home, settings(), recipe, again))
    if json:
        show.as_json(outcome.as_json())
    else:
        show.sentence(outcome_in_words(outcome))


@app.command()
def evaluate(
    version: Annotated[str | None, typer.Argument(help="An adapter; not needed for --ab-results.")] = None,
    against: Annotated[str | None, typer.Option(help="Default: the live one.")] = None,
    ab: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a blind test for friends there instead.")
    ] = None,
    ab_prompts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own made-up prompts for it, one a line.")
    ] = None,
    ab_results: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Count what a friend sent back; repeat it.")
    ] = None,
    json: AsJson = False,
) -> None:
    """How much like the owner is an adapter, and what would the gate say? Figures, and a page beside them."""
    from twin.ask_friends import blind_test, picks_in_words, picks_of_friends
    from twin.evaluate import evaluate_adapter

    if ab_results:
        found = run(picks_of_friends(_home, settings(), ab_results))
        if json:
            show.as_json(found)
        else:
            for sentence in picks_in_words(found):
                show.sentence(sentence)
        return
    if version is None:
        raise Told("which adapter?", "twin evaluate VERSION; 'twin adapters list' names them", exit_code=2)
    if ab:
        page = run(blind_test(_home, settings(), version, against, ab, ab_prompts))
        if json:
            show.as_json({"page": page})
        else:
            show.sentence(f"wrote {page}: send it to friends; count what comes back with --ab-results FILE")
        return
    report = run(evaluate_adapter(_home, settings(), version, against))
    if json:
        show.as_json(report.as_json())
    else:
        show.table(f"{version}", ("figure", *report.columns), report.rows())
        for sentence in report.verdict():
            show.sentence(sentence)
        show.sentence(f"page: {report.html}")


@adapters_app.command("list")
def adapters_list(json: AsJson = False) -> None:
    """What has been learned so far; → marks the one that answers, ~ the canary beside it."""

    async def work() -> list[Any]:
        async with open_stores(_home, settings()) as stores:
            return list(await stores.adapters.all())

    found = run(work())
    if json:
        show.as_json(found)
    else:
        rows = [
            (
                {"live": "→", "canary": "~"}.get(a.state, ""),
                a.version,
                a.method,
                a.state if a.canary_share is None else f"{a.state} of {a.canary_share:.0%}",
                f"{a.created_at:%Y-%m-%d %H:%M}",
                "; ".join(a.reasons),
            )
            for a in found
        ]
        show.table("adapters", ("", "version", "method", "state", "made (UTC)", "reasons"), rows)


@adapters_app.command("show")
def adapters_show(version: str, json: AsJson = False) -> None:
    """Everything about one adapter."""
    from twin.adapters import one_adapter
    from twin.train import rewards_of

    adapter = run(one_adapter(_home, settings(), version))
    rewards = rewards_of(adapter)
    if json:
        told = {name: {"before": float(before), "after": float(after)} for name, before, after in rewards}
        show.as_json({**asdict(adapter), **({"rewards": told} if told else {})})
    else:
        rows = [(name, getattr(adapter, name)) for name in adapter.__slots__ if name != "lineage"]
        show.table(version, ("what", "is"), [*rows, ("lineage", f"{len(adapter.lineage)} samples")])
        if rewards:
            show.table("\nrewards, means on held-out prompts", ("reward", "before", "after"), rewards)


@adapters_app.command("promote")
def adapters_promote(version: str, json: AsJson = False) -> None:
    """Let this one answer, after checking its folder and probing it on the server."""
    from twin.adapters import promote_adapter

    told = run(promote_adapter(_home, settings(), version))
    if json:
        show.as_json({"live": version})
    else:
        show.sentence(told)


@adapters_app.command("canary")
def adapters_canary(
    version: str,
    share: Annotated[float | None, typer.Option(help="Of the chats; default: the setting.")] = None,
    json: AsJson = False,
) -> None:
    """Let this one answer some of the chats, always the same ones, beside the live one."""
    from twin.adapters import canary_adapter

    told = run(canary_adapter(_home, settings(), version, share))
    if json:
        show.as_json({"canary": version})
    else:
        show.sentence(told)


@adapters_app.command("rollback")
def adapters_rollback(json: AsJson = False) -> None:
    """End the canary; without one, go back to the one before. It counts from the next message on."""

    async def work() -> str | None:
        async with open_stores(_home, settings()) as stores:
            promotion = await stores.adapters.roll_back("asked for on the command line")
            return promotion.version

    live = run(work())
    if json:
        show.as_json({"live": live})
    else:
        show.sentence(f"{live or 'the base model'} answers from the next message on")


Target = Annotated[Path, typer.Argument(help="A folder that is not there yet.")]


@adapters_app.command("merge")
def adapters_merge(version: str, folder: Target, json: AsJson = False) -> None:
    """Write base and adapter as one model, for servers without adapters."""
    _merge(version, folder, None, json)


@adapters_app.command("export")
def adapters_export(
    version: str,
    folder: Target,
    kind: Annotated[str, typer.Option("--format", help="fp8, awq or gptq.")] = "fp8",
    json: AsJson = False,
) -> None:
    """The same in fewer bits, as vLLM reads it. Needs llm-compressor."""
    _merge(version, folder, kind, json)


def _merge(version: str, folder: Path, kind: str | None, json: bool) -> None:
    from twin.adapters import merge_adapter

    written = run(merge_adapter(_home, settings(), version, folder.absolute(), kind))
    if json:
        show.as_json({"version": version, "format": kind or "merged", "folder": str(written)})
    else:
        show.sentence(f"written: {written}")


@feedback_app.command("list")
def feedback_list(limit: Limit = 20, json: AsJson = False) -> None:
    """The signals that count, newest last."""
    from twin.feedback import effective_feedback

    found = run(effective_feedback(_home, settings()))[-limit:]
    if json:
        show.as_json([signal for signal, _ in found])
    else:
        rows = [
            (f"{f.given_at:%Y-%m-%d %H:%M}", f.role, f.kind, reply.text if reply else "", f.text or "")
            for f, reply in found
        ]
        show.table("feedback", ("given (UTC)", "by", "kind", "about", "better"), rows)


@feedback_app.command("export")
def feedback_export(
    path: Annotated[Path, typer.Argument(help="Where to write JSONL.")], json: AsJson = False
) -> None:
    """Preference data other trainers read: prompt, chosen and rejected, or prompt, completion and label."""
    from twin.feedback import export_feedback

    _wrote(run(export_feedback(_home, settings(), path)), "rows", path, json)


def _wrote(count: int, what: str, path: Path, json: bool) -> None:
    if json:
        show.as_json({"written": count, "path": path})
    else:
        show.sentence(f"wrote {count} {what} to {path}")


@app.command()
def usage(
    by: Annotated[str, typer.Option(help="day, person or chat.")] = "day",
    days: Annotated[int, typer.Option(min=1, help="How many days back.")] = 30,
    json: AsJson = False,
) -> None:
    """How many tokens and seconds the answers took."""
    from twin.usage import spent

    run(spent(_home, settings(), by, days, json))


@app.command()
def forget(
    what: Annotated[str, typer.Argument(help="A record's id, a placeholder, a name, platform:id, or ALL.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only what would go is shown.")] = False,
    backups: Annotated[
        bool, typer.Option("--backups", help="Delete the backups, too: they cannot be rewritten.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Take a record, a person or everything out of all there is, and learn anew what learned from it."""
    from twin.find_traces import find_traces
    from twin.forget import forget as take_out
    from twin.traces import in_words

    async def work() -> dict[str, Any]:
        async with open_stores(_home, settings()) as stores:
            traces = await find_traces(_home, settings(), stores, what)
            if not yes:
                return traces.receipt(False)
            return await take_out(_home, settings(), stores, traces, with_backups=backups)

    receipt = run(work())
    if json:
        show.as_json(receipt)
        return
    show.table(f"{'forgotten' if yes else 'found'}: {receipt['what']}", ("where", "what"), in_words(receipt))
    if not yes:
        show.sentence("nothing is deleted yet: the same command with --yes does it, and cannot be undone")
    else:
        show.sentence(f"receipt: {receipt['receipt']}")


@app.command()
def upgrade(json: AsJson = False) -> None:
    """Bring the database up to date, with a copy of an SQLite file from before."""
    from twin.upgrade import upgrade as bring_up_to_date

    done = run(bring_up_to_date(_home, settings()))
    if json:
        show.as_json({**asdict(done), "copy": str(done.copy) if done.copy else None})
    else:
        show.sentence(done.in_words())


@app.command()
def doctor(
    quick: Annotated[
        bool, typer.Option("--quick", help="Only whether the database and the model answer.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Is everything reachable and configured? What is missing, in one table."""
    from twin.doctor import examine

    findings = run(examine(_home, settings(), quick=quick))
    if json:
        show.as_json(findings)
    else:
        show.table(
            "doctor",
            ("", "what", "found", "do this"),
            [("✓" if f.well else "✗", f.what, f.found, f.advice) for f in findings],
        )
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)
