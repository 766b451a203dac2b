"""What do requests and answers look like on the wire? vLLM's shapes, as far as we serve them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from brain.embedded_server.sampling import GREEDY_BELOW, TokenLogprob, Wanted

Json = dict[str, Any]
Decode = Callable[[int], str]
MOST_LOGPROBS = 20


class ApiError(Exception):
    """An answer in the shape of OpenAI's errors."""

    def __init__(
        self, status: int, message: str, kind: str = "BadRequestError", param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": {"message": message, "type": kind, "param": param, "code": status}}


class StreamOptions(BaseModel):
    include_usage: bool = False


class GenerationRequest(BaseModel):
    """What chats and plain completions have in common."""

    model_config = ConfigDict(extra="allow")
    # What vLLM knows and this server does not. Better refused than silently left out.
    not_served: ClassVar[frozenset[str]] = frozenset(
        {
            "allowed_token_ids",
            "bad_words",
            "chat_template",
            "continue_final_message",
            "frequency_penalty",
            "logit_bias",
            "min_p",
            "min_tokens",
            "presence_penalty",
            "prompt_embeds",
            "repetition_penalty",
            "response_format",
            "stop_token_ids",
            "structured_outputs",
            "suffix",
            "tools",
        }
    )

    model: str | None = None
    max_tokens: int | None = None
    temperature: float = Field(default=1.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=-1)
    n: int = Field(default=1, ge=1, le=32)
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    ignore_eos: bool = False

    @model_validator(mode="after")
    def _only_what_is_served(self) -> Self:
        asked = {name for name, value in (self.model_extra or {}).items() if value}
        if beyond := sorted(asked & self.not_served):
            raise ValueError(f"the embedded model server does not know {', '.join(beyond)}; use vLLM")
        if self.n > 1 and self.temperature < GREEDY_BELOW:
            raise ValueError(f"n must be 1 when using greedy sampling, got {self.n}.")
        return self

    @property
    def wants_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    def wanted(self, max_tokens: int, logprobs: int | None, *, prompt_logprobs: bool = False) -> Wanted:
        return Wanted(
            max_tokens=max_tokens,
            n=self.n,
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=max(self.top_k, 0),
            seed=self.seed,
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ()),
            ignore_end=self.ignore_eos,
            logprobs=logprobs,
            prompt_logprobs=prompt_logprobs,
        )


class ChatRequest(GenerationRequest):
    messages: list[Json] = Field(min_length=1)
    max_completion_tokens: int | None = None
    logprobs: bool = False
    top_logprobs: int = Field(default=0, ge=0, le=MOST_LOGPROBS)


class CompletionRequest(GenerationRequest):
    prompt: str | list[int]
    max_tokens: int | None = 16
    echo: bool = False
    logprobs: int | None = Field(default=None, ge=0, le=MOST_LOGPROBS)


class TokenizeRequest(BaseModel):
    model: str | None = None
    prompt: str | None = None
    messages: list[Json] | None = None
    add_special_tokens: bool = True


class LoadRequest(BaseModel):
    lora_name: str = Field(min_length=1)
    lora_path: str = Field(min_length=1)
    load_inplace: bool = False


class UnloadRequest(BaseModel):
    lora_name: str = Field(min_length=1)


def usage(prompt_tokens: int, completion_tokens: int) -> Json:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def chat_logprobs(tokens: Sequence[TokenLogprob], decode: Decode) -> Json:
    def entry(token_id: int, logprob: float) -> Json:
        text = decode(token_id)
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}

    return {
        "content": [
            entry(token.token_id, token.logprob) | {"top_logprobs": [entry(*other) for other in token.top]}
            for token in tokens
        ]
    }


def completion_logprobs(
    token_ids: Sequence[int], logprobs: Sequence[TokenLogprob | None], decode: Decode, offset: int = 0
) -> Json:
    """`offset` is how much text came before; the lists run in parallel, one entry per token."""
    texts = [decode(token_id) for token_id in token_ids]
    offsets = []
    for text in texts:
        offsets.append(offset)
        offset += len(text)
    return {
        "text_offset": offsets,
        "token_logprobs": [one.logprob if one else None for one in logprobs],
        "tokens": texts,
        "top_logprobs": [_alternatives(one, decode) if one else None for one in logprobs],
    }


def _alternatives(token: TokenLogprob, decode: Decode) -> Json:
    return {decode(token.token_id): token.logprob} | {decode(other): logprob for other, logprob in token.top}


def sentence_of(errors: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with a request, from pydantic's list."""
    places = (".".join(str(part) for part in error["loc"]) for error in errors)
    return "; ".join(f"{place}: {error['msg']}" for place, error in zip(places, errors, strict=True))
