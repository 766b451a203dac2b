"""How is an evaluation's report drawn? As named figures, each with its interval where it has one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from api.shapes.models import Axis, Evaluation, Figure, Row, SideBySide
from storage.records import Adapter

BOUNDS = ("low", "high")


def evaluation_of(adapter: Adapter) -> Evaluation | None:
    """None: nothing was measured of it."""
    report = adapter.report or {}
    models = report.get("models")
    if not isinstance(models, Mapping):
        return None
    verdict = report.get("verdict") or {}
    return Evaluation(
        version=adapter.version,
        models={
            str(role): list(_figures(model)) for role, model in models.items() if isinstance(model, Mapping)
        },
        axes=[Axis.model_validate(axis) for axis in verdict.get("axes", ())],
        passed=verdict.get("passed"),
        report=_without_words(report),
    )


def side_by_side(adapters: Sequence[Adapter]) -> SideBySide:
    found = [(one.version, evaluation_of(one)) for one in adapters]
    by_name: list[dict[str, Figure]] = [
        {figure.name: figure for figure in (one.models.get("candidate", []) if one else [])}
        for _, one in found
    ]
    names = dict.fromkeys(name for figures in by_name for name in figures)
    return SideBySide(
        versions=[version for version, _ in found],
        figures=[Row(name=name, figures=[figures.get(name) for figures in by_name]) for name in names],
        evaluations=[one for _, one in found if one],
    )


def _figures(model: Mapping[str, Any], before: str = "") -> Iterator[Figure]:
    """Numbers at any depth, by the path to them. Texts are left out: they are what people said."""
    spread = [_number(model.get(bound)) for bound in BOUNDS]
    first = True
    for name, value in model.items():
        if isinstance(value, Mapping):
            yield from _figures(value, f"{before}{name}.")
        elif name not in BOUNDS and not name.endswith(("_low", "_high")):
            number = _number(value)
            if number is None and value is not None:
                continue
            low, high = (_number(model.get(f"{name}_{bound}")) for bound in BOUNDS)
            if low is None and first:  # the interval of the first figure beside it has no name of its own
                low, high = spread
            first = False
            yield Figure(name=f"{before}{name}", value=number, low=low, high=high)


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None


def _without_words(value: Any) -> Any:
    """Prompts, samples and answers are for the owner's own eyes; figures are for everybody."""
    if isinstance(value, Mapping):
        return {
            key: _without_words(item)
            for key, item in value.items()
            if key not in {"samples", "prompts", "answers", "lines", "texts"}
        }
    return value
