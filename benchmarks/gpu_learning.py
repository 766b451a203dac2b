"""How fast do the trainers train Gemma 3 12B on one GPU? Random weights of the real shapes, no download.

    python -m benchmarks.gpu_learning [--quick] [--json] [--tiny]

Compared with: TRL's trainers with their own defaults (adapter on the same layers, weights in bfloat16) on the
same rows, and with the rate at which this very GPU multiplies large matrices, all in the same run. `--tiny`
runs the same on a toy model, on any machine: it checks the benchmark, and its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback

from benchmarks._gpu_model import TINY, TWELVE, make_model, make_rows
from benchmarks._gpu_trainers import ours_dpo, ours_sft, plain_dpo, plain_sft
from learning.base_model import release
from learning.resources import shape_of

WARM_UP = 2  # updates before the clock starts
GB = 1e9


class Clock(TrainerCallback):  # type: ignore[misc]
    """Counts the tokens that are no padding, and the seconds from the end of the warm-up on."""

    def __init__(self, updates: int) -> None:
        self.updates, self.tokens, self.started, self.seconds = updates, 0, 0.0, 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        _wait()
        if state.global_step == WARM_UP:
            self.tokens, self.started = 0, time.perf_counter()
        elif state.global_step > WARM_UP:
            self.seconds = time.perf_counter() - self.started
        control.should_training_stop = state.global_step >= self.updates + WARM_UP

    def counted(self, collate: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def count(rows: Any) -> Any:
            batch = collate(rows)
            found = batch.get("attention_mask")
            self.tokens += int(batch["input_ids"].numel() if found is None else found.sum())
            return batch

        return count


def measure(trainer: Any, updates: int, flops_per_token: float, rate: float) -> dict[str, float]:
    """tokens a second, their share of the matrix rate, and the highest memory in GB of a few updates."""
    clock = Clock(updates)
    trainer.data_collator = clock.counted(trainer.data_collator)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(clock)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    trainer.train()
    speed = clock.tokens / clock.seconds
    memory = torch.cuda.max_memory_allocated() / GB if torch.cuda.is_available() else 0.0
    return {
        "tokens_per_second": round(speed, 1),
        "share_of_matrix_rate": round(speed * flops_per_token / rate, 4),
        "peak_memory_gb": round(memory, 2),
    }


def matrix_rate(size: int) -> float:
    """Operations a second of one large bfloat16 matrix product on this device."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    left = torch.randn(size, size, dtype=torch.bfloat16, device=device)
    for _ in range(3):
        left @ left
    _wait()
    started, times = time.perf_counter(), 20
    for _ in range(times):
        left @ left
    _wait()
    return 2 * size**3 * times / (time.perf_counter() - started)


def run(tiny: bool, updates: int, folder: Path) -> dict[str, Any]:
    """Every figure, each measured in this run."""
    on_gpu = torch.cuda.is_available()
    shape, words = (TINY, 8) if tiny else (TWELVE, 60)
    base = make_model(folder / "base", shape, "cuda" if on_gpu else "cpu")
    release()
    length = 128 if tiny else 1024
    data = make_rows(folder / "data", 32 * (updates + WARM_UP + 1), words)
    weights = shape_of(shape).in_layers + shape_of(shape).embedding
    rate = matrix_rate(256 if tiny else 8192)
    figures: dict[str, Any] = {"matrix_rate_tflops": round(rate / 1e12, 3)}
    # Forward and backward through frozen weights: 2 + 2 operations a weight and token, recomputation not
    # counted; preferences add the reference's forward pass.
    trainers: dict[str, tuple[Callable[[], Any], float]] = {
        "sft_packed": (lambda: ours_sft(base, data, folder, length, checkpointing=False), 4.0),
        "sft_packed_checkpointing": (lambda: ours_sft(base, data, folder, length, checkpointing=True), 4.0),
        "sft_plain_trl": (lambda: plain_sft(base, data, folder, length), 4.0),
        "dpo": (lambda: ours_dpo(base, data, folder, length), 6.0),
        "dpo_plain_trl": (lambda: plain_dpo(base, data, folder, length), 6.0),
    }
    for name, (build, passes) in trainers.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                trainer = build()
                figures[name] = measure(trainer, updates, passes * weights, rate)
        except torch.OutOfMemoryError:
            figures[name] = "out of memory"
        trainer = None
        release()
    return figures


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def conditions(tiny: bool, updates: int) -> dict[str, Any]:
    return {
        "model": "a toy: the figures mean nothing" if tiny else "Gemma 3 12B, text, random weights",
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine(),
        "updates_timed": updates,
        "rows_behind_an_update": {"ours": 32, "plain TRL": 8, "dpo": 16},
        "libraries": {name: version(name) for name in ("torch", "transformers", "trl", "peft")},
    }


def show(figures: dict[str, Any]) -> None:
    grid = Table(title=f"matrix products: {figures['matrix_rate_tflops']} Tflop/s", box=None)
    for column in ("trainer", "tokens/s", "share of the matrix rate", "peak memory, GB"):
        grid.add_column(column, justify="left" if column == "trainer" else "right")
    for name, found in figures.items():
        if isinstance(found, dict):
            grid.add_row(name, *(str(value) for value in found.values()))
        elif name != "matrix_rate_tflops":
            grid.add_row(name, found)
    Console().print(grid)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_learning", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 updates instead of 10")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--tiny", action="store_true", help="a toy model on any machine: checks the benchmark"
    )
    options = parser.parse_args()
    if not options.tiny and not torch.cuda.is_available():
        sys.stderr.write(
            "This needs an NVIDIA GPU with 80 GB, and there is none; --tiny runs on any machine.\n"
        )
        return 1
    updates = 2 if options.quick else 10
    with tempfile.TemporaryDirectory() as folder:
        figures = run(options.tiny, updates, Path(folder))
    if options.json:
        print(json.dumps({"figures": figures, "conditions": conditions(options.tiny, updates)}))
    else:
        show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
