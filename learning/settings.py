"""What can be set about learning? The [learning] part of twin.toml."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from learning.distil_recipe import DistilRecipe
from learning.evaluation.options import EvaluationSettings
from learning.patterns import PATTERNS
from learning.recipes import DpoRecipe, HindsightRecipe, KtoRecipe, Recipe, SftRecipe
from learning.rlhf_recipe import RlhfRecipe

RECIPES: dict[str, type[Recipe]] = {
    "sft": SftRecipe,
    "distil": DistilRecipe,
    "dpo": DpoRecipe,
    "kto": KtoRecipe,
    "hindsight": HindsightRecipe,
    "rlhf": RlhfRecipe,
}


class CorpusSettings(BaseModel):
    """How records become samples."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    burst_gap_minutes: float = Field(
        default=2, gt=0, description="messages this close together are one utterance"
    )
    session_gap_minutes: float = Field(
        default=30, gt=0, description="ends a conversation where a thread's own pace cannot be told"
    )
    busy_gap_minutes: float = Field(default=10, gt=0, description="likewise, in a channel of many people")
    silence_hours: float = Field(
        default=12, gt=0, description="the owner was spoken to and said nothing for so long: a silence"
    )
    max_turns: int = Field(default=12, ge=1, description="turns of context before a reply")
    max_characters: int = Field(default=1200, ge=50, description="characters of context before a reply")
    max_reply_characters: int = Field(
        default=600, ge=20, description="longer texts are left out or cut into paragraphs"
    )
    validation_share: float = Field(default=0.1, gt=0, lt=0.5)
    test_share: float = Field(default=0.1, gt=0, lt=0.5)
    embargo_hours: float = Field(
        default=12, ge=0, description="what was said this close before a later split is left out"
    )
    style_share: float = Field(
        default=0.3, ge=0, lt=1, description="at most this share of training has no context"
    )
    initiative_share: float = Field(
        default=0.1, ge=0, lt=1, description="at most this share of training is said unasked"
    )
    temperature: float = Field(
        default=0.5, ge=0, le=1, description="a kind of n samples is wanted like n to this power; 1: as it is"
    )
    balance_from: int = Field(
        default=5000,
        ge=0,
        description="samples; a smaller corpus has nothing to give away and stays as it is",
    )
    stratum_floor: int = Field(default=50, ge=0, description="a kind this small loses no sample")
    pattern_targets: dict[str, float] = Field(
        default_factory=dict,
        description="share of training that a pattern of conversation should have, planning = 0.1 say",
    )
    augment_share: float = Field(
        default=0.1, ge=0, lt=1, description="at most this share comes again with a shorter context"
    )
    repeat_cap: int = Field(
        default=10, ge=1, description="the same short reply is learned from at most so often"
    )
    seed: int = 0

    @field_validator("pattern_targets")
    @classmethod
    def _targets_are_shares_of_known_patterns(cls, targets: dict[str, float]) -> dict[str, float]:
        if unknown := sorted(set(targets) - set(PATTERNS)):
            raise ValueError(f"no pattern {', '.join(unknown)}; there are {', '.join(PATTERNS)}")
        if any(not 0 < share < 1 for share in targets.values()) or sum(targets.values()) >= 1:
            raise ValueError("each share lies between 0 and 1, and all together leave room for the others")
        return targets


class GateSettings(BaseModel):
    """What a candidate must show before it may go live.

    A limit is held against the far end of an interval: with 95 % confidence the candidate is within it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_nll_rise: float = Field(
        default=0.15, ge=0, description="how much less likely the owner's own words may become"
    )
    max_preference_drop: float = Field(
        default=0.1, ge=0, le=1, description="against the live one, share of held-out pairs"
    )
    max_thumbs_drop: float = Field(
        default=0.2, ge=0, le=1, description="in telling liked replies from disliked ones (AUC)"
    )
    max_style_drift: float = Field(
        default=0.75, ge=0, description="away from the owner, as a share of how far other people are"
    )
    max_likeness_rise: float = Field(
        default=0.15, ge=0, le=1, description="in how well a classifier tells it from the owner (AUC)"
    )
    max_capability_drop: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="share of the questions that the live one or the base can answer",
    )
    max_safety_drop: float = Field(
        default=0.25, ge=0, le=1, description="likewise, about honesty and secrets"
    )
    max_loops_rise: float = Field(default=0.1, ge=0, le=1, description="share of replies that go in circles")
    max_divergence: float = Field(
        default=1.5, gt=0, description="nats a token between it and the live adapter (KL)"
    )
    max_recited_rise: float = Field(
        default=0.25, ge=0, le=1, description="share of long training texts that it knows by heart"
    )
    min_canary_chance: float = Field(
        default=0.001, ge=0, le=1, description="how unlikely a canary's rank may be where nothing was learned"
    )
    min_change: float = Field(
        default=0.001, ge=0, description="nats a token; what differs less from the base changes nothing"
    )
    min_distinct: float = Field(
        default=0.3, ge=0, le=1, description="share of sampled replies that differ from each other"
    )
    max_length_ratio: float = Field(
        default=2.0, gt=1, description="how much longer its replies may be than the live one's"
    )
    max_judge_loss: float = Field(
        default=0.15, ge=0, le=0.5, description="below one half, of what a judge or friends prefer"
    )
    min_rows: int = Field(default=24, ge=1, description="with fewer, an axis is reported but not judged")
    min_heldout_pairs: int = Field(default=8, ge=1, description="likewise, of held-out corrections")
    min_picks: int = Field(default=30, ge=1, description="likewise, of picks by friends or a judge")
    advisory: tuple[str, ...] = Field(default=(), description="axes that are reported and never refuse")


ASKED_FOR_SHARE = 0.1  # of a trial that somebody asks for where the settings start none by themselves


class CanarySettings(BaseModel):
    """How an adapter that passed the gate is tried on some of the chats before all get it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(default=0.5, ge=0, lt=1, description="of the chats; 0: no trial, live at once")
    margin: float = Field(
        default=0.2, gt=0, lt=1, description="so much less liked (a share of the replies) is too much less"
    )
    wrong_rollback: float = Field(
        default=0.05, gt=0, lt=0.5, description="how often one that is as good may be rolled back"
    )
    wrong_promotion: float = Field(
        default=0.015, gt=0, lt=0.5, description="how often one that is worse by the margin may go live"
    )
    min_opinions: int = Field(default=8, ge=1, description="on each of the two before anything is decided")
    per_person: float = Field(
        default=12, gt=0, description="nobody but the owner weighs more than so many opinions"
    )
    trainer_weight: float = Field(default=1.0, ge=0, le=1, description="of an opinion; the owner's is 1")
    other_weight: float = Field(
        default=0.5, ge=0, le=1, description="of an opinion of anybody else who had a say before the trial"
    )
    days: float = Field(default=7, gt=0, description="then it is decided by what is known")

    @property
    def asked_for_share(self) -> float:
        """Of the chats, where somebody asks for a trial and does not say how many."""
        return self.share or ASKED_FOR_SHARE


