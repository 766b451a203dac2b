"""Does the installed vLLM take every command line that `twin serve` makes, on whatever GPUs there are?

Its own parser reads each, and makes of it what it would start with, as far as that goes without a GPU.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tiny_gemma import make_tiny_gemma

from brain.machine import Gpu, Machine
from brain.model_facts import GEMMA_4B, GEMMA_12B, GEMMA_27B, ModelFacts, facts_of
from brain.serving_choice import NEEDS, DoesNotFit, choose
from brain.settings import ServingSettings
from brain.vllm_server import find_vllm, lacks, python_of, vllm_command

pytestmark = pytest.mark.timeout(300)

GPUS = (
    Gpu("Tesla T4", 16 * 2**30, 7.5),
    Gpu("NVIDIA A10", 24 * 2**30, 8.6),
    Gpu("NVIDIA L40S", 48 * 2**30, 8.9),
    Gpu("NVIDIA H100", 80 * 2**30, 9.0),
)
READS = """
import json, sys
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.plugins import load_general_plugins
from vllm.utils.argparse_utils import FlexibleArgumentParser

load_general_plugins()
parser, told, known = make_arg_parser(FlexibleArgumentParser()), [], {}
for line in json.load(sys.stdin):
    read = parser.parse_args(line)
    validate_parsed_serve_args(read)
    read.model = read.model_tag
    # There is no GPU here, and it looks for as many as it is to use; nor can a tiny model read so much.
    read.tensor_parallel_size, read.max_model_len = 1, 128
    matters = read.quantization, read.speculative_config, read.enable_sleep_mode, read.max_lora_rank
    what = json.dumps(matters)
    if what not in known:
        try:
            AsyncEngineArgs.from_cli_args(read).create_engine_config()
            known[what] = ""
        except Exception as refusal:
            known[what] = str(refusal)
    told.append(known[what])
print(json.dumps(told), file=sys.stderr)
"""
NOT_HERE = "Sleep mode is not supported on current platform"  # it is where there is a GPU


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = make_tiny_gemma(tmp_path_factory.mktemp("flags") / "tiny", steps=1)
    return made


def read_by_vllm(lines: list[list[str]]) -> list[str]:
    """What is wrong with each; empty: nothing is."""
    executable = find_vllm()
    assert executable, "run deploy/vllm/install.sh .venv-vllm, or set TWIN_VLLM"
    environment = os.environ | {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1", "TORCHDYNAMO_DISABLE": "1"}
    done = subprocess.run(
        [str(python_of(executable)), "-c", READS],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: list[str] = json.loads(done.stderr.splitlines()[-1])
    return told


def line(tiny: Path, machine: Machine, facts: ModelFacts, settings: ServingSettings, **how: Any) -> list[str]:
    choice = choose(machine, facts, settings, rank=how.pop("rank", 16), **how)
    command = vllm_command(
        Path("vllm"), str(tiny), name="n", port=1, choice=choice, traces="http://localhost:4318/v1/traces"
    )
    return command[2:]


def test_every_line_that_is_chosen_is_one_that_vllm_starts_with(tiny: Path) -> None:
    executable = find_vllm()
    assert executable
    lacking = lacks(executable)
    lines, chosen = [line(tiny, Machine(), facts_of(str(tiny)), ServingSettings())], set()
    for gpu, count, facts, quantisation, share in itertools.product(
        GPUS, (1, 2, 4), (GEMMA_4B, GEMMA_12B, GEMMA_27B), ("auto", "fp8", "none"), ("no", "split", "sleep")
    ):
        settings = ServingSettings(quantisation=quantisation, share_gpu=share, training_gb=12)
        try:
            lines.append(line(tiny, Machine((gpu,) * count), facts, settings, lacking=lacking))
        except DoesNotFit:
            continue
        chosen.add(
            lines[-1][lines[-1].index("--quantization") + 1] if "--quantization" in lines[-1] else None
        )
    assert {None, "fp8_per_tensor"} <= chosen
    h100 = Machine((GPUS[-1],))
    for how, rank in (("ngram", 8), (str(tiny), 512), ("", 320)):
        lines.append(line(tiny, h100, GEMMA_4B, ServingSettings(speculate=how), rank=rank))
    usual = len(lines)
    needing = {
        "bitsandbytes": line(tiny, h100, GEMMA_4B, ServingSettings(quantisation="bitsandbytes")),
        "suffix": line(tiny, h100, GEMMA_4B, ServingSettings(speculate="suffix")),
    }
    assert needing.keys() == NEEDS.keys()
    told = read_by_vllm([*lines, *needing.values()])
    assert {one for one in told[:usual] if NOT_HERE not in one} == {""}
    refused = {what for what, wrong in zip(needing, told[usual:], strict=True) if wrong}
    assert refused == lacking  # no more than what is missing beside it, and no less
