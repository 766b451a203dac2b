"""Are the flags right for the machine, and is what cannot fit refused with numbers?"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from brain.machine import Gpu, Machine, read_gpus, this_machine
from brain.model_facts import GEMMA_1B, GEMMA_4B, GEMMA_12B, GEMMA_27B, facts_of
from brain.serving_choice import ANSWERS, GB, DoesNotFit, choose
from brain.settings import ServingSettings
from brain.vllm_server import lacks, vllm_command, vllm_environment

A10 = Gpu("NVIDIA A10", 24 * 2**30, 8.6)
H100 = Gpu("NVIDIA H100", 80 * 2**30, 9.0)
T4 = Gpu("Tesla T4", 16 * 2**30, 7.5)


def chosen(gpu, count, facts=GEMMA_12B, replicas=None, rank=16, **settings):
    return choose(Machine((gpu,) * count), facts, ServingSettings(**settings), rank=rank, replicas=replicas)


def flag(choice, name):
    return choice.flags[choice.flags.index(name) + 1] if name in choice.flags else None


@pytest.mark.parametrize(
    ("facts", "billions"), [(GEMMA_1B, 1.0), (GEMMA_4B, 4.3), (GEMMA_12B, 12.2), (GEMMA_27B, 27.4)]
)
def test_the_facts_come_to_the_published_number_of_parameters(facts, billions):
    assert abs(facts.parameters / 1e9 - billions) < 0.06 * billions


@pytest.mark.parametrize(
    ("machine", "settings", "expected"),
    [  # quantisation, GPUs for each, replicas, context
        ((A10, 1), {}, ("fp8_per_tensor", 1, 1, 16384)),
        ((A10, 1), {"quantisation": "bitsandbytes"}, ("bitsandbytes", 1, 1, 32768)),
        ((A10, 2), {"quantisation": "none"}, (None, 2, 1, 32768)),
        ((H100, 1), {}, (None, 1, 1, 32768)),
        ((H100, 1), {"quantisation": "fp8"}, ("fp8_per_tensor", 1, 1, 32768)),
        ((H100, 1), {"context": 131072}, (None, 1, 1, 131072)),
        ((H100, 2), {}, (None, 1, 2, 32768)),
        ((H100, 8), {}, (None, 1, 8, 32768)),
        ((H100, 8), {"quantisation": "fp8"}, ("fp8_per_tensor", 1, 8, 32768)),
    ],
)
def test_a_12b_on_a_machine(machine, settings, expected):
    choice = chosen(*machine, **settings)
    found = flag(choice, "--quantization"), choice.gpus_each, choice.replicas
    assert (*found, int(flag(choice, "--max-model-len"))) == expected
    assert flag(choice, "--tensor-parallel-size") == str(choice.gpus_each)


def test_the_whole_command_on_a_gpu():
    choice = chosen(H100, 1, rank=64)
    command = vllm_command(Path("vllm"), "google/gemma-3-12b-it", name="gemma", port=8001, choice=choice)
    assert " ".join(command) == (
        "vllm serve google/gemma-3-12b-it --served-model-name gemma --host 127.0.0.1 --port 8001 "
        "--generation-config vllm --tensor-parallel-size 1 --max-model-len 32768 "
        "--gpu-memory-utilization 0.90 --enable-prefix-caching --enable-lora --max-lora-rank 64 "
        "--max-loras 8 --max-cpu-loras 64"
    )
    environment = vllm_environment(choice, range(2, 4))
    assert environment["CUDA_VISIBLE_DEVICES"] == "2,3"
    assert environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "True"
    assert "OMP_NUM_THREADS" not in environment


def test_the_whole_command_without_a_gpu(tiny):
    choice = choose(Machine(), facts_of(str(tiny.base)), ServingSettings(), rank=16, replicas=2)
    command = vllm_command(Path("vllm"), "/models/tiny", name="tiny", port=8001, choice=choice)
    assert " ".join(command) == (
        "vllm serve /models/tiny --served-model-name tiny --host 127.0.0.1 --port 8001 "
        "--generation-config vllm --max-model-len 512 --enable-lora --max-lora-rank 16 "
        "--max-loras 64 --max-cpu-loras 64 --dtype float32 "
        "--enforce-eager --max-num-seqs 32 --kv-cache-memory-bytes 268435456"
    )
    assert choice.replicas == 2
    environment = vllm_environment(choice)
    assert environment["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
    assert not {"VLLM_CPU_KVCACHE_SPACE", "CUDA_VISIBLE_DEVICES"} & set(environment)


def test_it_listens_to_this_machine_only_whatever_is_set():
    for settings in ({}, {"share_gpu": "sleep"}, {"speculate": "ngram"}):
        choice = chosen(H100, 1, **settings)
        command = vllm_command(Path("vllm"), "weights", name="x", port=1, choice=choice)
        assert [command[at + 1] for at, part in enumerate(command) if part == "--host"] == ["127.0.0.1"]


def test_what_is_chosen_fits():
    machines = ((A10, 1, GEMMA_12B), (H100, 1, GEMMA_27B), (A10, 4, GEMMA_27B), (T4, 1, GEMMA_4B))
    for gpu, count, facts in machines:
        choice = chosen(gpu, count, facts)
        gpus, context = choice.gpus_each, int(flag(choice, "--max-model-len"))
        quantisation = (flag(choice, "--quantization") or "").partition("_")[0]
        weights = facts.weight_bytes(quantisation or None) / gpus
        cache = ANSWERS * facts.kv_bytes(context, gpus)
        assert weights + cache + 8 * facts.lora_bytes(16) < 0.9 * gpu.memory


def test_larger_adapters_leave_less_room_for_conversations():
    contexts = [int(flag(chosen(A10, 1, rank=rank), "--max-model-len")) for rank in (16, 64)]
    assert contexts == [16384, 4096]
    with pytest.raises(DoesNotFit, match="32 adapters of rank 64"):
        chosen(A10, 1, rank=64, lora_slots=32, quantisation="fp8")


@pytest.mark.parametrize(
    ("machine", "facts", "settings", "words"),
    [
        ((A10, 1), GEMMA_12B, {"quantisation": "none"}, r"needs 2\d\.\d GB .* may use 23\.2 GB of 25\.8"),
        ((T4, 1), GEMMA_27B, {}, "does not fit"),
        ((H100, 1), GEMMA_12B, {"context": 131072, "share_gpu": "split", "training_gb": 60}, "131072 tokens"),
        ((T4, 1), GEMMA_4B, {"quantisation": "fp8"}, r"fp8 needs .* 8\.0 .* 7\.5"),
        ((H100, 1), GEMMA_12B, {"quantisation": "awq"}, "needs a checkpoint"),
        ((H100, 1), replace(GEMMA_12B, quantised="gptq"), {"quantisation": "awq"}, "by gptq, not by awq"),
        (
            (H100, 1),
            GEMMA_12B,
            {"context": 200_000},
            "is 200000, and this model reads up to 131072",
        ),
        ((A10, 1), GEMMA_12B, {"share_gpu": "split", "training_gb": 500}, r"may use 0\.0 GB"),
    ],
)
def test_what_cannot_fit_is_refused_with_the_numbers(machine, facts, settings, words):
    with pytest.raises(DoesNotFit, match=words):
        chosen(*machine, facts, **settings)


def test_more_replicas_than_gpus_are_refused_and_fewer_get_more_of_them_when_needed():
    with pytest.raises(DoesNotFit, match="3 replicas need 3 GPUs, and there are 2"):
        chosen(H100, 2, replicas=3)
    choice = chosen(A10, 4, replicas=2, quantisation="none")
    assert (choice.replicas, choice.gpus_each) == (2, 2)


def test_training_gets_its_share_of_the_gpu():
    split = chosen(H100, 1, share_gpu="split", training_gb=30)
    share = float(flag(split, "--gpu-memory-utilization"))
    assert share == pytest.approx(1 - 30 * GB / H100.memory, abs=0.01)
    sleeping = chosen(H100, 1, share_gpu="sleep")
    assert "--enable-sleep-mode" in sleeping.flags
    assert vllm_environment(sleeping)["VLLM_SERVER_DEV_MODE"] == "1"
    assert "VLLM_SERVER_DEV_MODE" not in vllm_environment(split)


def test_speculation_is_by_setting():
    assert flag(chosen(H100, 1), "--speculative-config") is None
    ngram = json.loads(flag(chosen(H100, 1, speculate="ngram"), "--speculative-config"))
    assert (ngram["method"], ngram["prompt_lookup_max"]) == ("ngram", 4)
    draft = json.loads(flag(chosen(H100, 1, speculate="google/gemma-3-1b-it"), "--speculative-config"))
    assert (draft["method"], draft["model"]) == ("draft_model", "google/gemma-3-1b-it")


def test_a_model_that_drafts_needs_its_own_room():
    drafting = chosen(A10, 1, GEMMA_4B, speculate="google/gemma-3-4b-it")
    alone = chosen(A10, 1, GEMMA_4B)
    caches = [{what: value for what, value, _ in one.reasons}["cache"] for one in (alone, drafting)]
    less = float(caches[0].split()[0]) - float(caches[1].split()[0])
    assert less == pytest.approx(GEMMA_4B.weight_bytes(None) / GB, abs=0.2)


def test_what_this_vllm_lacks_is_never_chosen_and_refused_where_it_is_set():
    lacking = frozenset({"bitsandbytes", "suffix"})

    def choose_without(gpu, facts=GEMMA_12B, **settings):
        return choose(Machine((gpu,)), facts, ServingSettings(**settings), rank=16, lacking=lacking)

    assert flag(chosen(T4, 1), "--quantization") == "bitsandbytes"
    with pytest.raises(DoesNotFit, match="does not fit") as too_large:
        choose_without(T4)
    assert "bitsandbytes" not in str(too_large.value)
    with pytest.raises(DoesNotFit, match="quantisation is bitsandbytes, and vLLM needs vllm-bnb-plugin"):
        choose_without(T4, quantisation="bitsandbytes")
    with pytest.raises(DoesNotFit, match="this checkpoint is bitsandbytes, and vLLM needs vllm-bnb-plugin"):
        choose_without(H100, replace(GEMMA_12B, quantised="bitsandbytes"))
    with pytest.raises(DoesNotFit, match="speculate is suffix, and vLLM needs arctic-inference"):
        choose_without(H100, speculate="suffix")
    assert choose_without(H100).flags == chosen(H100, 1).flags


def test_what_vllm_lacks_is_looked_for_in_its_own_python(tmp_path):
    packages = tmp_path / "packages"
    packages.mkdir()
    vllm, python = tmp_path / "vllm", tmp_path / "python"
    vllm.write_text(f"#!{python}\n")
    python.write_text(f'#!/bin/sh\nPYTHONPATH={packages} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    assert lacks(vllm) == {"bitsandbytes", "suffix"}
    (packages / "vllm_bnb_plugin.py").touch()
    assert lacks(vllm) == {"suffix"}
    (packages / "arctic_inference.py").touch()
    assert lacks(vllm) == frozenset()
    python.write_text("#!/bin/sh\nexit 1\n")
    assert lacks(vllm) == frozenset()  # it will say itself what it misses


def test_what_is_set_for_a_gpu_and_not_used_without_one_is_told():
    on_a_cpu = choose(Machine(), GEMMA_4B, ServingSettings(quantisation="fp8", speculate="ngram"), rank=8)
    assert on_a_cpu.reasons[-1] == ("quantisation, speculate", "not used", "only on a GPU")
    assert "not used" not in str(choose(Machine(), GEMMA_4B, ServingSettings(), rank=8).reasons)


@pytest.mark.parametrize("nonsense", ["n-gram", "eagle", "ngrams"])
def test_a_way_to_speculate_that_is_none_is_no_setting(nonsense):
    with pytest.raises(ValidationError):
        ServingSettings(speculate=nonsense)


def test_every_choice_says_why():
    for choice in (chosen(H100, 8), choose(Machine(), GEMMA_4B, ServingSettings(), rank=8)):
        assert all(what and value and why for what, value, why in choice.reasons)
        assert {"replicas", "context", "adapters", "cache"} <= {what for what, *_ in choice.reasons}


def test_the_gpus_are_read_from_what_nvidia_smi_prints():
    printed = "NVIDIA H100 80GB HBM3, 81559, 9.0\nNVIDIA A10, with a comma, 23028, 8.6\nNo devices\n"
    assert read_gpus(printed) == (
        Gpu("NVIDIA H100 80GB HBM3", 81559 * 2**20, 9.0),
        Gpu("NVIDIA A10, with a comma", 23028 * 2**20, 8.6),
    )


SMI = """#!/bin/sh
for asked in "$@"; do case "$asked" in --id=*) ids="${asked#--id=}";; esac; done
all="0 1 2 3"; [ -n "$ids" ] && all=$(echo "$ids" | tr , ' ')
for one in $all; do echo "NVIDIA A10, 23028, 8.6"; done
"""


@pytest.mark.parametrize(
    ("allowed", "ids"),
    [(None, ("0", "1", "2", "3")), ("1,3", ("1", "3")), ("GPU-8a7f", ("GPU-8a7f",)), ("", ()), ("-1", ())],
)
def test_only_the_gpus_that_are_ours_are_used(tmp_path, monkeypatch, allowed, ids):
    """Somebody else computes on the others."""
    (tmp_path / "nvidia-smi").write_text(SMI)
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    machine = this_machine({} if allowed is None else {"CUDA_VISIBLE_DEVICES": allowed})
    assert len(machine.gpus) == len(ids)
    assert tuple(one for n in range(len(ids)) for one in machine.some(n, 1)) == ids
    if ids:
        choice = choose(machine, GEMMA_4B, ServingSettings(), rank=16)
        assert choice.replicas == len(ids)
        own = vllm_environment(choice, machine.some(0, choice.gpus_each))
        assert own["CUDA_VISIBLE_DEVICES"] == ids[0]


def test_the_bits_of_a_checkpoint_are_read_where_it_tells_them(tmp_path):
    def of(**config):
        (tmp_path / "config.json").write_text(json.dumps(config))
        return facts_of(str(tmp_path))

    groups = {"group_0": {"weights": {"num_bits": 4}, "targets": ["Linear"]}}
    compressed = {"quant_method": "compressed-tensors", "config_groups": groups}
    in_four = of(quantization_config=compressed)
    assert (in_four.quantised, in_four.bits) == ("compressed-tensors", 4)
    assert in_four.weight_bytes("compressed-tensors") == in_four.weight_bytes("awq")
    inside = of(text_config={"quantization_config": compressed}, vision_config={"x": 1})
    assert (inside.quantised, inside.bits) == ("compressed-tensors", 4)
    in_eight = of(quantization_config={"quant_method": "gptq", "bits": 8})
    assert in_eight.weight_bytes("gptq") == in_eight.weight_bytes("fp8")
    unknown = of(quantization_config={"quant_method": "torchao"})
    assert unknown.weight_bytes("torchao") == unknown.weight_bytes(None)  # better too much
    for wanted in ("auto", "fp8", "awq", "gptq"):  # all of them are written as compressed-tensors by us
        assert flag(chosen(A10, 1, in_four, quantisation=wanted), "--quantization") is None


def test_the_facts_are_read_from_the_model_folder_or_the_name(tiny, tmp_path):
    facts = facts_of(str(tiny.base))
    assert (facts.layers, facts.full_layers, facts.max_length, facts.float32) == (2, 1, 512, True)
    assert facts_of("google/gemma-3-27b-it") == GEMMA_27B
    assert facts_of("somebody/gemma-3-4b-it-AWQ") == replace(GEMMA_4B, quantised="awq")
    nested = {"dtype": "bfloat16", "text_config": {"num_hidden_layers": 12}, "vision_config": {"x": 1}}
    nested["quantization_config"] = {"quant_method": "gptq"}
    (tmp_path / "config.json").write_text(json.dumps(nested))
    facts = facts_of(str(tmp_path))
    assert (facts.layers, facts.full_layers, facts.quantised) == (12, 2, "gptq")
    assert facts.vision_parameters


def test_an_exported_model_is_served_as_it_is_and_takes_the_room_of_its_bits():
    four, eight = (replace(GEMMA_27B, quantised="compressed-tensors", bits=bits) for bits in (4, 8))
    whole, kept = GEMMA_27B.weight_bytes(None), "compressed-tensors"
    assert four.weight_bytes(kept) < 0.4 * whole < eight.weight_bytes(kept) < 0.6 * whole
    for wanted in ("auto", "awq", "gptq"):
        choice = chosen(H100, 1, four, quantisation=wanted)
        assert "--quantization" not in choice.flags  # vLLM reads it from the config
        assert kept in {value for what, value, _ in choice.reasons if what == "weights"}
    assert "--quantization" not in chosen(H100, 1, eight, quantisation="fp8").flags


def test_four_bits_are_computed_in_sixteen_on_a_cpu_for_vllm_knows_no_other_way():
    tiny = replace(GEMMA_1B, float32=True)
    four, eight = (replace(tiny, quantised="compressed-tensors", bits=bits) for bits in (4, 8))
    for facts, dtype in ((tiny, "float32"), (eight, "float32"), (four, "bfloat16")):
        assert flag(choose(Machine(), facts, ServingSettings(), rank=8), "--dtype") == dtype
