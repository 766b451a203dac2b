"""What did the teacher say, and how likely does it find what the owner said? A frozen folder; no torch.

`scores.jsonl` has a line for each of the owner's answers in training and validation, and one for each answer
the teacher gave itself: {"id": the corpus row, "of": "owner" | "answer", "text": only of its own answers,
"spans": [[first, last] ...] in characters of the text, "logprobs": [one for each span, in nats]}, or
{"id", "of", "left_out": why}. `card.json` names the teacher, its template and the corpus.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from learning.adapter_folder import base_identity, sha256
from learning.distil_recipe import DistilRecipe
from learning.failures import TeacherRefused
from learning.rows import as_jsonl, read_rows

SCORES, CARD = "scores.jsonl", "card.json"
READS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)  # what decides on a teacher's tokens

Row = Mapping[str, Any]


def folder_for(root: Path, teacher: str, data_dir: Path, recipe: DistilRecipe) -> Path:
    """Where the scores of this teacher for this corpus lie. Another teacher, template or question: elsewhere.

    Of a teacher on a hub only the name is known.
    """
    files = [Path(teacher) / name for name in READS]
    asked = {
        "teacher": base_identity(teacher),
        "reads": [sha256(file) if file.is_file() else None for file in files],
        "data": [sha256(data_dir / name) for name in ("train.jsonl", "validation.jsonl")],
        "recipe": recipe.model_dump(include={"answers", "answer_tokens", "max_length", "seed"}),
    }
    digest = hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=6).hexdigest()
    return root / f"{data_dir.name}-{digest}"  # begins with the corpus: who forgets that finds this, too


def read_card(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
    return card


def read_scores(folder: Path) -> list[dict[str, Any]]:
    """The rows that have scores. Raises TeacherRefused if the folder is not what was frozen."""
    if not (folder / CARD).is_file():
        raise TeacherRefused(f"There are no scores of a teacher in {folder}: start the training again.")
    if not (folder / SCORES).is_file() or sha256(folder / SCORES) != read_card(folder)["scores_sha256"]:
        raise TeacherRefused(f"The scores in {folder} were changed: remove that folder, then start again.")
    return [row for row in read_rows(folder / SCORES) if "left_out" not in row]


class Unfinished:
    """A folder of scores that is being filled. Killed at any time it is found again with every whole line."""

    def __init__(self, final: Path) -> None:
        self._final = final
        self._folder = final.with_name(f".{final.name}.unfinished")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._scores = self._folder / SCORES
        if self._scores.exists():
            written = self._scores.read_bytes()
            os.truncate(self._scores, written.rfind(b"\n") + 1)  # the line it was killed at
        self.rows = read_rows(self._scores)

    def missing(self, work: Iterable[tuple[str, Row]]) -> list[tuple[str, Row]]:
        """What of this work, each ("owner" | "answer", corpus row), is not written down yet."""
        done = {(row["of"], row["id"]) for row in self.rows}
        return [(of, row) for of, row in work if (of, row["id"]) not in done]

    def add(self, rows: Iterable[Row]) -> None:
        found = [dict(row) for row in rows]
        with self._scores.open("a", encoding="utf-8") as lines:
            lines.write(as_jsonl(found))
            lines.flush()
            os.fsync(lines.fileno())
        self.rows += found

    def freeze(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """Give the folder its name; from then on nothing in it changes. Returns the card."""
        whole = {**card, "id": self._final.name, "scores_sha256": sha256(self._scores)}
        (self._folder / CARD).write_text(json.dumps(whole, indent=2, ensure_ascii=False), encoding="utf-8")
        self._folder.rename(self._final)
        return whole
