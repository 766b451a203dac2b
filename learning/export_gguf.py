"""How does a merged Gemma 3 become one GGUF file, for llama.cpp and what is built on it?

Names and file format are the `gguf` package's (llama.cpp's own), and so is the rounding. Read and written one
tensor at a time. Only Gemma's words: what it sees with stays behind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import gguf
from gguf.quants import quantize
from safetensors import safe_open
from transformers import AutoConfig, AutoTokenizer

from learning.failures import TrainingFailed

Bits = Literal["q8", "q4"]
KINDS: dict[Bits, tuple[gguf.GGMLQuantizationType, gguf.LlamaFileType]] = {
    "q8": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
    "q4": (gguf.GGMLQuantizationType.Q4_0, gguf.LlamaFileType.MOSTLY_Q4_0),
}
EMBEDDING = "token_embd.weight"  # the words are the output layer, too: always in 8 bits
WORDS = re.compile(r"(?:^|.*\.)(embed_tokens\.weight|layers\.\d+\..+|norm\.weight)")
EYES = ("vision_tower", "multi_modal_projector")
BYTE = re.compile(r"<0x[0-9A-F]{2}>")
LAYERS_27B = 62


def write(merged: Path, file: Path, bits: Bits) -> None:
    """Write the model in the folder `merged` to `file`.

    Raises TrainingFailed in one sentence for what llama.cpp would read as another model than it is.
    """
    whole = AutoConfig.from_pretrained(str(merged))
    config = getattr(whole, "text_config", None) or whole
    writer = gguf.GGUFWriter(file, gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.GEMMA3])
    _add_shape(writer, config)
    _add_words(writer, merged, config.vocab_size)
    writer.add_file_type(KINDS[bits][1])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GEMMA3, config.num_hidden_layers)
    sharper = _sharper(config)
    places = [(shard, name, _named(names, name)) for shard, name in _tensors(merged)]
    for shard, name, target in places:
        rounded = _rounded(shard, name, target, bits, sharper)
        writer.add_tensor_info(target, rounded.shape, rounded.dtype, rounded.nbytes, _kind(target, bits))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for shard, name, target in places:
        writer.write_tensor_data(_rounded(shard, name, target, bits, sharper))
    writer.close()


def _add_shape(writer: gguf.GGUFWriter, config: Any) -> None:
    if config.model_type != "gemma3_text":
        raise TrainingFailed(f"GGUF files are written of Gemma 3 only, and this is {config.model_type}.")
    full, sliding = (config.rope_parameters[kind] for kind in ("full_attention", "sliding_attention"))
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_sliding_window(config.sliding_window)
    writer.add_sliding_window_pattern(_period(config.layer_types))
    writer.add_rope_freq_base(full["rope_theta"])
    writer.add_rope_freq_base_swa(sliding["rope_theta"])
    if full["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(full["factor"])


def _period(layers: list[str]) -> int:
    """Every which layer sees everything; the others see a window."""
    period = layers.index("full_attention") + 1 if "full_attention" in layers else len(layers) + 1
    if layers != ["sliding_attention" if n % period else "full_attention" for n in range(1, len(layers) + 1)]:
        raise TrainingFailed("llama.cpp knows no Gemma 3 whose full layers come at uneven distances.")
    return period


def _add_words(writer: gguf.GGUFWriter, merged: Path, size: int) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(merged))
    told = json.loads(tokenizer.backend_tokenizer.to_str())
    added = {one["id"]: one["special"] for one in told["added_tokens"]}
    words = {id: word for word, id in tokenizer.get_vocab().items()}
    # llama.cpp joins the pair that scores highest; the merges are in the order in which they are made.
    scores: dict[str, float] = {}
    for rank, (left, right) in enumerate(told["model"]["merges"], start=1):
        scores.setdefault(left + right, -float(rank))
    tokens = [words.get(id, f"<filler{id}>") for id in range(size)]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([scores.get(word, -1e6) for word in tokens])
    writer.add_token_types([_type(id, words, added, tokenizer.unk_token_id) for id in range(size)])
    writer.add_add_space_prefix(False)
    writer.add_add_bos_token(True)
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_eot_token_id(tokenizer.convert_tokens_to_ids("<end_of_turn>"))
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_unk_token_id(tokenizer.unk_token_id)
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)


def _type(id: int, words: dict[int, str], added: dict[int, bool], unknown: int) -> gguf.TokenType:
    if id not in words:
        return gguf.TokenType.UNUSED
    if id == unknown:
        return gguf.TokenType.UNKNOWN
    if id in added:
        return gguf.TokenType.CONTROL if added[id] else gguf.TokenType.USER_DEFINED
    return gguf.TokenType.BYTE if BYTE.fullmatch(words[id]) else gguf.TokenType.NORMAL


def _tensors(merged: Path) -> Iterator[tuple[Path, str]]:
    for shard in sorted(merged.glob("*.safetensors")):
        with safe_open(shard, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 - it is no dictionary
                if not any(part in name for part in EYES) and not name.endswith("lm_head.weight"):
                    yield shard, name


def _named(names: gguf.TensorNameMap, name: str) -> str:
    found = WORDS.fullmatch(name)
    target: str | None = names.get_name(f"model.{found[1]}", (".weight",)) if found else None
    if target is None:
        raise TrainingFailed(f"GGUF has no name for {name}.")
    return target


def _kind(target: str, bits: Bits) -> gguf.GGMLQuantizationType:
    if target.endswith("_norm.weight"):
        return gguf.GGMLQuantizationType.F32
    return KINDS["q8" if target == EMBEDDING else bits][0]


def _rounded(shard: Path, name: str, target: str, bits: Bits, sharper: float) -> Any:
    with safe_open(shard, framework="pt") as opened:
        values = opened.get_tensor(name).float().numpy()
    if target.endswith("_norm.weight"):
        values = values + 1  # Gemma multiplies by one more than it keeps, llama.cpp by what is in the file
    if target.endswith("attn_q_norm.weight"):
        values = values * sharper
    return quantize(values, _kind(target, bits))


def _sharper(config: Any) -> float:
    """By how much questions must be longer, as llama.cpp divides by another root than the config may say."""
    spread = config.hidden_size / config.num_attention_heads
    theirs = spread if config.num_hidden_layers == LAYERS_27B else config.head_dim
    return float((theirs / config.query_pre_attn_scalar) ** 0.5)
