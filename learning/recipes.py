"""How is each method trained? One small recipe per method; it is saved beside the weights it made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

# Gemma's words, not its eyes: "all-linear" would train the vision tower too. Fits the text-only class
# (model.layers.N...) and the multimodal one (model.language_model.layers.N...).
TEXT_LAYERS = r"(?!.*vision)(?:.*\.)?layers\.\d+\.(?:self_attn\.[qkvo]_proj|mlp\.(?:gate|up|down)_proj)"

# What vLLM's --max-lora-rank may be. Any rank up to one of these loads; we keep to the list.
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)

POCKET = "pocket"  # the name that settings use for the model this project trains itself
POCKET_WIDTH = 512  # hidden sizes up to this count as pocket-sized: Gemma's smallest is 640 wide


IMITATING = (
    "sft",
    "distil",
)  # methods that learn from a corpus alone; preferences are learned on top of them


class Recipe(BaseModel):
    """What every method shares. The defaults are meant for Gemma 3 12B on one 80 GB GPU."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learning_rate: float = Field(gt=0)
    epochs: float = Field(default=3, gt=0)
    batch_size: int = Field(default=4, ge=1, description="rows on the device at once")
    effective_batch: int = Field(default=32, ge=1, description="rows behind one update, by accumulation")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="share of all updates; a cosine follows")
    weight_decay: float = Field(default=0.01, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    max_length: int = Field(default=1024, ge=16, description="tokens; longer prompts lose their oldest turns")
    gradient_checkpointing: bool = True
    min_rows: int = Field(default=8, ge=1, description="fewer than this is not worth a training")
    seed: int = 0

    @property
    def accumulation(self) -> int:
        return max(1, round(self.effective_batch / self.batch_size))


class PreferenceRecipe(Recipe):
    """What the methods share that learn from feedback, of which there is little at first."""

    min_updates: int = Field(
        default=20, ge=0, description="few rows are seen again until there were so many updates"
    )
    max_epochs: float = Field(default=6, gt=0, description="but no more often than this")

    def epochs_for(self, rows: float) -> float:
        """Passes over so many rows (the sum of their weights, replay included)."""
        wanted = self.min_updates * self.effective_batch / max(rows, 1.0)
        return max(self.epochs, min(wanted, self.max_epochs))


class SftRecipe(Recipe):
    """Imitate the owner: completion-only loss on what they really said.

    Rows are packed: the device holds up to batch_size * max_length tokens at once, however many rows that is.
    """

    learning_rate: float = Field(default=2e-5, gt=0)
    lora_rank: int = 16
    lora_alpha: int = Field(default=32, ge=1)
    lora_dropout: float = Field(default=0.05, ge=0, lt=1)
    qlora: bool = Field(default=False, description="base weights in 4 bits; needs a GPU and bitsandbytes")
    own_tokens: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="how much more the owner's own tokens weigh in the loss than everybody's",
    )
    processes: int = Field(
        default=1, ge=1, description="train together, one for each GPU; on Ray on any machines"
    )
    patience: int = Field(default=2, ge=1, description="evaluations without an improvement before it stops")
    evaluations_per_epoch: int = Field(default=2, ge=1, description="each one also writes a checkpoint")

    @property
    def token_budget(self) -> int:
        """Tokens on one device at once."""
        return self.batch_size * self.max_length

    @model_validator(mode="after")
    def _rank_is_one_that_servers_take(self) -> SftRecipe:
        if self.lora_rank not in RANKS:
            raise ValueError(f"lora_rank must be one of {', '.join(map(str, RANKS))}")
        return self


class DpoRecipe(PreferenceRecipe):
    """Prefer the correction to the reply it corrects; the sft term keeps the chosen words likely."""

    learning_rate: float = Field(default=5e-6, gt=0)
    epochs: float = Field(default=1, gt=0)
    batch_size: int = Field(default=2, ge=1)
    effective_batch: int = Field(default=16, ge=1)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    beta: float = Field(default=0.1, gt=0)
    loss_type: tuple[str, ...] = ("sigmoid", "sft")
    loss_weights: tuple[float, ...] = (1.0, 0.3)
    replay: float = Field(
        default=0.4, ge=0, lt=1, description="share of owner rows mixed in, so that nothing is forgotten"
    )

    @model_validator(mode="after")
    def _one_weight_for_each_loss(self) -> DpoRecipe:
        if len(self.loss_type) != len(self.loss_weights):
            raise ValueError("loss_weights needs one number for each entry of loss_type")
        if self.replay and "sft" not in self.loss_type:
            raise ValueError('replay works through the "sft" loss: add it to loss_type, or set replay = 0')
        return self


