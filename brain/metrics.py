"""What do answers cost, and what goes wrong, adapter by adapter? For Prometheus, in the default registry.

vLLM's own metrics know the base model's name only; here every answer counts for the adapter that gave it.
Each counts for a twin, too, where several share the process (storage/whose.py); alone, that label is empty.
What is told about the servers themselves is in brain/replica_metrics.py.
"""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import Counter, Histogram

from storage.whose import whose

BASE = "base"
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)
FIRST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REPLIES = Counter("twin_replies_total", "Answers that were given.", ["twin", "adapter"])
FROM_CACHE = Counter("twin_replies_from_cache_total", "Answers that were known already.", ["twin", "adapter"])
TOKENS = Counter(
    "twin_reply_tokens_total", "Tokens read and written for answers.", ["twin", "adapter", "kind"]
)
REPLY_SECONDS = Histogram(
    "twin_reply_seconds", "From asking a model server to its last word.", ["twin", "adapter"], buckets=SECONDS
)
FIRST_TOKEN_SECONDS = Histogram(
    "twin_reply_first_token_seconds",
    "From asking to the first word.",
    ["twin", "adapter"],
    buckets=FIRST_SECONDS,
)
FAILURES = Counter(
    "twin_reply_failures_total", "Answers that were not given, by why.", ["twin", "adapter", "reason"]
)
PICTURES = Counter("twin_pictures_shown_total", "Pictures that a model was shown.", ["twin", "adapter"])
REFUSALS = Counter(
    "twin_allowance_refusals_total", "Messages not answered because of a limit.", ["twin", "limit"]
)
POLICY = Counter(
    "twin_policy_interventions_total", "Answers that the content policy changed.", ["twin", "when"]
)


def answered(
    adapter: str | None,
    *,
    prompt_tokens: int,
    completion_tokens: int,
    pictures: int,
    seconds: float,
    first_seconds: float,
) -> None:
    replies, prompt, completion, shown, whole, first = _of(whose(), adapter or BASE)
    replies.inc()
    prompt.inc(prompt_tokens)
    completion.inc(completion_tokens)
    if pictures:
        shown.inc(pictures)
    whole.observe(seconds)
    if first_seconds:
        first.observe(first_seconds)


@lru_cache(maxsize=64)
def _of(twin: str, adapter: str) -> tuple[Counter, Counter, Counter, Counter, Histogram, Histogram]:
    """What counts the answers of one adapter: looking them up takes longer than counting."""
    return (
        REPLIES.labels(twin, adapter),
        TOKENS.labels(twin, adapter, "prompt"),
        TOKENS.labels(twin, adapter, "completion"),
        PICTURES.labels(twin, adapter),
        REPLY_SECONDS.labels(twin, adapter),
        FIRST_TOKEN_SECONDS.labels(twin, adapter),
    )


def failed(adapter: str | None, error: Exception) -> None:
    """By the exception's class, which says nothing of what was asked."""
    FAILURES.labels(whose(), adapter or BASE, type(error).__name__).inc()
