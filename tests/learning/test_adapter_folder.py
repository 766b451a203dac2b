"""Is every kind of bad adapter named for what it is?"""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_gemma import make_tiny_gemma

from learning.adapter_folder import FILES, base_identity, check, described, published, sha256
from storage.records import AdapterState, now

WEIGHTS = "adapter_model.safetensors"


@pytest.fixture
def folder(sft_adapter, tmp_path):
    return shutil.copytree(sft_adapter, tmp_path / "sft-1")


def vouch(folder):
    """Make the manifest agree with the files again, so that only the file's content is at fault."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {name: sha256(folder / name) for name in manifest["files"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def rewrite(folder, change):
    tensors = change(load_file(folder / WEIGHTS))
    save_file(tensors, folder / WEIGHTS)
    vouch(folder)


def reconfigure(folder, **changes):
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | changes))
    vouch(folder)


def test_a_sound_adapter_has_no_problems_wherever_it_and_its_base_were_moved(folder, base, tmp_path):
    moved = shutil.copytree(base, tmp_path / "elsewhere" / "renamed")
    assert check(folder, base) == check(folder, moved) == []
    assert str(tmp_path) not in (folder / "adapter_config.json").read_text()
    assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == base.name


@pytest.mark.parametrize("name", FILES)
def test_an_incomplete_folder_names_what_is_missing(folder, base, name):
    (folder / name).unlink()
    (problem,) = check(folder, base)
    assert name in problem
    assert "incomplete" in problem


def test_another_base_model_is_refused_even_under_the_same_name(folder, base, tmp_path):
    other = make_tiny_gemma(tmp_path / "other" / base.name, seed=7, steps=1)
    (problem,) = check(folder, other)
    assert "other base model" in problem


def test_a_base_that_is_only_a_name_is_compared_by_name(folder, base):
    assert check(folder, base.name) == []
    assert "google/gemma-3-12b-it" in check(folder, "google/gemma-3-12b-it")[0]


def test_changed_weights_do_not_match_the_manifest(folder, base):
    tensors = load_file(folder / WEIGHTS)
    name = next(iter(tensors))
    save_file({**tensors, name: tensors[name] + 0.1}, folder / WEIGHTS)
    (problem,) = check(folder, base)
    assert problem.startswith(f"{WEIGHTS} was changed")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_that_are_no_numbers_are_found(folder, base, bad, dtype):
    def spoil(tensors):
        spoilt = {name: tensor.to(dtype) for name, tensor in tensors.items()}
        list(spoilt.values())[-1][0, -1] = bad
        return spoilt

    rewrite(folder, spoil)
    (problem,) = check(folder, base)
    assert "not finite" in problem


def test_huge_but_finite_weights_are_numbers(folder, base):
    rewrite(folder, lambda tensors: {name: torch.full_like(tensor, 3e38) for name, tensor in tensors.items()})
    assert check(folder, base) == []


def test_keys_of_another_class_are_foreign(folder, base):
    # what an adapter of the multimodal class looks like on the text-only one: it would load and do nothing
    rewrite(
        folder,
        lambda tensors: {
            name.replace(".layers.", ".language_model.layers."): t for name, t in tensors.items()
        },
    )
    (problem,) = check(folder, base)
    assert "foreign keys" in problem


def test_half_a_pair_is_incomplete(folder, base):
    rewrite(folder, lambda tensors: dict(list(tensors.items())[:-1]))
    assert any("incomplete" in problem for problem in check(folder, base))


def test_an_adapter_that_changes_nothing_is_refused(folder, base):
    rewrite(folder, lambda tensors: {n: t * 0 if "lora_B" in n else t for n, t in tensors.items()})
    assert check(folder, base) == ["every lora_B is zero: this adapter changes nothing"]


def test_a_truncated_weights_file_is_unreadable(folder, base):
    whole = (folder / WEIGHTS).read_bytes()
    for size in (0, 4, 100, len(whole) - 1):
        (folder / WEIGHTS).write_bytes(whole[:size])
        vouch(folder)
        (problem,) = check(folder, base)
        assert "unreadable" in problem


def test_a_rank_outside_the_servers_list_is_refused(folder, base):
    reconfigure(folder, r=12)
    problems = check(folder, base)
    assert any("rank 12 is none of vLLM's" in problem for problem in problems)


def test_weights_that_contradict_the_stated_rank_are_refused(folder, base):
    reconfigure(folder, r=16)
    assert any("has not the rank 16" in problem for problem in check(folder, base))


@pytest.mark.parametrize("feature", [{"use_dora": True}, {"modules_to_save": ["lm_head"]}, {"bias": "all"}])
def test_what_vllm_cannot_serve_is_refused(folder, base, feature):
    reconfigure(folder, **feature)
    assert any(next(iter(feature)) in problem for problem in check(folder, base))


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def fail():
        with published(tmp_path / "a-1") as unfinished:
            (unfinished / "half").write_text("x")
            assert not (tmp_path / "a-1").exists()
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert list(tmp_path.iterdir()) == []
    with published(tmp_path / "a-1") as unfinished:
        (unfinished / "whole").write_text("x")
    assert [file.name for file in (tmp_path / "a-1").iterdir()] == ["whole"]


def test_a_published_folder_is_never_written_again(tmp_path):
    (tmp_path / "a-1").mkdir()
    with pytest.raises(FileExistsError, match="new version"), published(tmp_path / "a-1"):
        pass


def test_the_database_learns_what_the_folder_says(sft_adapter, base):
    adapter = described(sft_adapter, now())
    assert (adapter.version, adapter.method, adapter.base_model) == ("sft-1", "sft", base.name)
    assert adapter.sha256 == sha256(sft_adapter / WEIGHTS)
    assert len(adapter.lineage) == 24
    assert adapter.state is AdapterState.CANDIDATE


def test_a_base_is_known_by_its_content(base, tmp_path):
    copy = shutil.copytree(base, tmp_path / "copy")
    assert base_identity(copy)["fingerprint"] == base_identity(base)["fingerprint"]
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert base_identity(copy)["fingerprint"] != base_identity(base)["fingerprint"]
