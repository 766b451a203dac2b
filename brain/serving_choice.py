"""With which flags does vLLM serve this model on this machine, and why?"""

from __future__ import annotations

import json
from dataclasses import dataclass

from brain.machine import Gpu, Machine
from brain.model_facts import ModelFacts
from brain.settings import ServingSettings

GB = 1e9
UTILISATION = 0.90  # of a GPU's memory that vLLM may have
OVERHEAD = 2.5 * GB  # activations, CUDA graphs, the context itself
ANSWERS = 4  # whole contexts that must fit at once; most are far shorter
CONTEXTS = (32_768, 16_384, 8_192, 4_096)  # plenty for a chat; more only when it is set
CPU_CONTEXT = 8_192
CPU_CACHE_BYTES = 256 * 1024 * 1024
WRITTEN_SO = {("w4a16", "awq"), ("w4a16", "gptq")}  # what such a checkpoint is called once it is written
FP8_FROM = 8.0  # computed in 8 bits from 8.9 on, before that only kept so


class DoesNotFit(Exception):
    """This model cannot be served here; the message has the numbers and the ways out."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`gpus_each`: for every one of so many replicas. `reasons`: what, its value, why; for people."""

    flags: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    replicas: int
    gpus_each: int
    reasons: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    quantisation: str | None
    gpus: int
    context: int
    room: int  # bytes on each GPU that are left for conversations
    utilisation: float


def choose(
    machine: Machine,
    facts: ModelFacts,
    settings: ServingSettings,
    *,
    rank: int,
    replicas: int | None = None,
) -> Choice:
    """`rank`: of the largest adapter. `replicas` None: as many as there is room for. Raises DoesNotFit."""
    if not machine.gpus:
        return _on_the_cpu(facts, settings, rank, replicas or 1)
    plan = _plan(machine, facts, settings, rank, replicas)
    gpu, slots = machine.gpus[0], settings.lora_slots
    count = replicas or len(machine.gpus) // plan.gpus
    sleeps, split = settings.share_gpu == "sleep", settings.share_gpu == "split"
    flags = ["--tensor-parallel-size", str(plan.gpus), "--max-model-len", str(plan.context)]
    flags += ["--gpu-memory-utilization", f"{plan.utilisation:.2f}", "--enable-prefix-caching"]
    flags += _lora(rank, slots, 8 * slots)
    quantisation = plan.quantisation or facts.quantised
    if plan.quantisation:
        flags += ["--quantization", plan.quantisation]
    flags += _speculation(settings.speculate)
    flags += ["--enable-sleep-mode"] if sleeps else []
    free = plan.room / facts.kv_bytes(plan.context, plan.gpus)
    shared = {"no": "all of it", "split": f"{settings.training_gb:g} GB are left to training"}
    weights = facts.weight_bytes(quantisation) / GB
    reasons = (
        ("GPUs", f"{len(machine.gpus)} x {gpu.name}", f"{gpu.memory / GB:.0f} GB each"),
        ("replicas", str(count), f"{plan.gpus} GPU each" + ("" if replicas else ", as many as fit")),
        ("weights", quantisation or ("fp32" if facts.float32 else "bf16"), f"{weights:.1f} GB"),
        ("tensor parallelism", str(plan.gpus), "the fewest GPUs that hold it"),
        ("memory for vLLM", f"{plan.utilisation:.0%}", shared.get(settings.share_gpu, "sleeps in training")),
        ("context", f"{plan.context} tokens", "as set" if settings.context else f"{ANSWERS} at once fit"),
        ("cache", f"{plan.room * plan.gpus / GB:.1f} GB", f"{free:.0f} whole contexts at once"),
        (
            "adapters",
            f"{slots} of rank {rank}",
            f"{slots * facts.lora_bytes(rank) / GB:.2f} GB; {8 * slots} more wait in memory",
        ),
        ("prefix caching", "on", "the persona is computed once"),
        ("speculation", settings.speculate or "off", "as set; Gemma 3 has no EAGLE head in vLLM"),
    )
    environment = (("VLLM_SERVER_DEV_MODE", "1"),) if sleeps else ()  # /sleep is served only then
    assert not (sleeps and split)
    return Choice(tuple(flags), environment, count, plan.gpus, reasons)