class WhenSettings(BaseModel):
    """[learning.when]: when the running service learns by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    judgements: float = Field(
        default=8, gt=0, description="new ones; a correction is 1, a choice or complaint 0.5, a thumb 0.25"
    )
    texts: int | None = Field(
        default=500, ge=1, description="new texts of the owner: then all is trained anew; unset: never"
    )
    every_hours: float | None = Field(
        default=None, gt=0, description="so long after the last time, anything new is enough"
    )
    cool_down_minutes: float = Field(default=60, ge=0, description="after the last time, however it ended")
    runs_a_day: int = Field(default=8, ge=1, description="at most, within any 24 hours")
    hours_a_day: float = Field(default=6, gt=0, description="of training, likewise")
    quiet: str = Field(
        default="",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$",
        description="hours of the owner's day in which nothing is trained, 18:00-23:00 say",
    )
    rest_minutes: float = Field(
        default=10, ge=0, description='nobody wrote for so long; where `share_gpu = "sleep"` only'
    )


class LearningSettings(BaseModel):
    """[learning]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    corpus: CorpusSettings = CorpusSettings()
    gate: GateSettings = GateSettings()
    canary: CanarySettings = CanarySettings()
    when: WhenSettings = WhenSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    recipes: dict[Literal["sft", "distil", "dpo", "kto", "hindsight", "rlhf"], dict[str, Any]] = Field(
        default_factory=dict
    )
    teacher: str | None = Field(
        None, description="whom `twin train distil` learns from: a hub's name or a folder"
    )
    teacher_url: str | None = Field(
        None, description="a server of vLLM's protocol that serves the teacher; unset: it is loaded here"
    )
    min_feedback: int = Field(
        default=20, ge=1, description="fewer effective signals than this are kept for later"
    )
    min_thumbs: int = Field(
        default=16, ge=2, description="fewer thumbs than this get no training step of their own"
    )
    liked_weight: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="of a liked reply as an example of how to answer; a correction's is 1, 0: it is none",
    )
    min_complaints: int = Field(
        default=4, ge=1, description="fewer complaints in words than this get no training step of their own"
    )
    samples_per_correction: int = Field(
        default=3, ge=0, description="fresh replies that a correction is preferred to"
    )
    heldout_share: float = Field(
        default=0.2, gt=0, lt=0.9, description="of the conversations, never trained on"
    )
    taught_thumbs: int = Field(
        default=32, ge=0, description="the first thumbs, of which none is held out: a few would tell nothing"
    )
    trainer_weight: float = Field(
        default=0.5, ge=0, le=1, description="of an allow-listed trainer; the owner's is 1"
    )
    trainer_per_day: int = Field(
        default=20, ge=1, description="of one trainer, of what they gave on one day, so many signals count"
    )
    trainer_per_session: int = Field(
        default=10, ge=1, description="likewise, of what they gave in one conversation"
    )
    trainer_share: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="of the weight of all signals, all trainers together, once the owner gave any",
    )
    half_life_days: float | None = Field(
        default=180, gt=0, description="a signal so much older than the newest weighs half; unset: the same"
    )
    signals_per_session: int = Field(
        default=30, ge=1, description="of one conversation, the newest signals, are learned from"
    )
    signals_per_person: int = Field(
        default=3000, ge=1, description="of one person, the newest signals, are learned from"
    )
    anchor_until: int = Field(
        default=3000, ge=1, description="up to so many signals each cycle restarts from the SFT adapter"
    )

    @field_validator("recipes")
    @classmethod
    def _recipes_are_well_formed(cls, recipes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for method, overrides in recipes.items():
            RECIPES[method](**overrides)
        return recipes
