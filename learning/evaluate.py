"""Is an adapter better than another? Measured side by side on what none of them was trained on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from learning.base_model import load_tokenizer
from learning.evaluation.authorship import Authorship
from learning.evaluation.compared import compared
from learning.evaluation.divergence import divergence
from learning.evaluation.figures import figures, owner_habits
from learning.evaluation.material import Material, encoded, gathered
from learning.evaluation.measured import Measured, measure
from learning.evaluation.models import Models
from learning.evaluation.options import EvaluationSettings
from learning.evaluation.remembered import Remembered
from learning.evaluation.style import Reference
from learning.training import OnProgress, guarded, ignored


def evaluate(
    adapters: Mapping[str, Path | None],
    base: str | Path,
    corpus: Path,
    preferences: Path | None,
    report: Path,
    *,
    max_length: int = 1024,
    seed: int = 0,
    settings: EvaluationSettings | None = None,
    thorough: bool = False,
    remembered: Path | None = None,
    on_progress: OnProgress = ignored,
) -> dict[str, Any]:
    """Measure each adapter (None: the bare base) on the same held-out rows; write and return the report.

    `adapters` maps a role to a folder: "base", "live", and any other is a candidate, which is compared row by
    row with the live one, or with the base where nothing is live. `thorough` takes a few times as long.
    `remembered`: a folder for what was measured of a model before, and need not be again.
    """
    settings = settings or EvaluationSettings()
    settings = settings.thorough() if thorough else settings.brief()
    with guarded():
        tokenizer = load_tokenizer(base)
        material = gathered(corpus, preferences, tokenizer, settings, max_length, seed)
        roles = {**adapters, "base": None}
        models = Models(base, roles)
        measured: dict[str, Measured] = {}
        for names, folder in models.distinct():
            known = Remembered(remembered, base, folder)
            with models.acting(folder) as model:
                of_one = measure(model, tokenizer, material, settings, known)
            measured |= dict.fromkeys(names, of_one)
            on_progress(len(measured) / (len(roles) + 1), {})
        reference = _reference(material)
        authorship = Authorship(settings.authorship_model) if settings.authorship_model else None
        found: dict[str, Any] = {
            "corpus": corpus.name,
            "preferences": preferences.name if preferences else None,
            "against": "live" if "live" in adapters else "base",
            "owner": owner_habits(material, seed),
            "scale": _scale(reference),
            "prompts": [row["prompt"][-1]["content"] for row in material.asked],
            "answers": material.answers,
            "models": {
                role: {
                    "adapter": folder.name if folder else None,
                    **figures(measured[role], measured["base"], material, reference, authorship, seed),
                }
                for role, folder in adapters.items()
            },
        }
        other = "live" if "live" in adapters else "base"
        texts = encoded(tokenizer, material.for_divergence(settings.divergence_texts, seed))
        for role in adapters.keys() - {"base", "live"}:
            three = measured[role], measured[other], measured["base"]
            pair = adapters[role], roles[other]
            found["models"][role] |= {
                "against_live": compared(*three, material, reference, seed),
                "divergence": divergence(models, pair, texts, tokenizer.pad_token_id, seed),
            }
        _write(report, found)
        on_progress(1.0, {})
        return found


def _reference(material: Material) -> Reference | None:
    """Both ends of the scale are of as many texts as there are replies: few texts look further away."""
    others = material.others[: len(material.asked)]
    if not material.owner_before or not material.asked or not others:
        return None
    return Reference(material.owner_before, material.answers, others)


def _scale(reference: Reference | None) -> dict[str, Any] | None:
    """How far the owner is from themselves and how far other people are, for each habit."""
    return {"ceiling": reference.ceiling, "floor": reference.floor} if reference else None


def _write(report: Path, found: Mapping[str, Any]) -> None:
    report.parent.mkdir(parents=True, exist_ok=True)
    unfinished = report.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(found, indent=2, ensure_ascii=False), encoding="utf-8")
    unfinished.rename(report)