def _plan(
    machine: Machine, facts: ModelFacts, settings: ServingSettings, rank: int, replicas: int | None
) -> _Plan:
    """The first that fits: rather whole weights than few GPUs, rather few GPUs than a long context."""
    gpu = min(machine.gpus, key=lambda one: one.memory)
    most = len(machine.gpus) // (replicas or 1)
    if not most:
        raise DoesNotFit(f"{replicas} replicas need {replicas} GPUs, and there are {len(machine.gpus)}.")
    utilisation = UTILISATION
    if settings.share_gpu == "split":
        utilisation = min(UTILISATION, 1 - settings.training_gb * GB / gpu.memory)
    contexts = [settings.context] if settings.context else [c for c in CONTEXTS if c <= facts.max_length]
    contexts = contexts or [facts.max_length]
    parallel = [n for n in (1, 2, 4, 8) if n <= most and facts.heads % n == 0]
    adapters = settings.lora_slots * facts.lora_bytes(rank)
    for quantisation in _quantisations(facts, settings, gpu):
        weights = facts.weight_bytes(quantisation or facts.quantised)
        for gpus in parallel:
            room = int(utilisation * gpu.memory - OVERHEAD - weights / gpus - adapters)
            for context in contexts:
                if room >= ANSWERS * facts.kv_bytes(context, gpus):
                    return _Plan(quantisation, gpus, context, room, utilisation)
    needs = (weights / parallel[-1] + adapters + OVERHEAD) / GB
    cache = ANSWERS * facts.kv_bytes(contexts[-1], parallel[-1]) / GB
    raise DoesNotFit(
        f"this model does not fit: on each of {parallel[-1]} GPU it needs {needs:.1f} GB (weights in "
        f"{quantisation or facts.quantised or '16 bits'}, {settings.lora_slots} adapters of rank {rank}, "
        f"vLLM itself) and {cache:.1f} GB for {ANSWERS} contexts of {contexts[-1]} tokens, and may use "
        f"{utilisation * gpu.memory / GB:.1f} GB of {gpu.memory / GB:.1f}. Take a smaller model, "
        'quantisation = "bitsandbytes", a shorter context or fewer lora_slots in [serving], or more GPUs.'
    )


def _quantisations(facts: ModelFacts, settings: ServingSettings, gpu: Gpu) -> list[str | None]:
    """What to try, best first; None: the weights as they are in the checkpoint."""
    wanted = settings.quantisation
    if facts.quantised:
        if wanted not in ("auto", facts.quantised) and (facts.quantised, wanted) not in WRITTEN_SO:
            raise DoesNotFit(f"the checkpoint is quantised by {facts.quantised}, not by {wanted}.")
        return [None]
    if wanted in ("awq", "gptq"):
        raise DoesNotFit(f"{wanted} needs a checkpoint that was quantised so, and this one was not.")
    fp8 = gpu.capability >= FP8_FROM
    if wanted == "fp8" and not fp8:
        raise DoesNotFit(f"fp8 needs a GPU of capability {FP8_FROM} (Ampere), this one has {gpu.capability}.")
    if wanted == "auto":
        return [None, "fp8", "bitsandbytes"] if fp8 else [None, "bitsandbytes"]
    return [None if wanted == "none" else wanted]


def _on_the_cpu(facts: ModelFacts, settings: ServingSettings, rank: int, replicas: int) -> Choice:
    context = min(settings.context or CPU_CONTEXT, facts.max_length)
    # There must be a slot for each adapter: once the last slot is taken, vLLM 0.32 on a CPU answers requests
    # for the base with that adapter when others are in the same batch.
    slots = 8 * settings.lora_slots
    flags = ["--max-model-len", str(context), *_lora(rank, slots, slots)]
    if facts.float32:  # vLLM's kernels for 4 bits on a CPU compute in bfloat16 only
        flags += ["--dtype", "bfloat16" if facts.quantised == "w4a16" else "float32"]
    flags += ["--enforce-eager", "--max-num-seqs", "32", "--kv-cache-memory-bytes", str(CPU_CACHE_BYTES)]
    reasons = (
        ("GPUs", "none", "everything is computed by the CPU"),
        ("replicas", str(replicas), "as asked for"),
        ("context", f"{context} tokens", "as set" if settings.context else "plenty for a chat"),
        ("cache", f"{CPU_CACHE_BYTES / GB:.2f} GB", "of main memory"),
        ("adapters", f"{slots} of rank {rank}", "each needs a slot on a CPU"),
    )
    return Choice(tuple(flags), (), replicas, 0, reasons)


def _lora(rank: int, slots: int, waiting: int) -> list[str]:
    flags = ["--enable-lora", "--max-lora-rank", str(rank)]
    return [*flags, "--max-loras", str(slots), "--max-cpu-loras", str(waiting)]


def _speculation(how: str) -> list[str]:
    if not how:
        return []
    config: dict[str, object] = {"method": how, "num_speculative_tokens": 4}
    if how == "ngram":
        config |= {"prompt_lookup_max": 4, "prompt_lookup_min": 2}
    elif how != "suffix":
        config |= {"method": "draft_model", "model": how}
    return ["--speculative-config", json.dumps(config)]
