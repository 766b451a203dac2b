"""Does a GGUF file hold the model that was merged, and does llama.cpp say with it what the model says?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
import xllamacpp
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.torch import load_file
from tiny_gemma_eyes import make_seeing_gemma

from learning.adapter_folder import sha256
from learning.base_model import load_base, load_tokenizer
from learning.export import Format, export
from learning.export_gguf import Bits, write
from learning.failures import TrainingFailed
from learning.merge import merge
from learning.rows import read_rows, tokens_of

ODD = "Ünïcödé 😂 and\n\n\nnew lines,  two spaces   three, привет!"


@pytest.fixture(scope="module")
def merged(base: Path, sft_adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return merge(base, sft_adapter, tmp_path_factory.mktemp("whole") / "merged")


@pytest.fixture(scope="module")
def eight_bits(merged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(merged, tmp_path_factory.mktemp("gguf") / "eight", "gguf-q8")


def written(merged: Path, final: Path, kind: Format) -> Path:
    return asyncio.run(export(merged, final, kind, log=final.with_name("export.log")))


def served(file: Path) -> Iterator[Callable[..., Any]]:
    wanted = xllamacpp.CommonParams()
    wanted.model.path, wanted.n_ctx, wanted.n_parallel = str(file), 512, 1
    wanted.warmup, wanted.cpuparams.n_threads, wanted.verbosity = False, 1, 0
    server = xllamacpp.Server(wanted)
    with httpx.Client(base_url=server.listening_address, timeout=60) as client:
        yield lambda path, **body: client.post(path, json=body).raise_for_status().json()


@pytest.fixture(scope="module")
def ask(eight_bits: Path) -> Iterator[Callable[..., Any]]:
    yield from served(eight_bits / "model-q8.gguf")


def values(file: Path) -> dict[str, torch.Tensor]:
    return {
        tensor.name: torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy())
        for tensor in GGUFReader(file).tensors
    }


@pytest.mark.parametrize(("kind", "steps", "bits"), [("gguf-q8", 127, "Q8_0"), ("gguf-q4", 7, "Q4_0")])
def test_every_tensor_is_in_the_file_and_off_by_no_more_than_a_rounding(merged, tmp_path, kind, steps, bits):
    folder = written(merged, tmp_path / kind, kind)
    (file,) = folder.glob("*.gguf")
    found, weights = values(file), load_file(merged / "model.safetensors")
    names = {"self_attn.q_proj": "attn_q", "mlp.down_proj": "ffn_down", "self_attn.o_proj": "attn_output"}
    for layer in (0, 1):
        for theirs, ours in names.items():
            was, now = weights[f"model.layers.{layer}.{theirs}.weight"], found[f"blk.{layer}.{ours}.weight"]
            blocks = was.float().reshape(-1, 32)
            off = (now.reshape(-1, 32) - blocks).abs()
            assert (off <= 1.02 * blocks.abs().amax(1, keepdim=True) / steps).all(), (theirs, layer)
    assert torch.equal(found["output_norm.weight"], weights["model.norm.weight"].float() + 1)
    assert len(found) == len(weights)
    kinds = {one.tensor_type.name for one in GGUFReader(file).tensors if "norm" not in one.name}
    assert kinds - {"Q8_0"} == {bits} - {"Q8_0"}  # the words are in eight bits in both
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["format"], manifest["adapter"]["version"]) == (kind, "sft-1")
    assert manifest["files"][file.name] == sha256(file)


def test_llama_cpp_cuts_text_into_the_very_same_tokens(ask, merged, corpus):
    tokenizer = load_tokenizer(merged)
    said = [turn["content"] for row in read_rows(corpus / "train.jsonl") for turn in row["prompt"]]
    for text in (*said, ODD):
        theirs = ask("/tokenize", content=text, add_special=False)["tokens"]
        assert theirs == tokenizer(text, add_special_tokens=False)["input_ids"], text


def test_llama_cpp_finds_the_next_word_as_likely_and_answers_the_same(ask, merged, corpus):
    model, tokenizer = load_base(merged).eval(), load_tokenizer(merged)
    for row in read_rows(corpus / "test.jsonl")[:4]:
        ids = tokenizer.apply_chat_template(
            row["prompt"], add_generation_prompt=True, return_dict=True, return_tensors="pt"
        )["input_ids"]
        with torch.no_grad():
            ours = torch.log_softmax(model(ids).logits[0, -1].float(), -1)
            answer = model.generate(ids, max_new_tokens=8, do_sample=False)[0, ids.shape[1] :]
        told = ask("/completion", prompt=ids[0].tolist(), n_predict=1, n_probs=10, temperature=0)
        for one in told["completion_probabilities"][0]["top_logprobs"]:
            assert one["logprob"] == pytest.approx(float(ours[one["id"]]), abs=0.1)
        chat = ask("/v1/chat/completions", messages=row["prompt"], temperature=0, max_tokens=8)
        said = chat["choices"][0]["message"]["content"]
        assert said.strip() == tokenizer.decode(answer, skip_special_tokens=True).strip()


def test_four_bits_find_the_next_word_nearly_as_likely_and_eight_nearer_still(merged, corpus, tmp_path):
    model, tokenizer = load_base(merged).eval(), load_tokenizer(merged)
    off: dict[str, float] = {}
    bits: Bits
    for bits in ("q8", "q4"):
        write(merged, tmp_path / f"{bits}.gguf", bits)
        for ask in served(tmp_path / f"{bits}.gguf"):
            gaps = []
            for row in read_rows(corpus / "test.jsonl")[:4]:
                ids, _ = tokens_of(tokenizer, row["prompt"], row["completion"])
                with torch.no_grad():
                    ours = torch.log_softmax(model(torch.tensor([ids])).logits[0, -1].float(), -1)
                told = ask("/completion", prompt=ids, n_predict=1, n_probs=10, temperature=0)
                tops = told["completion_probabilities"][0]["top_logprobs"]
                gaps += [abs(one["logprob"] - float(ours[one["id"]])) for one in tops]
            off[bits] = sum(gaps) / len(gaps)
    assert off["q8"] < off["q4"] < 0.3, off


def test_of_a_model_that_sees_only_the_words_are_written(tmp_path):
    seeing = make_seeing_gemma(tmp_path / "seeing")
    write(seeing, tmp_path / "words.gguf", "q8")
    weights, found = load_file(seeing / "model.safetensors"), values(tmp_path / "words.gguf")
    words = {name: tensor for name, tensor in weights.items() if "language_model" in name}
    assert len(found) == len(words) < len(weights)
    (norm,) = (tensor for name, tensor in words.items() if name.endswith("model.norm.weight"))
    assert torch.equal(found["output_norm.weight"], norm.float() + 1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"layer_types": ["full_attention", "sliding_attention"]}, "full layers come at uneven distances"),
        ({"model_type": "gemma2"}, "Gemma 3 only, and this is gemma2"),
    ],
)
def test_what_llama_cpp_would_read_as_another_model_is_refused_and_leaves_no_folder(
    merged, tmp_path, change, why
):
    other = tmp_path / "other"
    other.mkdir()
    for file in merged.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    config = json.loads((merged / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(TrainingFailed, match=why):
        written(other, tmp_path / "final", "gguf-q8")
    assert list(tmp_path.iterdir()) == [other]
