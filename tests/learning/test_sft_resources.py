"""Does a training that cannot fit say so before it starts, with numbers that are about right?"""

from __future__ import annotations

import re

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import Gemma3Config, Gemma3ForCausalLM, Gemma3ForConditionalGeneration, Gemma3TextConfig
from transformers.quantizers.quantizers_utils import should_convert_module

from learning import train_sft
from learning.base_model import NOT_IN_FOUR_BITS, load_base
from learning.failures import TrainingFailed
from learning.recipes import TEXT_LAYERS, SftRecipe
from learning.resources import disk_for, memory_for, refusal, shape_of

GB = 1e9
# google/gemma-3-12b-it, as in its config.json
TWELVE = {
    "text_config": {
        "hidden_size": 3840, "intermediate_size": 15360, "num_hidden_layers": 48, "num_attention_heads": 16,
        "num_key_value_heads": 8, "head_dim": 256, "vocab_size": 262208, "sliding_window": 1024,
    },
    "vision_config": {
        "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
        "image_size": 896, "patch_size": 14,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def twelve():
    with torch.device("meta"):
        return Gemma3ForConditionalGeneration(Gemma3Config(**TWELVE))


def test_gemma_12b_is_counted_to_within_a_percent_and_so_is_its_adapter(twelve):
    shape = shape_of(TWELVE)
    whole = sum(weight.numel() for weight in twelve.parameters())
    assert shape.in_layers + shape.embedding + shape.other == pytest.approx(whole, rel=0.01)
    adapted = get_peft_model(twelve, LoraConfig(r=16, target_modules=TEXT_LAYERS), low_cpu_mem_usage=True)
    trained = sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)
    assert shape.adapter(16) == trained


def test_only_the_layers_of_the_language_model_go_into_four_bits(twelve):
    linear = [name for name, module in twelve.named_modules() if isinstance(module, torch.nn.Linear)]
    in_four_bits = [name for name in linear if should_convert_module(name, list(NOT_IN_FOUR_BITS))]
    assert any("vision_tower" in name for name in linear)
    assert "lm_head" in linear
    kept = {re.sub(r"\.lora_.*|\.base_layer", "", name) for name in in_four_bits}
    assert kept
    assert all("language_model.layers" in name for name in kept)


def test_what_gemma_12b_needs_is_what_people_see():
    recipe = SftRecipe()
    lora, qlora = (memory_for(shape_of(TWELVE), recipe.model_copy(update={"qlora": on}), 2) for on in (0, 1))
    assert lora.weights == pytest.approx(24.4 * GB, rel=0.03)
    assert 27 * GB < lora.total < 36 * GB
    assert qlora.total < 16 * GB
    without = memory_for(shape_of(TWELVE), recipe.model_copy(update={"gradient_checkpointing": False}), 2)
    assert without.activations > 8 * lora.activations
    no_dropout = memory_for(shape_of(TWELVE), recipe.model_copy(update={"lora_dropout": 0.0}), 2)
    assert no_dropout.activations < lora.activations
    shorter = memory_for(shape_of(TWELVE), recipe.model_copy(update={"max_length": 512}), 2)
    assert shorter.activations < 0.65 * lora.activations


@pytest.mark.parametrize(("kind", "size"), [(torch.bfloat16, 2), (torch.float32, 4)])
def test_the_bytes_kept_for_the_backward_pass_are_about_those_that_torch_keeps(kind, size):
    def model_of(layers):
        config = Gemma3TextConfig(
            vocab_size=64, hidden_size=320, intermediate_size=1280, num_hidden_layers=layers,
            num_attention_heads=4, num_key_value_heads=2, head_dim=64, sliding_window=64,
        )  # fmt: skip
        lora = LoraConfig(r=4, target_modules=TEXT_LAYERS)
        return shape_of(config.to_dict()), get_peft_model(Gemma3ForCausalLM(config).to(kind), lora)

    recipe = SftRecipe(batch_size=1, max_length=256, gradient_checkpointing=False, lora_dropout=0.0)
    found, told = [], []
    for layers in (1, 3):  # the difference leaves out what is there only once
        shape, model = model_of(layers)
        found.append(kept_by(model, kind, recipe.max_length))
        told.append(memory_for(shape, recipe, size).activations)
    assert told[1] - told[0] == pytest.approx(found[1] - found[0], rel=0.15)


def kept_by(model, kind, tokens):
    own = {weight.data_ptr() for weight in model.parameters()}
    kept = {}  # by storage; the tensors are held, so that no storage comes up again

    def keep(tensor):
        if tensor.data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=kind is torch.bfloat16),
    ):
        model.base_model.model.model(input_ids=torch.ones(1, tokens, dtype=torch.long), use_cache=False)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def test_too_little_memory_is_told_with_the_numbers_and_the_cures():
    recipe = SftRecipe()
    need = memory_for(shape_of(TWELVE), recipe, 2)
    disk = disk_for(shape_of(TWELVE), recipe)
    told = refusal(need, 24 * GB, disk, 1000 * GB, recipe, "GPU memory")
    assert re.search(r"needs about 3\d GB of GPU memory \(base weights 24 GB", told)
    assert "24 GB are free: use a shorter max_length, a smaller batch_size or QLoRA (qlora = true)." in told
    assert refusal(need, 80 * GB, disk, 1000 * GB, recipe, "GPU memory") is None
    assert "of disk for its checkpoints, and 1.0 GB are free" in refusal(
        need, 80 * GB, disk, GB, recipe, "GPU memory"
    )


def test_a_training_that_does_not_fit_is_refused_before_anything_is_loaded(
    base, corpus, sft_recipe, tmp_path
):
    with pytest.raises(TrainingFailed, match=r"of memory .* are free: use a shorter max_length"):
        train_sft.train(
            corpus,
            sft_recipe.model_copy(update={"batch_size": 1_000_000, "max_length": 512}),
            base,
            tmp_path / "sft-1",
            tmp_path / "work",
        )
    assert not (tmp_path / "sft-1").exists()


def test_without_a_gpu_qlora_is_refused_with_what_to_do(base):
    with pytest.raises(
        TrainingFailed, match="QLoRA needs an NVIDIA GPU, and there is none: set qlora = false"
    ):
        load_base(base, qlora=True)
