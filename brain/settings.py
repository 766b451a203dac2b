"""What can be set about the model and its server?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+")]


class ModelSettings(BaseModel):
    """[model] in twin.toml."""

    model_config = ConfigDict(extra="forbid")

    base: str = Field(default="pocket", min_length=1)  # "pocket", an id on the Hugging Face hub, or a folder
    servers: list[Url] = []  # running model servers, all of one base model; empty: one is started here
    engine: Literal["auto", "embedded", "vllm"] = "auto"  # auto: vLLM where there is a GPU and vLLM
    temperature: float = Field(default=0.7, ge=0, le=2)
    top_p: float = Field(default=0.95, gt=0, le=1)
    max_tokens: int = Field(default=256, ge=1)
    stop: list[Annotated[str, StringConstraints(min_length=1, max_length=64)]] = []  # an answer ends there
    situation: Literal["auto", "on", "off"] = "auto"  # prompts say when and where; auto: not for "pocket"
    vision: Literal["auto", "on", "off"] = "auto"  # whether it is shown pictures; auto: if the model has eyes
    pictures: int = Field(default=4, ge=0, le=16)  # the latest so many in one prompt
    policy: str = Field(default="", pattern=r"^([\w.]+:\w+)?$")  # "module:function"; see brain/policy.py
    timeout_seconds: float = Field(default=60, gt=0)  # the longest silence of a server before we give up
    answer_seconds: float = Field(default=120, gt=0)  # the longest that one answer may take
    at_once: int = Field(default=64, ge=1)  # answers that one server may be giving; more wait
    queue: int = Field(default=256, ge=0)  # how many may wait; more are told that we are busy
    canary_owner_first: bool = True  # the owner's own chats with the twin always have the canary


def _is_a_way(speculate: str) -> str:
    if speculate in ("", "ngram", "suffix") or "/" in speculate:
        return speculate
    raise ValueError('should be "ngram", "suffix", or a small model: an id on the hub, or a folder')


class ServingSettings(BaseModel):
    """[serving] in twin.toml: how `twin serve` starts vLLM. What is not set is chosen for the machine."""

    model_config = ConfigDict(extra="forbid")

    quantisation: Literal["auto", "none", "fp8", "bitsandbytes", "awq", "gptq"] = "auto"
    context: int | None = Field(default=None, ge=256)  # tokens in prompt and answer together
    lora_slots: int = Field(default=8, ge=1)  # adapters that answer at the same time
    speculate: Annotated[str, AfterValidator(_is_a_way)] = ""  # empty: off
    share_gpu: Literal["no", "split", "sleep"] = "no"  # with training: side by side, or one after the other
    training_gb: float = Field(default=24, gt=0)  # what is left to training by "split"


class MemorySettings(BaseModel):
    """[memory] in twin.toml: what is recalled for an answer."""

    model_config = ConfigDict(extra="forbid")

    recall: Literal["auto", "all", "corrections", "off"] = "auto"  # auto: nothing for a pocket-sized model
    said: int = Field(default=6, ge=0, le=50)  # of what was said before, and facts, in one prompt
    examples: int = Field(default=2, ge=0, le=20)  # of how the owner answered something like it
    card_facts: int = Field(default=20, ge=1)  # the latest facts are in every prompt; the others are recalled
    min_match: float = Field(default=0.25, ge=0, le=1)  # of the question, by the weight of its words
    min_similarity: float = Field(default=0.5, ge=-1, le=1)  # of the meanings, where there is an embedder
    half_life_days: float = Field(default=180, gt=0)  # what is so old counts half as recent
    embedder: str = (
        ""  # a model's name at embedder_url, or a sentence-transformer (a folder, a name on the hub)
    )
    embedder_url: Url | None = (
        None  # a server with /v1/embeddings; none: the sentence-transformer is loaded here
    )
