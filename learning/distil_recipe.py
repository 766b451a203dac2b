"""How does a student learn from a teacher? The recipe of `twin train distil`."""

from __future__ import annotations

from pydantic import Field, model_validator

from learning.recipes import POCKET_SIZED, SftRecipe


class DistilRecipe(SftRecipe):
    """Imitate the owner as SFT does, and agree with a teacher about how likely every piece of it is.

    The loss is owner_weight x cross-entropy on the owner's words + answer_weight x cross-entropy on the
    teacher's answers, each per token, + soft_weight x ALM per piece of text, on both.
    """

    owner_weight: float = Field(default=1.0, ge=0)
    answer_weight: float = Field(default=0.5, ge=0)
    soft_weight: float = Field(default=1.0, ge=0)
    temperature: float = Field(default=100.0, ge=1, description="tau: high is mild with unlikely pieces")
    answers: float = Field(
        default=0.25, ge=0, le=1, description="share of prompts the teacher answers itself"
    )
    answer_tokens: int = Field(default=256, ge=1, description="a longer answer is left out")

    @model_validator(mode="after")
    def _something_is_learned(self) -> DistilRecipe:
        if not (self.owner_weight or self.soft_weight or (self.answer_weight and self.answers)):
            raise ValueError("every weight is zero: nothing would be learned")
        return self


POCKET_SIZED[DistilRecipe] = {**POCKET_SIZED[SftRecipe], "answer_tokens": 128}
