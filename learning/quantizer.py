"""Who writes fp8, AWQ and GPTQ? llm-compressor, as a child process in an environment of its own.

It wants an older transformers than the one that everything else here runs with (docs/decisions/0038).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from learning.failures import DISK, MEMORY, TrainingFailed, last_words
from storage.children import ending_with_us

PROJECT = Path(__file__).parents[1]
PROGRAM = Path(__file__).with_name("compress.py")
MISSING = (
    "Writing {kind} needs llm-compressor in an environment of its own, which is not there: run"
    " 'make quantize' (or deploy/quantize/install.sh .venv-quantize), or let TWIN_QUANTIZE name the Python"
    " that has it."
)
FULL = "The disk is full: free some space, then give the same command again."
TOO_LARGE = "There is not enough memory to write {kind}: the whole model must fit. Take a machine with more."
STOPPING_TAKES = 3.0  # seconds until a child that was asked to stop is killed

OnProgress = Callable[[float, str], None]


def find_quantizer(environment: Mapping[str, str] = os.environ, project: Path = PROJECT) -> Path | None:
    """The Python that has llm-compressor: TWIN_QUANTIZE, else the virtual environment beside the project."""
    if chosen := environment.get("TWIN_QUANTIZE"):
        return Path(chosen) if Path(chosen).is_file() else None
    beside = project / ".venv-quantize" / "bin" / "python"
    return beside if beside.is_file() else None


async def compress(
    model: Path, folder: Path, kind: str, samples: Sequence[Sequence[int]], log: Path, on_progress: OnProgress
) -> None:
    """Write the model into `folder`, which is there. `samples`: token ids to calibrate with; none for fp8.

    Raises TrainingFailed in one sentence. Whoever is cancelled leaves no child behind.
    """
    if (python := find_quantizer()) is None:
        raise TrainingFailed(MISSING.format(kind=kind))
    job = {
        "model": str(model),
        "folder": str(folder),
        "kind": kind,
        "samples": [list(one) for one in samples],
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as written:
        child = await asyncio.create_subprocess_exec(
            *ending_with_us([str(python), "-I", str(PROGRAM)], "KILL"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=written,
            cwd=folder,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for us to pass on
        )
    try:
        error = await _listened(child, job, on_progress)
        code = await child.wait()
    finally:
        await _stopped(child)
    if code:
        raise _told(kind, code, error, log)


async def _listened(child: asyncio.subprocess.Process, job: Any, on_progress: OnProgress) -> str:
    """What went wrong, in the child's words; nothing where nothing did, or it could not say."""
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(ConnectionError):  # it ended before it had read
        child.stdin.write(json.dumps(job).encode())
        await child.stdin.drain()
    child.stdin.close()
    error = ""
    async for line in child.stdout:
        told = _parsed(line)
        if "error" in told:
            error = str(told["error"])
        elif "done" in told:
            on_progress(float(told["done"]), str(told["note"]))
    return error


def _parsed(line: bytes) -> dict[str, Any]:
    """Nothing for what is not the program's own: TWIN_QUANTIZE may name anything."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


async def _stopped(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.wait(), STOPPING_TAKES)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    await child.wait()


def _told(kind: str, code: int, error: str, log: Path) -> TrainingFailed:
    known = last_words(error) or (
        last_words(log.read_text(encoding="utf-8", errors="replace")) if not error else None
    )
    if known == DISK:
        return TrainingFailed(FULL)
    if known == MEMORY or code == -signal.SIGKILL:
        return TrainingFailed(TOO_LARGE.format(kind=kind))
    why = " ".join(error.split())[:300] or (f"signal {-code}" if code < 0 else f"exit code {code}")
    return TrainingFailed(f"llm-compressor could not write {kind} ({why}); its log is {log}.")


def _environment() -> dict[str, str]:
    """Ours without our secrets, which are in TWIN_ variables; nothing is fetched, and nobody is told."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TWIN_")}
    quiet = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return ours | quiet
