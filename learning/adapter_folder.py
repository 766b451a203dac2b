"""Is this folder a whole, sound adapter for this base model? Reads files only; no torch.

A folder appears by one rename, so what has a name is whole. `check` answers in words, one problem a line.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from learning.recipes import IMITATING, RANKS
from storage.records import Adapter

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
MANIFEST = "manifest.json"
FILES = (CONFIG, WEIGHTS, "recipe.json", "probe.json", "report.json", MANIFEST)
LAYER = r"layers\.\d+\.(?:self_attn\.[qkvo]_proj|mlp\.(?:gate|up|down)_proj)\.lora_[AB]\.weight"
TEXT_CLASS = re.compile(rf"base_model\.model\.model\.{LAYER}")
MULTIMODAL_CLASS = re.compile(rf"base_model\.model\.model\.language_model\.{LAYER}")
DTYPES = {
    "F32": ("<u4", 0x7F800000),
    "BF16": ("<u2", 0x7F80),
    "F16": ("<u2", 0x7C00),
}  # with the exponent's bits
SAMPLE = 1 << 20  # bytes at the beginning, middle and end of a weights file that identify it


@contextmanager
def published(final: Path) -> Iterator[Path]:
    """A folder to fill; it gets its name once everything in it is written. On any error it is removed."""
    if final.exists():
        raise FileExistsError(f"{final} exists: an adapter's folder never changes, choose a new version")
    unfinished = final.parent / f".{final.name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        for file in unfinished.iterdir():
            file.chmod(0o644)  # a model server may run as somebody else
            with file.open("rb") as written:
                os.fsync(written.fileno())
        unfinished.rename(final)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def base_identity(base: str | Path) -> dict[str, str | None]:
    """The base model's name and, where its files are at hand, a fingerprint of them.

    The name is what survives a moved home: a model's name on a hub, or the folder's own name, which for the
    pocket model is its content hash; never a path.
    """
    folder = Path(base)
    if not (folder / "config.json").exists():
        return {"name": str(base), "fingerprint": None}
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for file in sorted(folder.glob("*.safetensors")):
        size = file.stat().st_size
        digest.update(f"{file.name}:{size}".encode())
        with file.open("rb") as weights:
            for start in sorted({0, max(0, size // 2), max(0, size - SAMPLE)}):
                weights.seek(start)
                digest.update(weights.read(SAMPLE))
    return {"name": folder.resolve().name, "fingerprint": digest.hexdigest()}


def described(path: Path, created_at: datetime) -> Adapter:
    """What the database should know about this folder; the state is left at candidate."""
    manifest, recipe = _json(path / MANIFEST), _json(path / "recipe.json")
    return Adapter(
        version=manifest["version"],
        base_model=manifest["base"]["name"],
        method=manifest["method"],
        path=str(path.resolve()),
        sha256=manifest["files"][WEIGHTS],
        created_at=created_at,
        parent=manifest["parent"]["version"] if manifest["parent"] else None,
        recipe=recipe,
        corpus=manifest["data"] if manifest["method"] in (*IMITATING, "rlhf") else None,
        lineage=tuple(manifest["samples"]),
    )


def check(path: Path, base: str | Path) -> list[str]:
    """What is wrong with this adapter for this base model; an empty list if nothing is."""
    if (path / "score.safetensors").exists():
        return [f"{path.name} is a reward model: it scores replies and answers nobody"]
    if missing := [name for name in FILES if not (path / name).is_file()]:
        return [f"incomplete: {', '.join(missing)} missing in {path.name}"]
    try:
        manifest = _json(path / MANIFEST)
        config = _json(path / CONFIG)
        tensors = _header(path / WEIGHTS)
    except ValueError as broken:
        return [f"unreadable: {broken}"]
    problems = [
        f"{name} was changed after the training: its sha256 is not the one in the manifest"
        for name, told in manifest.get("files", {}).items()
        if not (path / name).is_file() or sha256(path / name) != told
    ]
    if WEIGHTS not in manifest.get("files", {}):
        problems.append("the manifest does not vouch for the weights")
    problems += [wrong] if (wrong := other_base(path, base)) else []
    problems += _config_problems(config)
    problems += _key_problems(tensors, base)
    problems += _shape_problems(tensors, config)
    return problems + _value_problems(path / WEIGHTS, tensors)


def other_base(path: Path, base: str | Path) -> str | None:
    """In words, if this adapter was trained on another base model; None if it fits."""
    trained_on, here = _json(path / MANIFEST).get("base", {}), base_identity(base)
    known = trained_on.get("fingerprint") and here["fingerprint"]
    what = "fingerprint" if known else "name"
    if trained_on.get(what) == here[what]:
        return None
    return f"other base model: it was trained on {trained_on.get('name')}, and this is {here['name']}"


def _config_problems(config: Mapping[str, Any]) -> list[str]:
    problems = []
    if config.get("peft_type") != "LORA":
        problems.append(f"not a LoRA adapter but {config.get('peft_type')}")
    if config.get("r") not in RANKS:
        problems.append(f"rank {config.get('r')} is none of vLLM's: {', '.join(map(str, RANKS))}")
    refused = {"modules_to_save": None, "use_dora": False, "bias": "none"}
    problems += [
        f"{key} is set, which vLLM refuses"
        for key, harmless in refused.items()
        if config.get(key, harmless) != harmless
    ]
    return problems


def _key_problems(tensors: Mapping[str, Any], base: str | Path) -> list[str]:
    expected = [TEXT_CLASS, MULTIMODAL_CLASS]
    if (Path(base) / "config.json").exists():
        kind = _json(Path(base) / "config.json").get("model_type")
        expected = [MULTIMODAL_CLASS if kind == "gemma3" else TEXT_CLASS]
    fits = max(expected, key=lambda pattern: sum(bool(pattern.fullmatch(name)) for name in tensors))
    foreign = [name for name in tensors if not fits.fullmatch(name)]
    if foreign:  # a server would load these without a word and change nothing
        return [
            f"foreign keys: {len(foreign)} of {len(tensors)} fit no layer of this base, {foreign[0]} for one"
        ]
    halves = {name.replace("lora_A", "lora_B") for name in tensors}
    if not tensors or any(half not in tensors for half in halves):
        return ["incomplete: a lora_A without its lora_B, or no weights at all"]
    return []


def _shape_problems(tensors: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    rank = config.get("r")
    wrong = [
        name
        for name, tensor in tensors.items()
        if tensor["shape"][0 if "lora_A" in name else -1] != rank and not config.get("rank_pattern")
    ]
    return [f"{wrong[0]} has not the rank {rank} that {CONFIG} states"] if wrong else []


def _value_problems(file: Path, tensors: Mapping[str, Any]) -> list[str]:
    import numpy  # only here: whoever merely starts the twin does not need it

    data_start = _data_start(file)
    idle = True
    for name, tensor in tensors.items():
        if tensor["dtype"] not in DTYPES:
            return [f"{name} is stored as {tensor['dtype']}, which servers do not take"]
        kind, exponent = DTYPES[tensor["dtype"]]
        begin, end = tensor["data_offsets"]
        bits = numpy.fromfile(
            file, dtype=kind, count=(end - begin) // int(kind[-1]), offset=data_start + begin
        )
        if bool(((bits & exponent) == exponent).any()):
            return [f"{name} holds values that are not finite (NaN or infinity)"]
        idle = idle and not (
            "lora_B" in name and bool((bits << 1).any())
        )  # the sign of a zero does not count
    return ["every lora_B is zero: this adapter changes nothing"] if idle and tensors else []


def _header(file: Path) -> dict[str, Any]:
    """The tensors of a safetensors file: name -> dtype, shape, data_offsets."""
    size = file.stat().st_size
    with file.open("rb") as content:
        length = int.from_bytes(content.read(8), "little")
        if size < 8 or length > size - 8:
            raise ValueError(f"{file.name} is cut short")
        header: dict[str, Any] = json.loads(content.read(length))
    header.pop("__metadata__", None)
    if header and max(tensor["data_offsets"][1] for tensor in header.values()) != size - 8 - length:
        raise ValueError(f"{file.name} is cut short")
    return header


def _data_start(file: Path) -> int:
    with file.open("rb") as content:
        return 8 + int.from_bytes(content.read(8), "little")


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as broken:
        raise ValueError(f"{file.name} is not valid JSON") from broken
    if not isinstance(found, dict):
        raise ValueError(f"{file.name} is not a JSON object")
    return found
