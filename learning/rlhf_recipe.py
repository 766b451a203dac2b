"""How are replies rewarded, and how far may that lead? The recipes of the reward model and of RLHF."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from learning.recipes import POCKET_SIZED, Recipe


class RewardRecipe(Recipe):
    """Learn to score replies: the better one of every preference pair above the other (Bradley-Terry)."""

    learning_rate: float = Field(default=1e-4, gt=0)
    epochs: float = Field(default=2, gt=0)
    batch_size: int = Field(default=2, ge=1)
    effective_batch: int = Field(default=16, ge=1)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    lora_rank: int = Field(default=16, ge=1)
    lora_alpha: int = Field(default=32, ge=1)
    min_rows: int = Field(default=20, ge=1, description="with fewer pairs the learned reward is left out")
    centring: float = Field(default=0.01, ge=0, description="pulls the mean score to 0 (arXiv 2312.09244)")


class RewardWeights(BaseModel):
    """What each reward counts; only their ratio matters. `learned` is the reward model's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    length: float = Field(default=1.0, ge=0)
    vocabulary: float = Field(default=1.0, ge=0)
    punctuation: float = Field(default=1.0, ge=0)
    audience: float = Field(default=0.75, ge=0)
    stance: float = Field(default=0.75, ge=0)
    invention: float = Field(default=1.0, ge=0)
    repetition: float = Field(default=1.5, ge=0)
    learned: float = Field(default=1.5, ge=0)

    def as_dict(self) -> dict[str, float]:
        return self.model_dump()


class RlhfRecipe(Recipe):
    """Reinforcement learning (RLOO) from the personality rewards and the reward model, on a KL budget."""

    learning_rate: float = Field(default=1e-5, gt=0)
    batch_size: int = Field(default=8, ge=2, description="replies on the device at once")
    effective_batch: int = Field(default=32, ge=2, description="replies behind one update")
    warmup: float = Field(default=0.05, ge=0, lt=1)
    weights: RewardWeights = RewardWeights()
    reward_model: dict[str, Any] = Field(
        default_factory=dict, description="overrides of RewardRecipe; the rest suits the base model"
    )
    steps: int = Field(default=200, ge=1, description="updates")
    num_generations: int = Field(default=4, ge=2, description="replies to one prompt, compared among them")
    max_new_tokens: int = Field(default=128, ge=4)
    temperature: float = Field(default=1.0, gt=0)
    beta: float = Field(default=0.05, gt=0, description="what a nat of drift costs in reward")
    kl_budget: float = Field(
        default=0.1, gt=0, description="nats a token from the anchor; beyond it training stops"
    )
    heldout_prompts: int = Field(default=32, ge=1, description="on which the rewards are measured")

    @field_validator("reward_model")
    @classmethod
    def _the_reward_model_can_be_trained_so(cls, overrides: dict[str, Any]) -> dict[str, Any]:
        RewardRecipe(**overrides)
        return overrides

    @model_validator(mode="after")
    def _whole_groups_and_something_to_gain(self) -> RlhfRecipe:
        if (self.batch_size * self.accumulation) % self.num_generations:
            raise ValueError("effective_batch must be a multiple of num_generations: replies come in groups")
        if not any(self.weights.as_dict().values()):
            raise ValueError("at least one of the weights must be above 0")
        if self.max_new_tokens >= self.max_length:
            raise ValueError("max_new_tokens must leave room for the prompt within max_length")
        return self


POCKET_SIZED[RlhfRecipe] = {
    "learning_rate": 1e-3,
    "batch_size": 16,
    "effective_batch": 16,
    "steps": 60,
    "max_new_tokens": 32,
    "kl_budget": 0.3,
    "heldout_prompts": 24,
    "max_length": 512,
    "gradient_checkpointing": False,
}
POCKET_SIZED[RewardRecipe] = {
    "learning_rate": 2e-3,
    "epochs": 4,
    "batch_size": 8,
    "effective_batch": 8,
    "max_length": 512,
    "gradient_checkpointing": False,
}
