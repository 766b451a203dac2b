"""`.venv-quantize/bin/python -I learning/compress.py`: writes a model in fewer bits with llm-compressor.

It runs where that is installed and nothing of ours is (deploy/quantize/install.sh): it imports nothing of
ours. Its job, told in learning/quantizer.py, which starts it, comes on standard input. Standard output has
one JSON object a line: how far it is, and at the end what went wrong, if anything did. All else is told on
standard error.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

SCHEMES = {"fp8": "FP8_DYNAMIC", "awq": "W4A16_ASYM", "gptq": "W4A16"}  # of compressed-tensors
WHOLE = ["re:.*lm_head", "re:.*vision_tower.*", "re:.*multi_modal_projector.*"]  # these stay as they are
ONE_OF_EACH_LAYER = re.compile(r".*layers\.(\d+)\.self_attn\.q_proj")
LOADED, LOOKED_AT = 0.1, 0.9  # how far it is by then
SMALL = 100_000_000  # parameters; up to there a second thread costs more than it brings

Tell = Callable[[float, str], None]


def compress(job: Mapping[str, Any], tell: Tell) -> None:
    """`job`: `model` and `folder`, `kind`, and `samples`: token ids for "awq" and "gptq" to look at."""
    import torch
    from llmcompressor import oneshot
    from transformers import AutoModelForCausalLM, AutoTokenizer

    kind, samples = job["kind"], job["samples"]
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype="auto")
    if not torch.accelerator.is_available():
        _without_a_gpu(sum(weight.numel() for weight in model.parameters()))
    tell(LOADED, "reading" if samples else "rounding")
    watching, norms = _watched(model, tell) if samples else [], _exact_norms(model)
    calibration = _calibration(samples) if samples else {}
    # Tied: Gemma's words are its output layer, too, and are written once.
    oneshot(
        model=model, recipe=_modifiers(kind), tokenizer=tokenizer, tie_word_embeddings=True, **calibration
    )
    for hook in watching:
        hook.remove()
    _restore(norms)
    tell(LOOKED_AT, "writing")
    model.save_pretrained(job["folder"], save_compressed=True)
    tokenizer.save_pretrained(job["folder"])


def _without_a_gpu(parameters: int) -> None:
    import torch
    from llmcompressor.pipelines.cache import IntermediatesCache

    # AWQ keeps what a GPU is about to read where that reads it fastest, and breaks where there is none.
    IntermediatesCache.pin_memory = lambda self, batch_index, input_names=None: None
    if parameters <= SMALL:
        torch.set_num_threads(1)


def _calibration(samples: Sequence[Sequence[int]]) -> dict[str, Any]:
    from datasets import Dataset

    masks = [[1] * len(one) for one in samples]
    return {
        "dataset": Dataset.from_dict({"input_ids": samples, "attention_mask": masks}),
        "max_seq_length": max(map(len, samples)),
        "num_calibration_samples": len(samples),
    }


def _modifiers(kind: str) -> list[Any]:
    from llmcompressor.modifiers.quantization import GPTQModifier, QuantizationModifier

    scheme: dict[str, Any] = {"targets": "Linear", "scheme": SCHEMES[kind], "ignore": WHOLE}
    if kind == "awq":
        from llmcompressor.modifiers.transform.awq import AWQModifier

        return [AWQModifier(), QuantizationModifier(**scheme)]
    return [GPTQModifier(**scheme) if kind == "gptq" else QuantizationModifier(**scheme)]


def _exact_norms(model: Any) -> list[tuple[Any, Any]]:
    """Every RMS norm with its weights as they are; it is left with the same in 32 bits.

    llm-compressor adds one to them, which is how Gemma multiplies, and takes it away again, all in their own
    16 bits: what is small beside one would be lost. (llm-compressor 0.14)
    """
    norms = [part for part in model.modules() if type(part).__name__.endswith("RMSNorm")]
    found = [(norm, norm.weight.data) for norm in norms]
    for norm, weight in found:
        norm.weight.data = weight.float()
    return found


def _restore(norms: Sequence[tuple[Any, Any]]) -> None:
    """What AWQ has changed is rounded, once; all others are what they were."""
    for norm, weight in norms:
        same = norm.weight.data.allclose(weight.float(), rtol=1e-5, atol=1e-5)
        norm.weight.data = weight if same else norm.weight.data.to(weight.dtype)


def _watched(model: Any, tell: Tell) -> list[Any]:
    """Layer after layer is given all samples; whose turn it is says how far it is."""
    found = {
        int(at[1]): part for name, part in model.named_modules() if (at := ONE_OF_EACH_LAYER.fullmatch(name))
    }
    reached = -1

    def at_layer(number: int) -> None:
        nonlocal reached
        if number > reached:
            reached = number
            tell(LOADED + (LOOKED_AT - LOADED) * number / len(found), f"layer {number + 1} of {len(found)}")

    return [
        part.register_forward_pre_hook(lambda *_, number=number: at_layer(number))
        for number, part in found.items()
    ]


def main() -> int:
    protocol = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # libraries print what they like

    def say(**what: Any) -> None:
        protocol.write(json.dumps(what) + "\n")

    try:
        compress(json.load(sys.stdin), lambda done, note: say(done=done, note=note))
    except Exception as error:
        say(error=f"{type(error).__name__}: {error}")
        raise
    say(done=1.0, note="written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
