"""What can be set about measuring? The [learning.evaluation] part of twin.toml."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

CANARIES = "canaries.json"  # beside a corpus's shards: {kind: {"planted": text, "rivals": [text, ...]}}
THOROUGH = 4  # times as many of everything that is sampled


class EvaluationSettings(BaseModel):
    """How much is measured. The figures bound the time that one learning cycle takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    texts: int = Field(default=400, ge=1, description="held-out texts by the owner, the latest")
    replies: int = Field(default=48, ge=2, description="held-out prompts that each model answers")
    reply_tokens: int = Field(default=48, ge=8, description="tokens of an answer at most")
    divergence_texts: int = Field(default=48, ge=1, description="texts to compare every token's chances on")
    continuations: int = Field(
        default=24, ge=0, description="training texts that each model is to go on with"
    )
    canary_kinds: int = Field(default=9, ge=0, description="kinds of planted canaries looked for")
    canary_rivals: int = Field(default=31, ge=15, description="made-up texts that a canary is ranked among")
    authorship_model: Path | None = Field(
        default=None, description="folder of a sentence-transformer that knows authors; unset: not measured"
    )
    benchmarks: tuple[str, ...] = Field(
        default=(), description="lm-eval tasks for `twin evaluate`, if lm-eval is installed"
    )
    benchmark_rows: int = Field(default=100, ge=1, description="questions of each of them")
    benchmarks_dir: Path | None = Field(
        default=None, description="folder of lm-eval tasks of one's own; unset: those that come with lm-eval"
    )
    judge_url: str | None = Field(
        default=None, description="OpenAI-compatible server of a judge; unset: no judge is asked"
    )
    judge_model: str = Field(default="judge", description="the judge's name on that server")
    judge_prompts: int = Field(default=40, ge=1, description="answers it compares, each in both orders")

    def brief(self) -> EvaluationSettings:
        """As every learning cycle measures: seconds, and nothing that is not ours."""
        return self.model_copy(update={"benchmarks": (), "authorship_model": None})

    def thorough(self) -> EvaluationSettings:
        """As `twin evaluate` measures: longer, and with narrower intervals."""
        more = {"replies", "divergence_texts", "continuations", "canary_rivals", "texts"}
        return self.model_copy(update={name: getattr(self, name) * THOROUGH for name in more})
