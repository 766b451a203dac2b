"""Does llm-compressor, in its own environment, write smaller models that still say the same?"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
from learning_samples import owner_rows
from safetensors import safe_open
from safetensors.torch import load_file
from tiny_gemma_eyes import make_seeing_gemma
from transformers import AutoModelForCausalLM

from brain.model_client import ModelClient, Sampling
from brain.model_server import ModelServer
from brain.vllm_server import find_vllm
from learning import quantizer
from learning.adapter_folder import sha256
from learning.base_model import load_tokenizer
from learning.export import export
from learning.failures import TrainingFailed
from learning.pocket import default_cache_dir, ensure
from learning.quantizer import find_quantizer

ASKED = ("hello, how are you?", "do you like cats?", "where do you live?", "are you free tomorrow?")
ASKED += ("what's for dinner?", "thanks a lot!", "how was your day?", "good night")
EXACTLY = Sampling(temperature=0, max_tokens=3)
ERROR = json.dumps({"error": "ValueError: 64 is not\n divisible"})
# Mean KL (nats a token) of each to the whole model along that one's answers, and how many of the answers
# stay the same, word for word.
READ = """
import json, sys, torch
from transformers import AutoModelForCausalLM
torch.set_num_threads(1)
whole, prompts, *others = json.load(sys.stdin)
read = lambda folder: AutoModelForCausalLM.from_pretrained(folder).eval()
found = {}
with torch.no_grad():
    model = read(whole)
    said = [model.generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False) for ids in prompts]
    expected = [model(ids).logits[0].log_softmax(-1) for ids in said]
    for folder in others:
        model, off, same = read(folder), [], 0
        for ids, words, was in zip(prompts, said, expected):
            now = model(words).logits[0].log_softmax(-1)
            off.append(float((was.exp() * (was - now)).sum(-1)[len(ids) - 1:].mean()))
            same += bool((now[len(ids) - 1:-1].argmax(-1) == words[0, len(ids):]).all())
        found[folder] = [sum(off) / len(off), same]
print(json.dumps(found))
"""


@pytest.fixture(scope="session")
def python() -> Path:
    if (found := find_quantizer()) is None:
        how = "llm-compressor is not installed: run deploy/quantize/install.sh .venv-quantize"
        if os.environ.get("CI"):
            pytest.fail(how)
        pytest.skip(f"NO MODEL IS WRITTEN IN FEWER BITS. {how}")
    return found


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In 16 bits, as Gemma is."""
    folder, base = tmp_path_factory.mktemp("whole") / "merged", ensure(default_cache_dir())
    AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).save_pretrained(folder)
    load_tokenizer(base).save_pretrained(folder)
    (folder / "manifest.json").write_text(json.dumps({"adapter": {"version": "sft-1"}, "format": "merged"}))
    return folder


