"""What is a cycle going to train? From how much there is of each kind of feedback to a list of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learning.adapter_folder import check
from learning.jobs import AnyStep, DpoStep, HindsightStep, InterpolateStep, KtoStep, SftStep
from learning.preferences import Preferences
from learning.recipes import (
    IMITATING,
    DpoRecipe,
    HindsightRecipe,
    InterpolationRecipe,
    KtoRecipe,
    R,
    SftRecipe,
    for_base,
)
from learning.routing import Place
from learning.rows import read_rows
from learning.settings import LearningSettings
from storage.records import Adapter, AdapterState


@dataclass(frozen=True, slots=True)
class Plan:
    """What a cycle is going to train, in order; the last adapter is the candidate."""

    steps: tuple[AnyStep, ...]
    trained: tuple[Path, ...]

    @property
    def candidate(self) -> Path:
        return self.trained[-1]

    def less_far(self, report: Mapping[str, Any]) -> Plan | None:
        """The candidate's way again, not all of it; None: the candidate is no mixture.

        `report`: of the step that made it. What was trained for it is trained already.
        """
        mixed = self.steps[-1]
        if not isinstance(mixed, InterpolateStep):
            return None
        folders = _Folders(mixed.adapter.parent, 1 + int(mixed.adapter.name.rpartition("-")[2]))
        changes = {"recipe": mixed.recipe.only(nearer(report)), "adapter": folders.next("mix")}
        step = mixed.model_copy(update=changes)
        return Plan((step,), tuple(folders.given))


def nearer(report: Mapping[str, Any]) -> float:
    """Half of the share that a mixture's `report` chose, or as much more as keeps half of its margin.

    Of words that were never said, the better ones begin to win late on the way: half of it may win nothing.
    """
    share = float(report["share"])
    margins: dict[float, float] = {
        one["share"]: one["margin"]
        for one in report["candidates"]
        if one["share"] <= share and one["margin"] is not None
    }
    enough = margins.get(share, 0.0) / 2
    far, half = share, share / 2
    for near in sorted(margins, reverse=True)[1:] if enough > 0 else ():
        if margins[near] < enough:
            part = (enough - margins[near]) / (margins[far] - margins[near])
            return max(half, near + part * (far - near))
        far = near
    return half


def plan_of(
    home: Path,
    base: str,
    corpus: Path,
    settings: LearningSettings,
    preferences: Preferences,
    known: Sequence[Adapter],
    live: Adapter | None,
    *,
    anew: bool = False,
) -> Plan | None:
    """Corrections first, for they say most, then complaints, then thumbs; then how far to go that way.

    `anew`: from a new SFT adapter on, and that alone where there is not enough feedback of any kind; without
    it, None there.
    """
    wanted = _worth_training(base, settings, preferences)
    if not wanted and not anew:
        return None
    folders = _Folders(home / "adapters", len(known) + 1)
    steps: list[AnyStep] = []
    start = None if anew else _start(home, base, settings, known, live, preferences.signals)
    if start is None:
        start = folders.next("sft")
        sft = _recipe(SftRecipe, "sft", base, settings)
        steps.append(SftStep(base=base, data=corpus, recipe=sft, adapter=start))
    if not wanted:
        return Plan(tuple(steps), tuple(folders.given))
    last = start
    for step, recipe in wanted:
        folder = folders.next(step.model_fields["kind"].default)
        steps.append(
            step(base=base, data=preferences.path, recipe=recipe, adapter=folder, parent=last, replay=corpus)
        )
        last = folder
    # Half of what the gate allows: it holds the far end of an interval against that, and this is the middle.
    limits = {"max_nll_rise": settings.gate.max_nll_rise / 2, "max_length": wanted[0][1].max_length}
    steps.append(
        InterpolateStep(
            base=base,
            previous=start,
            trained=last,
            recipe=InterpolationRecipe.model_validate(limits),
            corpus=corpus,
            preferences=preferences.path,
            adapter=folders.next("mix"),
            live=home / "adapters" / live.version if live else None,
        )
    )
    return Plan(tuple(steps), tuple(folders.given))


def _worth_training(
    base: str, settings: LearningSettings, preferences: Preferences
) -> list[tuple[type[Any], Any]]:
    """The kinds of step there is enough feedback for, and their recipes."""
    dpo = _recipe(DpoRecipe, "dpo", base, settings)
    kto = _recipe(KtoRecipe, "kto", base, settings)
    hindsight = _recipe(HindsightRecipe, "hindsight", base, settings)
    thumbs = read_rows(preferences.path / "thumbs.jsonl")
    # Of one kind only, they would teach nothing but to say everything more, or less.
    both_kinds = len({row["label"] for row in thumbs}) == 2
    complaints = preferences.counts.get(Place.HINDSIGHT, 0)
    enough = (
        (DpoStep, dpo, preferences.counts[Place.PAIR] >= dpo.min_rows),
        (HindsightStep, hindsight, complaints >= max(hindsight.min_rows, settings.min_complaints)),
        (KtoStep, kto, both_kinds and len(thumbs) >= max(kto.min_rows, settings.min_thumbs)),
    )
    return [(step, recipe) for step, recipe, there_is in enough if there_is]


class _Folders:
    """New names: a version's number is never used twice, not even after a cycle that died."""

    def __init__(self, adapters: Path, first: int) -> None:
        self.given: list[Path] = []
        self._adapters, self._number = adapters, first

    def next(self, method: str) -> Path:
        while list(self._adapters.glob(f"*-{self._number}")):
            self._number += 1
        self.given.append(self._adapters / f"{method}-{self._number}")
        self._number += 1
        return self.given[-1]


def _recipe(recipe: type[R], method: str, base: str, settings: LearningSettings) -> R:
    return for_base(recipe, base, **settings.recipes.get(method, {}))  # type: ignore[call-overload]


def _start(
    home: Path,
    base: str,
    settings: LearningSettings,
    known: Sequence[Adapter],
    live: Adapter | None,
    signals: int,
) -> Path | None:
    """The adapter to go on from: the anchor, or the live one once there is a lot of feedback."""
    by_version = {adapter.version: adapter for adapter in known}
    ancestor = live
    if live and signals <= settings.anchor_until:
        while ancestor and ancestor.method not in IMITATING:
            ancestor = by_version.get(ancestor.parent or "")
    others = [
        one for one in reversed(known) if one.method in IMITATING and one.state is not AdapterState.REFUSED
    ]
    for one in [ancestor, *others]:
        if one and not check(folder := home / "adapters" / one.version, base):
            return folder
    return None
