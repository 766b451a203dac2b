"""The command line: one function per command; each parses, builds, calls and shows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from twin import cli_backup, show
from twin.build import open_stores
from twin.cli_adapters import adapters_app, feedback_app
from twin.cli_api import api, password, token_app
from twin.cli_corpus import corpus_app, train_app
from twin.cli_records import memory_app, records_app
from twin.cli_runs import runs_app, schedule
from twin.console import AsJson, Recipe, at_home, home, problems_in_words, run, settings
from twin.errors import Told

app = typer.Typer(
    help="A digital twin that lives in your chats, answers as you, and learns from every reaction.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(at_home)
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
        home().make()
        path = write_first_settings(home(), name)
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
    run(serve_until_stopped(home(), settings(), parts=parts))


@app.command()
def host(
    folder: Annotated[Path, typer.Argument(help="Every folder in it with a twin.toml is one twin's home.")],
    listed: Annotated[bool, typer.Option("--list", help="Only what is there, and how it goes.")] = False,
    json: AsJson = False,
) -> None:
    """The service for many: every twin of that folder in one process, on the same model servers."""
    from twin.host import host_until_stopped
    from twin.host_board import as_told, show_board

    if not (listed or json):
        run(host_until_stopped(folder.expanduser().absolute()))
        return
    with problems_in_words():
        told = as_told(folder.expanduser().absolute())
    show.as_json(told) if json else show_board(told)


@app.command()
def chat() -> None:
    """Talk to the twin in the terminal; thumbs and corrections count."""
    from twin.chat import talk

    run(talk(home(), settings()))


@app.command()
def serve(
    engine: Annotated[str | None, typer.Option(help="auto, embedded or vllm.")] = None,
    port: Annotated[
        int, typer.Option(min=1, max=65_535, help="On this machine only: 127.0.0.1. The first one's.")
    ] = 8000,
    replicas: Annotated[
        int | None, typer.Option(min=1, help="How many; default: as many as the GPUs hold, else one.")
    ] = None,
) -> None:
    """Start the model servers for this machine, in the foreground, with flags that fit it."""
    from twin.serve import serve_model

    run(serve_model(home(), settings(), engine=engine, port=port, replicas=replicas))


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="Its name (a wrong one lists them), or auto.")],
    path: Annotated[Path, typer.Argument(help="The export: a file, a folder or a zip.")],
    again: Annotated[bool, typer.Option("--again", help="Read it even if nothing in it changed.")] = False,
    json: AsJson = False,
) -> None:
    """Read one source once. Reading it again changes nothing."""
    from twin.remember import ingest_export

    ledger = run(ingest_export(home(), settings(), source, path, again=again))
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

    done = run(sync_all(home(), settings(), sources or [], again))
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
            one = run(names.decide(home(), settings(), name, verdict or "later"))
            show.as_json(one) if json else names.show_decided([one])
        elif json:
            show.as_json(names.as_json(home(), settings(), originals=originals))
        elif originals:
            people = names.known_people(home(), settings())
            rows = [(placeholder, ", ".join(said)) for placeholder, said in people.items()]
            show.table("who is who", ("placeholder", "stands for"), rows)
        elif show.people.is_terminal and names.waiting(home()):
            names.show_decided(run(names.ask(home(), settings(), _ask_about)))
        else:
            names.show_waiting(names.waiting(home()))


def _ask_about(stranger: Any) -> str:
    answers = {"p": "person", "n": "no", "l": "later", "q": "quit"}
    show.sentence(f"\n{stranger.name}, in {stranger.count} records")
    for context in stranger.contexts:
        show.sentence(f"    {context}")
    letter = typer.prompt("[p]erson, [n]obody, [l]ater, [q]uit", default="l", err=True)
    return answers.get(letter[:1].lower(), "later")


@app.command()
def learn(
    recipe: Recipe = None,
    again: Annotated[bool, typer.Option("--again", help="Even when there is no new feedback.")] = False,
    json: AsJson = False,
) -> None:
    """One online-learning cycle: collect, train, evaluate, gate, promote."""
    from twin.learn import learn_once, outcome_in_words

    outcome = run(learn_once(home(), settings(), recipe, again))
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
    from twin.evaluate import evaluate_once

    if ab_results:
        found = run(picks_of_friends(home(), settings(), ab_results))
        if json:
            show.as_json(found)
        else:
            for sentence in picks_in_words(found):
                show.sentence(sentence)
        return
    if version is None:
        with problems_in_words():
            raise Told(
                "which adapter?", "twin evaluate VERSION; 'twin adapters list' names them", exit_code=2
            )
    if ab:
        page = run(blind_test(home(), settings(), version, against, ab, ab_prompts))
        if json:
            show.as_json({"page": page})
        else:
            show.sentence(f"wrote {page}: send it to friends; count what comes back with --ab-results FILE")
        return
    report = run(evaluate_once(home(), settings(), version, against))
    if json:
        show.as_json(report.as_json())
    else:
        show.table(f"{version}", ("figure", *report.columns), report.rows())
        for sentence in report.verdict():
            show.sentence(sentence)
        show.sentence(f"page: {report.html}")


@app.command()
def usage(
    by: Annotated[str, typer.Option(help="day, person or chat.")] = "day",
    days: Annotated[int, typer.Option(min=1, max=36_500, help="How many days back.")] = 30,
    json: AsJson = False,
) -> None:
    """How many tokens and seconds the answers took."""
    from twin.usage import spent

    run(spent(home(), settings(), by, days, json))


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
        async with open_stores(home(), settings()) as stores:
            traces = await find_traces(home(), settings(), stores, what)
            if not yes:
                return traces.receipt(False)
            return await take_out(home(), settings(), stores, traces, with_backups=backups)

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
    """Bring the database up to date, with a copy from before."""
    from twin.upgrade import upgrade as bring_up_to_date

    done = run(bring_up_to_date(home(), settings()))
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

    findings = run(examine(home(), settings(), quick=quick))
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
