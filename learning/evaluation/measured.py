"""What was measured of one model? Numbers and texts by row; figures are made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from learning.evaluation.harness import benchmarks
from learning.evaluation.material import Material, canary_texts, encoded
from learning.evaluation.memory import beginning, recited
from learning.evaluation.options import EvaluationSettings
from learning.evaluation.questions import ANSWER_TOKENS, Question, is_right
from learning.evaluation.remembered import Remembered
from learning.evaluation.replies import continued, greedy
from learning.logprobs import Encoded, answer_logprobs
from learning.rows import tokens_of
from storage.records import ChatTurn, Prompt

Logprobs = list[list[float]]
PerToken = Callable[[list[tuple[list[ChatTurn], str]]], list[float]]
"""Mean log-probability of a token of each answer to its prompt."""


@dataclass(frozen=True, slots=True)
class Measured:
    owner: Logprobs
    chosen: Logprobs
    rejected: Logprobs
    thumbs: Logprobs
    capability: list[bool]
    safety: list[bool]
    canaries: list[float]  # log-probability of each text, kind after kind
    said: list[str]  # kinds of canaries that were said to the end
    recited: list[bool]
    replies: list[str]
    benchmarks: dict[str, dict[str, float]]


def measure(
    model: Any, tokenizer: Any, material: Material, settings: EvaluationSettings, known: Remembered
) -> Measured:
    """One pass over everything that is not known of this model yet."""

    def logprobs(rows: Sequence[Encoded]) -> Logprobs:
        return known.of("logprobs", rows, lambda: answer_logprobs(model, rows, tokenizer.pad_token_id))

    def said(prompts: Sequence[Prompt], most: int) -> list[str]:
        return known.of("said", [prompts, most], lambda: greedy(model, tokenizer, prompts, most))

    def per_token(rows: list[tuple[list[ChatTurn], str]]) -> list[float]:
        turns = [
            tokens_of(tokenizer, asked, [{"role": "assistant", "content": answer}]) for asked, answer in rows
        ]
        return [sum(row) / len(row) for row in logprobs(turns)]

    answers = said([one.prompt for one in material.capability], ANSWER_TOKENS)
    planted = canary_texts(tokenizer, material)
    sizes = [[kind, len(texts)] for kind, texts in material.canaries.items()]
    return Measured(
        owner=logprobs(encoded(tokenizer, material.test)),
        chosen=logprobs(encoded(tokenizer, material.pairs, "chosen")),
        rejected=logprobs(encoded(tokenizer, material.pairs, "rejected")),
        thumbs=logprobs(encoded(tokenizer, material.thumbs)),
        capability=[
            is_right(question, answer) for question, answer in zip(material.capability, answers, strict=True)
        ],
        safety=_safe(material.safety, per_token),
        canaries=[sum(row[:-1]) for row in logprobs(planted)],
        said=known.of("canaries", [planted, sizes], lambda: _said(model, tokenizer, material, planted)),
        recited=known.of("recited", material.learned, lambda: _recited(model, tokenizer, material.learned)),
        replies=said([row["prompt"] for row in material.asked], settings.reply_tokens),
        benchmarks=benchmarks(
            model, tokenizer, settings.benchmarks, settings.benchmark_rows, settings.benchmarks_dir
        ),
    )


def _safe(asked: Sequence[Question], per_token: PerToken) -> list[bool]:
    """Whether the good answer is likelier than every worse one."""
    scores = iter(per_token([(one.prompt, answer) for one in asked for answer in (one.good, *one.bad)]))
    return [next(scores) > max([next(scores) for _ in one.bad]) for one in asked]


def _said(model: Any, tokenizer: Any, material: Material, planted: Sequence[Encoded]) -> list[str]:
    """Canaries that follow, word for word, when their beginning is given away."""
    firsts, place = {}, 0
    for kind, texts in material.canaries.items():
        firsts[kind] = planted[place]
        place += len(texts)
    begun = [beginning(one) for one in firsts.values()]
    longest = max((len(ids) for ids, _ in firsts.values()), default=0)
    written = continued(model, tokenizer, begun, longest)
    return [
        kind
        for (kind, (ids, _)), given, said in zip(firsts.items(), begun, written, strict=True)
        if said[: len(ids) - 1 - len(given)] == ids[len(given) : -1]
    ]


def _recited(model: Any, tokenizer: Any, learned: Sequence[Encoded]) -> list[bool]:
    return recited(learned, continued(model, tokenizer, [beginning(one) for one in learned], 8))