@pytest.fixture(scope="module")
def exported(python: Path, merged: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home, rows = tmp_path_factory.mktemp("fewer"), owner_rows(32, seed=1)
    return {
        kind: asyncio.run(export(merged, home / kind, kind, rows, log=home / "export.log"))
        for kind in ("fp8", "gptq", "awq")
    }


def prompts(folder: Path) -> list[list[int]]:
    tokenizer = load_tokenizer(folder)
    turns = [[{"role": "user", "content": text}] for text in ASKED]
    return [
        tokenizer.apply_chat_template(one, add_generation_prompt=True, return_dict=False) for one in turns
    ]


def test_fewer_bits_say_nearly_the_same(python, merged, exported):
    job = [str(merged), prompts(merged), *map(str, exported.values())]
    read = [python, "-I", "-c", READ]
    done = subprocess.run(
        read, input=json.dumps(job), capture_output=True, text=True, check=True, timeout=300
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == set(map(str, exported.values()))
    for kind, (furthest, fewest) in {"fp8": (0.005, 6), "gptq": (0.1, 4), "awq": (0.1, 4)}.items():
        divergence, same = found[str(exported[kind])]
        assert 0 < divergence < furthest, (kind, found)
        assert same >= fewest, (kind, found)


@pytest.mark.parametrize("kind", ["fp8", "gptq"])
async def test_vllm_serves_them_as_it_is_started_for_any_model(merged, exported, tmp_path, kind):
    if find_vllm() is None:
        how = "vLLM is not installed: run deploy/vllm/install.sh .venv-vllm, or set TWIN_VLLM"
        if os.environ.get("CI"):
            pytest.fail(how)
        pytest.skip(f"VLLM READS NO MODEL IN FEWER BITS. {how}")
    model, rows = AutoModelForCausalLM.from_pretrained(merged).eval(), prompts(merged)
    server = ModelServer(exported[kind], name=kind, engine="vllm", log_path=tmp_path / "server.log")
    await server.start()
    try:
        async with asyncio.timeout(60):
            client, found = ModelClient(server.url), []
            for ids in rows:
                found += (await client.score(kind, ids))[1:]
            said = (await client.chat(kind, [{"role": "user", "content": ASKED[0]}], EXACTLY)).text
            await client.aclose()
    finally:
        await server.stop()
    with torch.no_grad():
        logits = [model(torch.tensor([ids])).logits[0].float().log_softmax(-1) for ids in rows]
        first = model.generate(torch.tensor(rows[:1]), max_new_tokens=3, do_sample=False)[0, len(rows[0]) :]
    whole = [
        float(was[at, word]) for ids, was in zip(rows, logits, strict=True) for at, word in enumerate(ids[1:])
    ]
    off = [abs(ours - theirs) for ours, theirs in zip(found, whole, strict=True)]
    assert sum(off) / len(off) < {"fp8": 0.15, "gptq": 0.3}[kind]
    assert said.startswith(load_tokenizer(merged).decode(first, skip_special_tokens=True))


def test_the_linear_layers_are_smaller_and_all_else_is_whole(merged, exported):
    was = load_file(merged / "model.safetensors")
    linear = {name for name in was if name.endswith("_proj.weight")}
    whole_bytes = sum(was[name].nbytes for name in linear)
    for kind, bits in {"fp8": 8, "gptq": 4, "awq": 4}.items():
        now = load_file(exported[kind] / "model.safetensors")
        others = was.keys() - linear
        if kind == "awq":  # it moves strength from one layer into the norm before it
            moved = ("input_layernorm.weight", "pre_feedforward_layernorm.weight")
            others = {name for name in others if not name.endswith(moved)}
        assert "model.embed_tokens.weight" in others
        assert "lm_head.weight" not in now
        assert not [name for name in others if not torch.equal(now[name], was[name])], kind
        packed = [now[name if kind == "fp8" else f"{name}_packed"] for name in linear]
        assert sum(tensor.nbytes for tensor in packed) == whole_bytes * bits // 16, kind
        weights = [(folder / "model.safetensors").stat().st_size for folder in (merged, exported[kind])]
        assert weights[1] < weights[0] - 0.9 * whole_bytes * (1 - bits / 16), kind
        manifest = json.loads((exported[kind] / "manifest.json").read_text())
        assert (manifest["format"], manifest["adapter"]["version"]) == (kind, "sft-1")
        assert manifest["files"]["model.safetensors"] == sha256(exported[kind] / "model.safetensors")


def test_of_a_model_that_sees_the_eyes_stay_whole(python, tmp_path):
    seeing, folder, told = make_seeing_gemma(tmp_path / "seeing"), tmp_path / "fewer", []
    folder.mkdir()
    asyncio.run(
        quantizer.compress(seeing, folder, "fp8", [], tmp_path / "log", lambda *how: told.append(how))
    )
    was = load_file(seeing / "model.safetensors")
    with safe_open(folder / "model.safetensors", "pt") as now:
        for name, tensor in was.items():
            rounded = "language_model" in name and name.endswith("_proj.weight")
            assert (now.get_slice(name).get_dtype() == "F8_E4M3") == rounded, name
            assert rounded or torch.equal(now.get_tensor(name), tensor), name
    assert [round(done, 1) for done, _ in told] == [0.1, 0.9, 1.0]


def standing_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setenv("TWIN_QUANTIZE", str(python))


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo half >model.safetensors; kill -9 $$", "not enough memory to write fp8"),
        ("kill -11 $$", r"could not write fp8 \(signal 11\); its log is .*export.log"),
        ("exit 3", r"\(exit code 3\)"),
        (f"printf '%s\\n' '{ERROR}'; exit 1", r"\(ValueError: 64 is not divisible\)"),
        ("echo hello; echo 7; exit 1", r"\(exit code 1\)"),
    ],
)
def test_whatever_ends_it_is_one_sentence_and_leaves_no_folder(merged, tmp_path, monkeypatch, script, why):
    standing_in(tmp_path, monkeypatch, script)
    with pytest.raises(TrainingFailed, match=why) as told:
        asyncio.run(export(merged, tmp_path / "final", "fp8", log=tmp_path / "export.log"))
    assert "\n" not in str(told.value)
    assert {path.name for path in tmp_path.iterdir()} == {"python", "export.log"}


def test_a_full_disk_is_told_and_leaves_no_folder(python, merged, tmp_path, monkeypatch):
    standing_in(
        tmp_path, monkeypatch, f'ulimit -f 2000; exec {python} "$@"'
    )  # a megabyte, and it would write three
    with pytest.raises(
        TrainingFailed, match="The disk is full: free some space, then give the same command again"
    ):
        asyncio.run(export(merged, tmp_path / "final", "fp8", log=tmp_path / "export.log"))
    assert {path.name for path in tmp_path.iterdir()} == {"python", "export.log"}


def test_without_its_environment_an_export_says_what_to_run(merged, tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_QUANTIZE", str(tmp_path / "nowhere"))
    for kind in ("fp8", "awq", "gptq"):
        with pytest.raises(TrainingFailed, match=f"Writing {kind} needs llm-compressor.*run 'make quantize'"):
            asyncio.run(export(merged, tmp_path / "final", kind, log=tmp_path / "export.log"))
    assert not list(tmp_path.iterdir())


def test_its_python_is_looked_for_in_order(tmp_path):
    chosen, beside = tmp_path / "chosen", tmp_path / "project" / ".venv-quantize" / "bin" / "python"
    beside.parent.mkdir(parents=True)
    for path in (chosen, beside):
        path.touch()
    project = tmp_path / "project"
    assert find_quantizer({"TWIN_QUANTIZE": str(chosen)}, project) == chosen
    assert find_quantizer({"TWIN_QUANTIZE": "/nowhere"}, project) is None
    assert find_quantizer({}, project) == beside
    assert find_quantizer({}, tmp_path) is None
