"""With which flags does vLLM serve this model on this machine, and why?"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from brain.machine import Gpu, Machine
from brain.model_facts import ModelFacts, facts_of
from brain.settings import ServingSettings

GB = 1e9
UTILISATION = 0.90  # of a GPU's memory that vLLM may have
OVERHEAD = 2.5 * GB  # activations, CUDA graphs, the context itself
ANSWERS = 4  # whole contexts that must fit at once; most are far shorter
CONTEXTS = (32_768, 16_384, 8_192, 4_096)  # plenty for a chat; more only when it is set
CPU_CONTEXT = 8_192
CPU_CACHE_BYTES = 256 * 1024 * 1024
FP8_FROM = 8.0  # computed in 8 bits from 8.9 on, before that only kept so
FLAGS = {"fp8": "fp8_per_tensor"}  # what vLLM calls it when the weights become so while they are loaded
# What vLLM does only with another package beside it, see `lacks` in brain/vllm_server.py.
NEEDS = {"bitsandbytes": "vllm-bnb-plugin", "suffix": "arctic-inference"}


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
    lacking: Collection[str] = (),
) -> Choice:
    """`rank`: of the largest adapter. `replicas` None: as many as there is room for. Raises DoesNotFit.

    `lacking`: what this vLLM cannot do, of NEEDS; it is not chosen, and refused where it is set.
    """
    if not machine.gpus:
        return _on_the_cpu(facts, settings, rank, replicas or 1)
    _refuse_what_is_lacking(facts, settings, lacking)
    plan = _plan(machine, facts, settings, rank, replicas, lacking)
    gpu, slots = machine.gpus[0], settings.lora_slots
    count = replicas or len(machine.gpus) // plan.gpus
    sleeps, split = settings.share_gpu == "sleep", settings.share_gpu == "split"
    flags = ["--tensor-parallel-size", str(plan.gpus), "--max-model-len", str(plan.context)]
    flags += ["--gpu-memory-utilization", f"{plan.utilisation:.2f}", "--enable-prefix-caching"]
    flags += _lora(rank, slots, 8 * slots)
    quantisation = plan.quantisation or facts.quantised
    if plan.quantisation:
        flags += ["--quantization", FLAGS.get(plan.quantisation, plan.quantisation)]
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
    machine: Machine,
    facts: ModelFacts,
    settings: ServingSettings,
    rank: int,
    replicas: int | None,
    lacking: Collection[str],
) -> _Plan:
    """The first that fits: rather whole weights than few GPUs, rather few GPUs than a long context."""
    gpu = min(machine.gpus, key=lambda one: one.memory)
    most = len(machine.gpus) // (replicas or 1)
    if not most:
        raise DoesNotFit(f"{replicas} replicas need {replicas} GPUs, and there are {len(machine.gpus)}.")
    utilisation = UTILISATION
    if settings.share_gpu == "split":
        utilisation = max(0.0, min(UTILISATION, 1 - settings.training_gb * GB / gpu.memory))
    if settings.context and settings.context > facts.max_length:
        raise DoesNotFit(
            f"[serving] context is {settings.context}, and this model reads up to {facts.max_length} tokens."
        )
    contexts = [settings.context] if settings.context else [c for c in CONTEXTS if c <= facts.max_length]
    contexts = contexts or [facts.max_length]
    parallel = [n for n in (1, 2, 4, 8) if n <= most and facts.heads % n == 0]
    adapters = settings.lora_slots * facts.lora_bytes(rank)
    drafts = facts_of(settings.speculate).weight_bytes(None) if _drafts(settings.speculate) else 0
    for quantisation in _quantisations(facts, settings, gpu, lacking):
        weights = facts.weight_bytes(quantisation or facts.quantised) + drafts
        for gpus in parallel:
            room = int(utilisation * gpu.memory - OVERHEAD - weights / gpus - adapters)
            for context in contexts:
                if room >= ANSWERS * facts.kv_bytes(context, gpus):
                    return _Plan(quantisation, gpus, context, room, utilisation)
    needs = (weights / parallel[-1] + adapters + OVERHEAD) / GB
    smaller = "" if "bitsandbytes" in lacking else 'quantisation = "bitsandbytes", '
    cache = ANSWERS * facts.kv_bytes(contexts[-1], parallel[-1]) / GB
    raise DoesNotFit(
        f"this model does not fit: on each of {parallel[-1]} GPU it needs {needs:.1f} GB (weights in "
        f"{quantisation or facts.quantised or '16 bits'}, {settings.lora_slots} adapters of rank {rank}, "
        f"vLLM itself) and {cache:.1f} GB for {ANSWERS} contexts of {contexts[-1]} tokens, and may use "
        f"{utilisation * gpu.memory / GB:.1f} GB of {gpu.memory / GB:.1f}. Take a smaller model, "
        f"{smaller}a shorter context or fewer lora_slots in [serving], or more GPUs."
    )


def _refuse_what_is_lacking(facts: ModelFacts, settings: ServingSettings, lacking: Collection[str]) -> None:
    for asked, where in (
        (settings.quantisation, "[serving] quantisation"),
        (settings.speculate, "[serving] speculate"),
        (facts.quantised, "this checkpoint"),
    ):
        if asked and asked in lacking:
            raise DoesNotFit(
                f"{where} is {asked}, and vLLM needs {NEEDS[asked]} for it, which is not beside it: install "
                f"it with the pip of vLLM's own virtual environment, or choose something else."
            )


def _quantisations(
    facts: ModelFacts, settings: ServingSettings, gpu: Gpu, lacking: Collection[str]
) -> list[str | None]:
    """What to try, best first; None: the weights as they are in the checkpoint."""
    wanted = settings.quantisation
    if facts.quantised:
        # compressed-tensors holds fp8, AWQ and GPTQ alike: `twin adapters export` writes each of them so.
        inside = ("fp8", "awq", "gptq") if facts.quantised == "compressed-tensors" else ()
        if wanted not in ("auto", facts.quantised, *inside):
            raise DoesNotFit(
                f"the checkpoint is quantised by {facts.quantised}, not by {wanted}; leave [serving] "
                'quantisation at "auto", and vLLM reads it from the checkpoint.'
            )
        return [None]
    if wanted in ("awq", "gptq"):
        raise DoesNotFit(f"{wanted} needs a checkpoint that was quantised so, and this one was not.")
    fp8 = gpu.capability >= FP8_FROM
    if wanted == "fp8" and not fp8:
        raise DoesNotFit(f"fp8 needs a GPU of capability {FP8_FROM} (Ampere), this one has {gpu.capability}.")
    if wanted == "auto":
        ways = ["fp8", "bitsandbytes"] if fp8 else ["bitsandbytes"]
        return [None, *(way for way in ways if way not in lacking)]
    return [None if wanted == "none" else wanted]


def _on_the_cpu(facts: ModelFacts, settings: ServingSettings, rank: int, replicas: int) -> Choice:
    context = min(settings.context or CPU_CONTEXT, facts.max_length)
    # There must be a slot for each adapter: once the last slot is taken, vLLM 0.32 on a CPU answers requests
    # for the base with that adapter when others are in the same batch.
    slots = 8 * settings.lora_slots
    flags = ["--max-model-len", str(context), *_lora(rank, slots, slots)]
    if facts.float32:  # vLLM's kernels for 4 bits on a CPU compute in bfloat16 only
        flags += ["--dtype", "bfloat16" if facts.quantised and facts.bits == 4 else "float32"]
    flags += ["--enforce-eager", "--max-num-seqs", "32", "--kv-cache-memory-bytes", str(CPU_CACHE_BYTES)]
    whole = "plenty for a chat" if context == CPU_CONTEXT else "all that the model has"
    reasons = [
        ("GPUs", "none", "everything is computed by the CPU"),
        ("replicas", str(replicas), "as asked for"),
        ("context", f"{context} tokens", "as set" if context == settings.context else whole),
        ("cache", f"{CPU_CACHE_BYTES / GB:.2f} GB", "of main memory"),
        ("adapters", f"{slots} of rank {rank}", "each needs a slot on a CPU"),
    ]
    set_for_a_gpu = {
        "quantisation": settings.quantisation in ("fp8", "bitsandbytes"),
        "speculate": bool(settings.speculate),
        "share_gpu": settings.share_gpu != "no",
    }
    unused = ", ".join(name for name, is_set in set_for_a_gpu.items() if is_set)
    reasons += [(unused, "not used", "only on a GPU")] if unused else []
    return Choice(tuple(flags), (), replicas, 0, tuple(reasons))


def _lora(rank: int, slots: int, waiting: int) -> list[str]:
    flags = ["--enable-lora", "--max-lora-rank", str(rank)]
    return [*flags, "--max-loras", str(slots), "--max-cpu-loras", str(waiting)]


def _drafts(how: str) -> bool:
    """Whether a model of its own proposes the next words."""
    return how not in ("", "ngram", "suffix")


def _speculation(how: str) -> list[str]:
    if not how:
        return []
    config: dict[str, object] = {"method": how, "num_speculative_tokens": 4}
    if how == "ngram":
        config |= {"prompt_lookup_max": 4, "prompt_lookup_min": 2}
    elif _drafts(how):
        config |= {"method": "draft_model", "model": how}
    return ["--speculative-config", json.dumps(config)]
