"""The commands that make a training snapshot, and one adapter from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin import show
from twin.console import AsJson, Limit, Recipe, home, run, settings

corpus_app = typer.Typer(help="Records -> a frozen, split training snapshot.", no_args_is_help=True)
train_app = typer.Typer(help="A snapshot -> one adapter.", no_args_is_help=True)


@corpus_app.command("build")
def corpus_build(json: AsJson = False) -> None:
    """Freeze what was ingested into a training snapshot, split by time."""
    from twin.snapshots import build_corpus

    snapshot = run(build_corpus(home(), settings()))
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

    found = corpora(home())
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

    samples = run(show_samples(home(), snapshot_id, limit))
    if json:
        show.as_json(samples)
        return
    for sample in samples:
        for turn in [*sample["prompt"], *sample["completion"]]:
            show.result.print(f"[bold]{turn['role']:>9}[/]  {show.escape(turn['content'])}")
        show.result.print()


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

    adapter = run(train(home(), settings(), method, recipe))
    if json:
        show.as_json(adapter)
    else:
        show.sentence(f"trained {adapter.version} ({adapter.path})")
        for reason in adapter.reasons:
            show.sentence(f"the gate says no: {reason}")
        then = "" if adapter.reasons else f", 'twin adapters promote {adapter.version}'"
        show.sentence(f"next: 'twin evaluate {adapter.version}'{then}")
