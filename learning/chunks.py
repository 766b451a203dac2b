"""Which tokens of two tokenizers say the same words? The finest pieces of an answer that both cut alike.

No torch: tokenizers are handed in. Offsets are characters of the answer's text; the end of the turn counts as
one more character after it, so that it is a piece of its own, whichever token a template writes for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from learning.rows import without_oldest

Span = tuple[int, int]  # first character, and the one after the last
Turn = Mapping[str, str]


class TemplateUnfit(ValueError):
    """A chat template that does not write an answer as it was said, or writes no end after it."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One conversation up to the end of its last turn, as a model reads it."""

    ids: list[int]
    spans: list[Span]  # of the last tokens, the end of the turn included: those that make up the answer

    @property
    def start(self) -> int:
        """Where the answer begins among the ids."""
        return len(self.ids) - len(self.spans)


def encoded(tokenizer: Any, prompt: Sequence[Turn], answer: str) -> Encoded:
    """The tokens of a prompt and its answer in the tokenizer's own chat template, and where the answer lies.

    A token of the template's last space and the first word counts as the word's. Raises TemplateUnfit.
    """
    text = answer.strip()  # templates do the same
    asked = rendered(tokenizer, prompt, answering=True)
    whole = rendered(tokenizer, [*prompt, {"role": "assistant", "content": text}], answering=False)
    same = next((i for i, (a, b) in enumerate(zip(asked, whole, strict=False)) if a != b), len(asked))
    begin = whole.find(text, same)
    if not text or begin < 0:
        raise TemplateUnfit("its chat template does not write an answer as it was said")
    end = begin + len(text)
    tokens = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
    ids, spans = tokens["input_ids"], tokens["offset_mapping"]
    stop = next((i for i, (first, _) in enumerate(spans) if first >= end), None)
    start = next((i for i, (_, last) in enumerate(spans) if last > begin), None)
    if stop is None or start is None:
        raise TemplateUnfit("its chat template writes no end after an answer")
    said = [(max(first, begin) - begin, min(last, end) - begin) for first, last in spans[start:stop]]
    return Encoded(list(ids[: stop + 1]), [*said, (len(text), len(text) + 1)])


def fitted(tokenizer: Any, prompt: Sequence[Turn], answer: str, max_length: int) -> Encoded | str:
    """Encoded with as many of the latest turns as fit, or in words why there is no such thing."""
    shorter: Sequence[Turn] | None = prompt
    while shorter is not None:
        try:
            found = encoded(tokenizer, shorter, answer)
        except TemplateUnfit as problem:
            return str(problem)
        if len(found.ids) <= max_length:
            return found
        shorter = without_oldest(shorter)
    return "too long (max_length)"


def rendered(tokenizer: Any, turns: Sequence[Turn], *, answering: bool) -> str:
    """The conversation in the template's words; a card goes into the first turn where it knows no system."""
    from jinja2 import TemplateError

    try:
        return _written(tokenizer, turns, answering)
    except TemplateError:
        if len(turns) < 2 or turns[0]["role"] != "system":
            raise
        card, first, *rest = turns
        together = {**first, "content": f"{card['content']}\n\n{first['content']}"}
        return _written(tokenizer, [together, *rest], answering)


def aligned(teacher: Sequence[Span], student: Sequence[Span]) -> list[tuple[int, int]]:
    """After how many tokens of each side a common piece ends; the last pair is all of both.

    Both sides must tell of the same text, its end included. Within a piece there is no place to cut both.
    """
    ends, others = _cuts(teacher), _cuts(student)
    return [(ends[at], others[at]) for at in sorted(ends.keys() & others.keys())]


def sums(values: Sequence[float], ends: Sequence[int]) -> list[float]:
    """What the values of each piece add up to; `ends` as `aligned` gives them for one side."""
    return [sum(values[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]


def _cuts(spans: Sequence[Span]) -> dict[int, int]:
    """By character, after how many tokens one may cut there: none before reaches over, none after back.

    The bytes of one character all have that character's span, so there is no cut between them. A character
    that no token admits to (a trimmed space) belongs to the next one.
    """
    cuts, reached = dict[int, int](), 0
    for count, (_, last) in enumerate(spans, start=1):
        reached = max(reached, last)
        following = spans[count][0] if count < len(spans) else reached
        if following >= reached:
            cuts[reached] = count
    return cuts


def _written(tokenizer: Any, turns: Sequence[Turn], answering: bool) -> str:
    return str(
        tokenizer.apply_chat_template(
            [dict(turn) for turn in turns], tokenize=False, add_generation_prompt=answering
        )
    )
