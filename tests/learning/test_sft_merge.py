"""Does a merged model say what base and adapter said together?"""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_gemma import make_tiny_gemma

from learning.adapter_folder import sha256
from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.failures import TrainingFailed
from learning.logprobs import answer_logprobs
from learning.merge import merge
from learning.rows import read_rows, tokens_of


def test_the_merged_model_finds_every_answer_as_likely_as_base_and_adapter(
    base, corpus, sft_adapter, tmp_path
):
    final = merge(base, sft_adapter, tmp_path / "merged")
    tokenizer = load_tokenizer(final)
    rows = [
        tokens_of(tokenizer, row["prompt"], row["completion"]) for row in read_rows(corpus / "test.jsonl")
    ]
    merged = answer_logprobs(load_base(final), rows, tokenizer.pad_token_id)
    together = answer_logprobs(with_adapter(load_base(base), sft_adapter), rows, tokenizer.pad_token_id)
    bare = answer_logprobs(load_base(base), rows, tokenizer.pad_token_id)
    for ours, theirs, without in zip(merged, together, bare, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)
        assert ours != pytest.approx(without, abs=1e-2)
    manifest = json.loads((final / "manifest.json").read_text())
    assert manifest["adapter"]["version"] == "sft-1"
    assert manifest["files"]["model.safetensors"] == sha256(final / "model.safetensors")


def test_what_cannot_be_merged_is_one_sentence_and_leaves_no_folder(base, sft_adapter, tmp_path):
    other = make_tiny_gemma(tmp_path / "other", seed=7, steps=1)
    with pytest.raises(TrainingFailed, match="sft-1 cannot be used: other base model"):
        merge(other, sft_adapter, tmp_path / "merged")
    broken = tmp_path / "broken-1"
    broken.mkdir()
    for file in sft_adapter.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    weights = load_file(broken / "adapter_model.safetensors")
    save_file(
        {name: torch.full_like(value, float("nan")) for name, value in weights.items()},
        broken / "adapter_model.safetensors",
    )
    with pytest.raises(TrainingFailed, match="broken-1 cannot be merged"):
        merge(base, broken, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    (tmp_path / "merged").mkdir()
    with pytest.raises(TrainingFailed, match="is there already: choose another folder"):
        merge(base, sft_adapter, tmp_path / "merged")
