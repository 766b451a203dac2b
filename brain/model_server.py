"""How does a model server come up, and go down, as a child of this process?"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from brain.machine import this_machine
from brain.model_client import ModelClient
from brain.model_facts import facts_of, highest_rank
from brain.serving_choice import Choice, choose
from brain.settings import ServingSettings
from brain.vllm_server import PROJECT, find_vllm, has_gpu, lacks, vllm_command, vllm_environment
from storage.children import ending_with_us

Progress = Callable[[float, str], None]
USUAL_START = {"embedded": 8.0, "vllm": 30.0}  # seconds; only the progress bar depends on it
STOP_SECONDS = 10.0
LINES_TO_QUOTE = 12


class ServerFailed(Exception):
    """The model server did not come up; the message says why and what to do."""


class ModelServer:
    """One server of our own on 127.0.0.1: `start`, talk to `url`, `stop`.

    `adapters` is the only folder it loads adapters from. `port` None takes a free one, and keeps it. `choice`
    and `gpus` are for vLLM: its flags (None: chosen for this machine and `serving`), and which GPUs are its
    own.
    `at_once`: adapters that the embedded one holds. `traces`: who collects vLLM's own, see `can_trace`.
    """

    def __init__(
        self,
        weights: str | Path,
        *,
        name: str,
        log_path: Path,
        engine: str = "auto",
        port: int | None = None,
        adapters: Path | None = None,
        start_seconds: float = 900.0,
        choice: Choice | None = None,
        gpus: Sequence[int | str] = (),
        serving: ServingSettings = ServingSettings(),
        at_once: int | None = None,
        traces: str | None = None,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self.engine = engine
        self.url = ""
        self._weights = str(weights)
        self._port = port
        self._adapters = adapters
        self._start_seconds = start_seconds
        self._choice = choice
        self._gpus = gpus
        self._serving = serving
        self._at_once = at_once
        self._traces = traces
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self, on_progress: Progress = lambda fraction, words: None) -> None:
        """Returns when the server is healthy; otherwise raises ServerFailed and leaves nothing running."""
        check_weights(self._weights)
        self.engine = choose_engine(self.engine)
        self._port = port = _usable_port(self._port)
        self.url = f"http://127.0.0.1:{port}/v1"
        command, added = self._command(port)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            begin = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *ending_with_us(command, "TERM"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=child_environment(os.environ) | added,
                start_new_session=True,  # Ctrl-C in the terminal is ours; we stop the server in order
            )
        try:
            await self._until_healthy(on_progress, begin)
        except BaseException:
            await self.stop()
            raise

    def _command(self, port: int) -> tuple[list[str], dict[str, str]]:
        if self.engine == "vllm":
            executable = find_vllm()
            if executable is None:
                raise ServerFailed(
                    "vLLM was asked for, but it is not installed: run deploy/vllm/install.sh .venv-vllm, or "
                    "let TWIN_VLLM name its executable, or set engine to embedded."
                )
            choice = self._choice or choose(
                this_machine(),
                facts_of(self._weights),
                self._serving,
                rank=highest_rank(self._adapters),
                replicas=1,
                lacking=lacks(executable),
            )
            command = vllm_command(
                executable, self._weights, name=self.name, port=port, choice=choice, traces=self._traces
            )
            return command, vllm_environment(choice, self._gpus, traces=self._traces is not None)
        if quantised := facts_of(self._weights).quantised:
            raise ServerFailed(
                f"{self._weights} is kept in {quantised}, which only vLLM reads: let engine be vllm (to "
                "install it, run deploy/vllm/install.sh .venv-vllm), or serve the model that it was made of."
            )
        command = [sys.executable, "-m", "brain.embedded_server", "--model", self._weights]
        command += ["--served-model-name", self.name, "--port", str(port)]
        if self._adapters:
            command += ["--allow-adapters-under", str(self._adapters)]
        if self._at_once:
            command += ["--max-loras", str(self._at_once)]
        inherited = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        added = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        return command, added | {"PYTHONPATH": os.pathsep.join([str(PROJECT), *inherited])}

    async def _until_healthy(self, on_progress: Progress, log_begin: int) -> None:
        assert self._process is not None
        began = time.monotonic()
        client = ModelClient(self.url, timeout=5)
        try:
            while not await client.healthy():
                waited = time.monotonic() - began
                if self._process.returncode is not None:
                    raise ServerFailed(
                        f"The model server stopped while starting (exit code {self._process.returncode}). "
                        f"Its log, {self.log_path}, ends with:\n{self._last_lines(log_begin)}"
                    )
                if waited > self._start_seconds:
                    raise ServerFailed(
                        f"The model server was not ready after {waited:.0f} seconds. "
                        f"Its log, {self.log_path}, ends with:\n{self._last_lines(log_begin)}"
                    )
                on_progress(1 - math.exp(-waited / USUAL_START[self.engine]), f"{waited:.0f} s")
                await asyncio.sleep(0.2)
        finally:
            await client.aclose()
        on_progress(1.0, f"{time.monotonic() - began:.0f} s")

    async def wait(self) -> int:
        """Until the server has ended, by itself or because somebody stopped it; its exit code."""
        assert self._process is not None, "start it first"
        return await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when that does not help. Safe to call twice."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
        # The group is the child's own: vLLM has a process below it, which outlives a server that was killed.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    def _last_lines(self, begin: int) -> str:
        with self.log_path.open("rb") as log:
            log.seek(begin)
            lines = log.read()[-8000:].decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-LINES_TO_QUOTE:] if line.strip())


def choose_engine(wanted: str) -> str:
    """`auto` is vLLM where there are a GPU and vLLM, else the embedded server."""
    if wanted == "auto":
        return "vllm" if has_gpu() and find_vllm() else "embedded"
    return wanted


def check_weights(weights: str) -> None:
    """Say at once what a server would only say after minutes, in a traceback. Hub ids are left to it."""
    folder = Path(weights).expanduser()
    if not folder.is_dir():
        if weights.startswith(("/", ".", "~")) or weights.count("/") != 1:
            raise ServerFailed(f"There is no model folder {folder}; correct [model] base in twin.toml.")
        return
    missing = [name for name in ("config.json", "tokenizer_config.json") if not (folder / name).is_file()]
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        missing += sorted(shard for shard in shards if not (folder / shard).is_file())
    elif not any(folder.glob("*.safetensors")):
        missing.append("model.safetensors")
    if missing:
        raise ServerFailed(
            f"The model folder {folder} is incomplete: no {', '.join(missing)}. Fetch it again."
        )


def child_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """A model server needs none of our secrets, and TWIN_ variables are where they are."""
    kept = {name: value for name, value in ours.items() if not name.startswith("TWIN_")}
    kept.pop("VLLM_CPU_KVCACHE_SPACE", None)
    return kept


def _usable_port(wanted: int | None) -> int:
    with socket.socket() as probe:
        # As the servers do it: a port that was used a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except OSError as error:
            raise ServerFailed(
                f"Port {wanted} on 127.0.0.1 is taken; stop what listens there or choose another port."
            ) from error
        return int(probe.getsockname()[1])
