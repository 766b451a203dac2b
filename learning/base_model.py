"""How is the base model brought into memory for training and for measuring?"""

from __future__ import annotations

import gc
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from learning.adapter_folder import other_base
from learning.failures import TrainingFailed

log = logging.getLogger(__name__)


def on_gpu() -> bool:
    return bool(torch.cuda.is_available())


def load_tokenizer(base: str | Path) -> Any:
    """The tokenizer, never the processor: given that, the trainers would expect pictures."""
    try:
        return AutoTokenizer.from_pretrained(str(base), padding_side="right")
    except OSError as missing:
        raise _not_there(base) from missing


def load_base(base: str | Path) -> Any:
    """The base model: bfloat16 on a GPU (float16 overflows in Gemma 3), float32 without one."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(base), dtype=torch.bfloat16 if on_gpu() else torch.float32, attn_implementation="sdpa"
        )
    except OSError as missing:
        raise _not_there(base) from missing
    return model.to("cuda") if on_gpu() else model


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


def release() -> None:
    """Give memory back between two steps of one process."""
    gc.collect()
    if on_gpu():
        torch.cuda.empty_cache()


def _not_there(base: str | Path) -> TrainingFailed:
    return TrainingFailed(
        f"The base model {base} cannot be loaded: check [model] base, or download it first."
    )
