"""Are the flags right for the machine, and is what cannot fit refused with numbers?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from brain.machine import Gpu, Machine, read_gpus
from brain.model_facts import GEMMA_1B, GEMMA_4B, GEMMA_12B, GEMMA_27B, facts_of
from brain.serving_choice import ANSWERS, GB, DoesNotFit, choose
from brain.settings import ServingSettings
from brain.vllm_server import vllm_command, vllm_environment

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
        ((A10, 1), {}, ("fp8", 1, 1, 16384)),
        ((A10, 1), {"quantisation": "bitsandbytes"}, ("bitsandbytes", 1, 1, 32768)),
        ((A10, 2), {"quantisation": "none"}, (None, 2, 1, 32768)),
        ((H100, 1), {}, (None, 1, 1, 32768)),
        ((H100, 1), {"quantisation": "fp8"}, ("fp8", 1, 1, 32768)),
        ((H100, 1), {"context": 131072}, (None, 1, 1, 131072)),
        ((H100, 2), {}, (None, 1, 2, 32768)),
        ((H100, 8), {}, (None, 1, 8, 32768)),
        ((H100, 8), {"quantisation": "fp8"}, ("fp8", 1, 8, 32768)),
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
        weights = facts.weight_bytes(flag(choice, "--quantization")) / gpus
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


@pytest.mark.parametrize(
    ("kinds", "quantised"),
    [
        ([("float", 8)], "fp8"),
        ([("int", 4)], "w4a16"),
        ([("int", 4), ("int", 4)], "w4a16"),
        ([("int", 8)], "compressed-tensors"),
        ([("float", 8), ("int", 4)], "compressed-tensors"),
        ([], "compressed-tensors"),
    ],
)
def test_what_is_in_compressed_tensors_is_read_from_the_config(tmp_path, kinds, quantised):
    groups = {
        f"group_{n}": {"weights": {"type": kind, "num_bits": bits}} for n, (kind, bits) in enumerate(kinds)
    }
    how = {"quant_method": "compressed-tensors", "config_groups": groups}
    (tmp_path / "config.json").write_text(json.dumps({"quantization_config": how}))
    assert facts_of(str(tmp_path)).quantised == quantised


def test_an_exported_model_is_served_as_it_is_and_takes_the_room_of_its_bits():
    four, eight = replace(GEMMA_27B, quantised="w4a16"), replace(GEMMA_27B, quantised="fp8")
    whole = GEMMA_27B.weight_bytes(None)
    assert four.weight_bytes("w4a16") < 0.4 * whole < eight.weight_bytes("fp8") < 0.6 * whole
    for wanted in ("auto", "awq", "gptq"):
        choice = chosen(H100, 1, four, quantisation=wanted)
        assert "--quantization" not in choice.flags  # vLLM reads it from the config
        assert "w4a16" in {value for what, value, _ in choice.reasons if what == "weights"}
    with pytest.raises(DoesNotFit, match="by w4a16, not by fp8"):
        chosen(H100, 1, four, quantisation="fp8")
    assert "--quantization" not in chosen(H100, 1, eight, quantisation="fp8").flags


def test_four_bits_are_computed_in_sixteen_on_a_cpu_for_vllm_knows_no_other_way():
    tiny = replace(GEMMA_1B, float32=True)
    for quantised, dtype in ((None, "float32"), ("fp8", "float32"), ("w4a16", "bfloat16")):
        choice = choose(Machine(), replace(tiny, quantised=quantised), ServingSettings(), rank=8)
        assert flag(choice, "--dtype") == dtype
