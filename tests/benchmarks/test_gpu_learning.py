"""Does the GPU benchmark run from end to end? On a toy model here; without a GPU it says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def benchmark(*options):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu_learning", *options], cwd=ROOT, capture_output=True, text=True
    )


def test_every_trainer_is_timed_beside_plain_trl_in_the_same_run():
    done = benchmark("--tiny", "--quick", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    figures = found["figures"]
    assert figures["matrix_rate_tflops"] > 0
    for name in ("sft_packed", "sft_packed_checkpointing", "sft_plain_trl", "dpo", "dpo_plain_trl"):
        assert figures[name]["tokens_per_second"] > 0
        assert 0 < figures[name]["share_of_matrix_rate"] < 1
    assert "mean nothing" in found["conditions"]["model"]


def test_without_a_gpu_it_is_one_sentence():
    done = benchmark("--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("This needs an NVIDIA GPU")
    assert len(done.stderr.splitlines()) == 1
