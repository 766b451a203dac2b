"""How does a merged model get smaller? As fp8, AWQ, GPTQ for vLLM (llm-compressor), GGUF for llama.cpp."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from learning import quantizer
from learning.adapter_folder import MANIFEST, published, sha256
from learning.base_model import load_tokenizer
from learning.failures import DISK, TrainingFailed, explained
from learning.rows import Row, all_fitted, tokens_of

T = TypeVar("T")
Format = Literal["fp8", "awq", "gptq", "gguf-q8", "gguf-q4"]
FORMATS: tuple[Format, ...] = get_args(Format)
CALIBRATED = ("awq", "gptq")  # these look at samples first
SAMPLES = 256  # for calibration
LENGTH = 1024  # tokens of each
MISSING_GGUF = "Writing {kind} needs the gguf package: pip install 'twin[export]'."


def _ignored(fraction: float, note: str) -> None: ...


async def export(
    merged: Path,
    final: Path,
    kind: Format,
    rows: Sequence[Row] = (),
    *,
    log: Path,
    on_progress: quantizer.OnProgress = _ignored,
) -> Path:
    """Write a merged model in fewer bits. `rows` are a corpus's samples, for "awq" and "gptq" to look at.

    `log`: where llm-compressor says what it does. Raises TrainingFailed in one sentence where what it takes
    is not installed, there is nothing to calibrate with, the folder is there already, or the disk is full.
    Then, and when it is cancelled, there is no new folder.
    """
    if final.exists():  # noqa: ASYNC240 - nobody else waits
        raise TrainingFailed(f"{final} is there already: choose another folder.")
    must_be_installed(kind)
    if kind in CALIBRATED and not rows:
        raise TrainingFailed(f"{kind} needs samples to calibrate with: name the folder of a corpus snapshot.")
    try:
        with published(final) as folder:
            if kind.startswith("gguf"):
                await finished(_gguf, merged, folder, kind)
            else:
                samples = _samples(rows, load_tokenizer(merged)) if kind in CALIBRATED else []
                await quantizer.compress(merged, folder, kind, samples, log, on_progress)
            await finished(_sign, merged, folder, kind)
    except Exception as error:
        if told := explained(error):
            raise (TrainingFailed(quantizer.FULL) if str(told) == DISK else told) from error
        raise
    return final


async def finished(work: Callable[..., T], *args: Any) -> T:
    """In a thread, and to its end: a thread that nobody waits for would write into a folder being removed."""
    thread = asyncio.ensure_future(asyncio.to_thread(work, *args))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise


def must_be_installed(kind: Format) -> None:
    """Raises TrainingFailed, which says what to install, where `export` could not write this format."""
    if kind.startswith("gguf"):
        if find_spec("gguf") is None:
            raise TrainingFailed(MISSING_GGUF.format(kind=kind))
    elif quantizer.find_quantizer() is None:
        raise TrainingFailed(quantizer.MISSING.format(kind=kind))


def _gguf(merged: Path, folder: Path, kind: Format) -> None:
    from learning import export_gguf

    bits: export_gguf.Bits = "q8" if kind == "gguf-q8" else "q4"
    export_gguf.write(merged, folder / f"model-{bits}.gguf", bits)


def _sign(merged: Path, folder: Path, kind: Format) -> None:
    origin = json.loads((merged / MANIFEST).read_text(encoding="utf-8"))
    files = {file.name: sha256(file) for file in sorted(folder.iterdir())}
    manifest = {**origin, "format": kind, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def _samples(rows: Sequence[Row], tokenizer: Any) -> list[list[int]]:
    """Conversations from all of the corpus, which is in the order in which they were had."""
    some = rows[:: max(1, len(rows) // SAMPLES)][:SAMPLES]
    fitting = all_fitted(some, ["completion"], tokenizer, LENGTH)
    return [tokens_of(tokenizer, row["prompt"], row["completion"])[0] for row in fitting]
