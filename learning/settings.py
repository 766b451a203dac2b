"""What can be set about learning? The [learning] part of twin.toml."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from learning.recipes import DpoRecipe, HindsightRecipe, KtoRecipe, Recipe, SftRecipe

RECIPES: dict[str, type[Recipe]] = {
    "sft": SftRecipe,
    "dpo": DpoRecipe,
    "kto": KtoRecipe,
    "hindsight": HindsightRecipe,
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
    augment_share: float = Field(
        default=0.1, ge=0, lt=1, description="at most this share comes again with a shorter context"
    )
    repeat_cap: int = Field(
        default=10, ge=1, description="the same short reply is learned from at most so often"
    )
    seed: int = 0


class GateSettings(BaseModel):
    """What a candidate must show before it may go live."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_nll_rise: float = Field(
        default=0.05, ge=0, description="how much less likely the owner's own words may become"
    )
    max_preference_drop: float = Field(
        default=0.0, ge=0, lt=1, description="against the live one, held-out pairs"
    )
    min_heldout_pairs: int = Field(
        default=8, ge=1, description="with fewer, preference is reported but not judged"
    )
    min_distinct: float = Field(
        default=0.3, ge=0, le=1, description="share of sampled replies that differ from each other"
    )
    max_length_ratio: float = Field(
        default=2.0, gt=1, description="how much longer its replies may be than the live one's"
    )


class LearningSettings(BaseModel):
    """[learning]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    corpus: CorpusSettings = CorpusSettings()
    gate: GateSettings = GateSettings()
    recipes: dict[Literal["sft", "dpo", "kto", "hindsight"], dict[str, Any]] = Field(default_factory=dict)
    every_hours: float | None = Field(
        None, gt=0, description="`twin up` learns this often; unset: when asked"
    )
    min_feedback: int = Field(
        default=20, ge=1, description="fewer effective signals than this are kept for later"
    )
    min_thumbs: int = Field(
        default=16, ge=2, description="fewer thumbs than this get no training step of their own"
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
    trainer_weight: float = Field(
        default=0.5, ge=0, le=1, description="of an allow-listed trainer; the owner's is 1"
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
