"""What does the teacher make of the owner's words? Asked once for every row, written down, never asked again.

So that it need not be in memory while the student learns, and may run on another machine.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from learning.adapter_folder import base_identity
from learning.base_model import load_base, load_tokenizer
from learning.chunks import Encoded, Turn, fitted, rendered
from learning.distil_recipe import DistilRecipe
from learning.failures import TeacherRefused, TrainingFailed
from learning.local_teacher import LocalTeacher
from learning.rows import read_rows, without_oldest
from learning.teacher_folder import CARD, Row, Unfinished, read_card
from learning.teacher_server import TeacherServer
from learning.training import OnProgress, guarded, ignored

AT_ONCE = 32  # rows between two looks at the disk: what a kill can cost


class Teacher(Protocol):
    """A model that can be asked, in memory or behind a server."""

    def score(self, rows: Sequence[Encoded]) -> list[list[float]]:
        """For each row the log-probability of every token of its answer, in nats."""

    def answer(self, prompts: Sequence[list[int]], most: int) -> list[str | None]:
        """The likeliest answer to each prompt; None where it does not end within `most` tokens."""


def precompute(
    teacher: str,
    data_dir: Path,
    recipe: DistilRecipe,
    folder: Path,
    *,
    url: str | None = None,
    on_progress: OnProgress = ignored,
) -> dict[str, Any]:
    """Fill and freeze `folder` with the teacher's scores and answers for a corpus snapshot; return its card.

    A frozen folder is left as it is. Killed at any time and started again, it asks only for what is missing.
    Raises TeacherRefused, and what is done stays.
    """
    if not (folder / CARD).exists():
        with guarded():
            _asked(teacher, data_dir, recipe, folder, url, on_progress)
    on_progress(1.0, {})
    return read_card(folder)


def teacher_tokenizer(teacher: str) -> Any:
    """The teacher's own tokenizer. Raises TeacherRefused if its tokens have no place in the text."""
    tokenizer = _loaded(load_tokenizer, teacher)
    if not tokenizer.is_fast:
        raise TeacherRefused(
            f"The teacher {teacher} has no fast tokenizer, and only those say where a token stands: "
            "choose a teacher with a tokenizer.json."
        )
    if not tokenizer.chat_template:
        raise TeacherRefused(
            f"The teacher {teacher} has no chat template, so it was not made to answer: "
            "choose an instruction-tuned model."
        )
    return tokenizer


def _asked(
    teacher: str,
    data_dir: Path,
    recipe: DistilRecipe,
    folder: Path,
    url: str | None,
    on_progress: OnProgress,
) -> None:
    tokenizer = teacher_tokenizer(teacher)
    train, held = (read_rows(data_dir / f"{name}.jsonl") for name in ("train", "validation"))
    asked = random.Random(recipe.seed).sample(train, round(len(train) * recipe.answers))
    work = [("owner", row) for row in [*train, *held]] + [("answer", row) for row in asked]
    unfinished = Unfinished(folder)
    with _open(teacher, url, tokenizer) as model:
        for batch in _batches(unfinished.missing(work)):
            of = batch[0][0]
            ask = _owners if of == "owner" else _answers
            unfinished.add(
                {"id": row["id"], "of": of, **found}
                for (_, row), found in zip(
                    batch, ask(model, tokenizer, [row for _, row in batch], recipe), strict=True
                )
            )
            on_progress(
                min(0.99, len(unfinished.rows) / len(work)), {"rows": len(unfinished.rows), "of": len(work)}
            )
    left_out = Counter(row["left_out"] for row in unfinished.rows if "left_out" in row)
    scored = Counter(row["of"] for row in unfinished.rows if "left_out" not in row)
    if not scored["owner"]:
        why = next(iter(left_out), "the corpus is empty")
        raise TeacherRefused(f"The teacher {teacher} could score none of the owner's answers: {why}.")
    unfinished.freeze(
        {
            "teacher": base_identity(teacher),
            "template_sha256": hashlib.sha256(tokenizer.chat_template.encode()).hexdigest(),
            "corpus": data_dir.name,
            "asked_by": "server" if url else "transformers",
            "recipe": recipe.model_dump(include={"answers", "answer_tokens", "max_length", "seed"}),
            "rows": dict(scored),
            "left_out": dict(left_out),
        }
    )


def _batches(todo: Sequence[tuple[str, Row]]) -> Iterator[Sequence[tuple[str, Row]]]:
    for kind in ("owner", "answer"):
        rows = [one for one in todo if one[0] == kind]
        yield from (rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE))


def _owners(
    model: Teacher, tokenizer: Any, rows: Sequence[Row], recipe: DistilRecipe
) -> list[dict[str, Any]]:
    return _scored(
        model, tokenizer, [(row["prompt"], row["completion"][0]["content"]) for row in rows], recipe
    )


def _answers(
    model: Teacher, tokenizer: Any, rows: Sequence[Row], recipe: DistilRecipe
) -> list[dict[str, Any]]:
    prompts = [_fitting(tokenizer, row["prompt"], recipe) for row in rows]
    said = model.answer(prompts, recipe.answer_tokens)
    found = _scored(
        model, tokenizer, [(row["prompt"], text or "") for row, text in zip(rows, said, strict=True)], recipe
    )
    return [
        {**scores, "text": text} if text else {"left_out": "the teacher's answer has no words or no end"}
        for scores, text in zip(found, said, strict=True)
    ]


def _scored(
    model: Teacher, tokenizer: Any, said: Sequence[tuple[Sequence[Turn], str]], recipe: DistilRecipe
) -> list[dict[str, Any]]:
    """Scores of each answer after its prompt, or why there are none; the order is kept."""
    fitting = [fitted(tokenizer, prompt, text, recipe.max_length) for prompt, text in said]
    scores = iter(model.score([one for one in fitting if isinstance(one, Encoded)]))
    return [
        {"left_out": one}
        if isinstance(one, str)
        else {"spans": one.spans, "logprobs": [round(value, 6) for value in next(scores)]}
        for one in fitting
    ]


def _fitting(tokenizer: Any, prompt: Sequence[Turn], recipe: DistilRecipe) -> list[int]:
    while True:
        text = rendered(tokenizer, prompt, answering=True)
        ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        shorter = without_oldest(prompt)
        if len(ids) <= recipe.max_length or shorter is None:
            return ids
        prompt = shorter


def _loaded(load: Callable[[str], Any], teacher: str) -> Any:
    try:
        return load(teacher)
    except (TrainingFailed, OSError, ValueError) as missing:
        raise TeacherRefused(
            f"The teacher {teacher} cannot be loaded: check [learning] teacher, or download it first."
        ) from missing


@contextmanager
def _open(teacher: str, url: str | None, tokenizer: Any) -> Iterator[Teacher]:
    if not url:
        yield LocalTeacher(_loaded(load_base, teacher), tokenizer)
        return
    with TeacherServer(url, teacher) as server:
        yield server