class KtoRecipe(PreferenceRecipe):
    """Learn from single thumbs. "apo_zero_unpaired" has no KL estimate, so rows may come in any order."""

    learning_rate: float = Field(default=2e-6, gt=0)
    epochs: float = Field(default=1, gt=0)
    batch_size: int = Field(default=4, ge=2)
    effective_batch: int = Field(default=16, ge=2)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    beta: float = Field(default=0.1, gt=0)
    loss_type: Literal["kto", "apo_zero_unpaired"] = "kto"
    replay: float = Field(
        default=0.3, ge=0, lt=1, description="share of owner rows mixed in as likes, against forgetting"
    )


class HindsightRecipe(PreferenceRecipe):
    """Find a reply as likely as with the complaint about it read beforehand (SDPO, arXiv 2603.12273)."""

    learning_rate: float = Field(default=2e-6, gt=0)
    epochs: float = Field(default=1, gt=0)
    batch_size: int = Field(default=4, ge=1)
    effective_batch: int = Field(default=8, ge=1)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    min_rows: int = Field(default=4, ge=1)
    clip: float = Field(
        default=2.0, gt=0, description="nats; a token's likelihood is wanted at most so much lower or higher"
    )
    kl_weight: float = Field(default=0.1, ge=0, description="of the distance from the parent, in the loss")
    max_kl: float = Field(
        default=0.5,
        gt=0,
        description="nats a token from the parent, besides what complaints want; further on it stops",
    )
    replay: float = Field(default=0.5, ge=0, lt=1, description="share of owner rows, learned as in SFT")


class InterpolationRecipe(BaseModel):
    """Between the adapter that training began with (0) and the one it ended with (1), and beyond that one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shares: tuple[float, ...] = Field(default=(0.3, 0.6, 0.8, 1.0, 1.3, 1.6), min_length=1)
    halvings: int = Field(
        default=2, ge=0, description="times that the limit is looked for halfway between two candidates"
    )
    max_nll_rise: float = Field(default=0.05, ge=0, description="a cycle sets it to half of the gate's")
    max_length: int = Field(default=1024, ge=16)
    seed: int = 0

    def only(self, share: float) -> InterpolationRecipe:
        """That share, and nothing to choose from."""
        return self.model_copy(update={"shares": (share,), "halvings": 0})


R = TypeVar("R", bound=Recipe)

# The 12B rates do nothing at this size. Full float32, no checkpointing: memory is not what is short here.
POCKET_SIZED: dict[type[Recipe], dict[str, Any]] = {
    SftRecipe: {
        "learning_rate": 1.5e-3,
        "epochs": 3,
        "batch_size": 4,
        "effective_batch": 4,
        "lora_dropout": 0.0,
        "max_length": 512,
        "gradient_checkpointing": False,
    },
    DpoRecipe: {
        "learning_rate": 1e-3,
        "epochs": 2,
        "min_updates": 100,
        "max_epochs": 40,  # of five liked replies too; every epoch replays other words of the owner
        "batch_size": 8,
        "effective_batch": 8,
        "loss_weights": (1.0, 1.0),
        "replay": 0.6,
        "max_length": 512,
        "gradient_checkpointing": False,
    },
    KtoRecipe: {
        "learning_rate": 1e-4,
        "epochs": 1,
        "min_updates": 40,
        "batch_size": 8,
        "effective_batch": 8,
        "max_length": 512,
        "gradient_checkpointing": False,
    },
    HindsightRecipe: {
        "learning_rate": 1e-3,
        "epochs": 3,
        "min_updates": 40,
        "max_length": 512,
        "gradient_checkpointing": False,
    },
}


def for_base(recipe: type[R], base: str | Path, **overrides: Any) -> R:
    """The recipe that suits this base model; what is said in `overrides` wins."""
    suited = POCKET_SIZED.get(recipe, {}) if is_pocket_sized(base) else {}
    return recipe(**{**suited, **overrides})


def is_pocket_sized(base: str | Path) -> bool:
    if str(base) == POCKET:
        return True
    try:
        config = json.loads((Path(base) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # a name on a model hub, say
    width = config.get("hidden_size", config.get("text_config", {}).get("hidden_size"))
    return isinstance(width, int) and width <= POCKET_WIDTH
