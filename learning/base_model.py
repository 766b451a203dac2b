"""How is the base model brought into memory for training and for measuring?"""

from __future__ import annotations

import gc
import logging
import os
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.utils import logging as transformers_logging

from learning.adapter_folder import other_base
from learning.failures import TrainingFailed

log = logging.getLogger(__name__)

# Patterns are matched from the beginning of a module's name, which the multimodal class starts with "model.".
NOT_IN_FOUR_BITS = ("lm_head", r".*vision_tower", r".*multi_modal_projector")


def on_gpu() -> bool:
    return bool(torch.cuda.is_available())


def load_tokenizer(base: str | Path) -> Any:
    """The tokenizer, never the processor: given that, the trainers would expect pictures."""
    try:
        return AutoTokenizer.from_pretrained(str(base), padding_side="right")
    except OSError as missing:
        raise _not_there(base) from missing


def load_base(base: str | Path, qlora: bool = False) -> Any:
    """The base model: bfloat16 on a GPU (float16 overflows in Gemma 3), float32 without one; or in 4 bits."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    quantised = {"quantization_config": four_bits(), "device_map": {"": _gpu()}} if qlora else {}
    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(base),
            dtype=torch.bfloat16 if on_gpu() else torch.float32,
            attn_implementation="sdpa",
            **quantised,
        )
    except OSError as missing:
        raise _not_there(base) from missing
    return model.to(_gpu()) if on_gpu() and not qlora else model


def four_bits() -> BitsAndBytesConfig:
    """NF4 with double quantisation for Gemma's layers, and for nothing else (QLoRA, Dettmers et al. 2023).

    Raises TrainingFailed where that cannot run, naming what is missing.
    """
    if not on_gpu():
        raise TrainingFailed("QLoRA needs an NVIDIA GPU, and there is none: set qlora = false in the recipe.")
    if find_spec("bitsandbytes") is None:
        raise TrainingFailed("QLoRA needs bitsandbytes: pip install 'twin[gpu]', or set qlora = false.")
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=list(NOT_IN_FOUR_BITS),
    )


def with_faster_layers(model: Any) -> Any:
    """Liger's fused rotary, norms and gated MLP, where there is a GPU and liger-kernel is installed.

    By a direct call: the trainers' own switch for it is deprecated, and would replace the fused loss.
    """
    if on_gpu() and find_spec("liger_kernel"):
        from liger_kernel.transformers import apply_liger_kernel_to_gemma3, apply_liger_kernel_to_gemma3_text

        sees = model.config.model_type == "gemma3"
        apply = apply_liger_kernel_to_gemma3 if sees else apply_liger_kernel_to_gemma3_text
        apply(
            rope=True,
            rms_norm=True,
            geglu=True,
            cross_entropy=False,
            fused_linear_cross_entropy=False,
            model=model,
        )
    return model


def with_adapter(model: Any, adapter: Path, trainable: bool = False) -> Any:
    """The model under this adapter, named "default", which is the name that the trainers look for.

    `trainable` must be set for training: without it nothing would be trained, and nothing would say so.
    Raises TrainingFailed for an adapter of another base model: it would load, and talk nonsense.
    """
    if wrong := other_base(adapter, model.name_or_path):
        raise TrainingFailed(f"{adapter.name} cannot be used: {wrong}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PeftModel.from_pretrained(model, str(adapter), is_trainable=trainable)


def _gpu() -> str:
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def release() -> None:
    """Give memory back between two steps of one process."""
    gc.collect()
    if on_gpu():
        torch.cuda.empty_cache()


def _not_there(base: str | Path) -> TrainingFailed:
    return TrainingFailed(
        f"The base model {base} cannot be loaded: check [model] base, or download it first."
    )
