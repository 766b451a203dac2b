"""What does the student learn from one row? Tokens, the pieces they form, and the teacher's score of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from learning.chunks import Encoded, aligned, fitted, sums
from learning.distil_recipe import DistilRecipe
from learning.rows import Row

IGNORED = -100  # label of a token that is not learned from


def lessons(
    rows: Sequence[Row], scores: Sequence[Row], tokenizer: Any, recipe: DistilRecipe
) -> list[dict[str, Any]]:
    """The owner's answers and, where there are any, the teacher's to the same prompts.

    Each is {"id": the corpus row's, "input_ids", "labels", "piece": of each token (-1: of none), "teacher":
    each piece's log-probability, "weight": of its cross-entropy}. What would teach nothing is left out.
    """
    known = {(score["of"], score["id"]): score for score in scores}
    found = []
    for row in rows:
        owners, answer = known.get(("owner", row["id"])), known.get(("answer", row["id"]))
        said = [(row["completion"][0]["content"], owners, recipe.owner_weight)]
        if answer:
            said.append((answer["text"], answer, recipe.answer_weight))
        for text, score, weight in said:
            if not weight and not (score and recipe.soft_weight):
                continue
            student = fitted(tokenizer, row["prompt"], text, recipe.max_length)
            if isinstance(student, Encoded):
                found.append({"id": row["id"], **_lesson(student, score), "weight": weight})
    return found


def _lesson(student: Encoded, score: Row | None) -> dict[str, Any]:
    labels = [IGNORED] * student.start + student.ids[student.start :]
    ends = aligned([(first, last) for first, last in score["spans"]], student.spans) if score else []
    piece = [-1] * student.start
    for number, (_, end) in enumerate(ends):
        piece += [number] * (student.start + end - len(piece))
    return {
        "input_ids": student.ids,
        "labels": labels,
        "piece": piece + [-1] * (len(labels) - len(piece)),
        "teacher": sums(score["logprobs"], [end for end, _ in ends]) if score else [],
    }
