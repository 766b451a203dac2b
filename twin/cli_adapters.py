"""The commands about adapters, and about what people said of their answers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from twin import show
from twin.build import open_stores
from twin.console import AsJson, Limit, home, run, settings, wrote

adapters_app = typer.Typer(help="What has been learned, and which of it answers.", no_args_is_help=True)
feedback_app = typer.Typer(help="What people said about the answers.", no_args_is_help=True)


@adapters_app.command("list")
def adapters_list(json: AsJson = False) -> None:
    """What has been learned so far; → marks the one that answers, ~ the canary beside it."""

    async def work() -> list[Any]:
        async with open_stores(home(), settings()) as stores:
            return list(await stores.adapters.all())

    found = run(work())
    if json:
        show.as_json(found)
    else:
        rows = [
            (
                {"live": "→", "canary": "~"}.get(a.state, ""),
                a.version,
                a.method,
                a.state if a.canary_share is None else f"{a.state} of {a.canary_share:.0%}",
                f"{a.created_at:%Y-%m-%d %H:%M}",
                "; ".join(a.reasons),
            )
            for a in found
        ]
        show.table("adapters", ("", "version", "method", "state", "made (UTC)", "reasons"), rows)


@adapters_app.command("show")
def adapters_show(version: str, json: AsJson = False) -> None:
    """Everything about one adapter."""
    from twin.adapters import one_adapter
    from twin.train import rewards_of

    adapter = run(one_adapter(home(), settings(), version))
    rewards = rewards_of(adapter)
    if json:
        told = {name: {"before": float(before), "after": float(after)} for name, before, after in rewards}
        show.as_json({**asdict(adapter), **({"rewards": told} if told else {})})
    else:
        rows = [(name, getattr(adapter, name)) for name in adapter.__slots__ if name != "lineage"]
        show.table(version, ("what", "is"), [*rows, ("lineage", f"{len(adapter.lineage)} samples")])
        if rewards:
            show.table("\nrewards, means on held-out prompts", ("reward", "before", "after"), rewards)


@adapters_app.command("promote")
def adapters_promote(version: str, json: AsJson = False) -> None:
    """Let this one answer, after checking its folder and probing it on the server."""
    from twin.adapters import promote_adapter

    told = run(promote_adapter(home(), settings(), version))
    if json:
        show.as_json({"live": version})
    else:
        show.sentence(told)


@adapters_app.command("canary")
def adapters_canary(
    version: str,
    share: Annotated[float | None, typer.Option(help="Of the chats; default: the setting.")] = None,
    json: AsJson = False,
) -> None:
    """Let this one answer some of the chats, always the same ones, beside the live one."""
    from twin.adapters import canary_adapter

    told = run(canary_adapter(home(), settings(), version, share))
    if json:
        show.as_json({"canary": version})
    else:
        show.sentence(told)


@adapters_app.command("rollback")
def adapters_rollback(json: AsJson = False) -> None:
    """End the canary; without one, go back to the one before. It counts from the next message on."""

    async def work() -> str | None:
        async with open_stores(home(), settings()) as stores:
            promotion = await stores.adapters.roll_back("asked for on the command line")
            return promotion.version

    live = run(work())
    if json:
        show.as_json({"live": live})
    else:
        show.sentence(f"{live or 'the base model'} answers from the next message on")


Target = Annotated[Path, typer.Argument(help="A folder that is not there yet.")]


@adapters_app.command("merge")
def adapters_merge(version: str, folder: Target, json: AsJson = False) -> None:
    """Write base and adapter as one model, for servers without adapters."""
    _merge(version, folder, None, json)


@adapters_app.command("export")
def adapters_export(
    version: str,
    folder: Target,
    kind: Annotated[str, typer.Option("--format", help="fp8, awq, gptq, gguf-q8 or gguf-q4.")] = "fp8",
    json: AsJson = False,
) -> None:
    """The same in fewer bits: for vLLM (needs 'make quantize') or llama.cpp (GGUF, needs twin[export])."""
    _merge(version, folder, kind, json)


def _merge(version: str, folder: Path, kind: str | None, json: bool) -> None:
    from twin.adapters import merge_adapter

    written = run(merge_adapter(home(), settings(), version, folder.absolute(), kind))
    if json:
        show.as_json({"version": version, "format": kind or "merged", "folder": str(written)})
    else:
        show.sentence(f"written: {written}")


@feedback_app.command("list")
def feedback_list(limit: Limit = 20, json: AsJson = False) -> None:
    """The signals that count, newest last."""
    from twin.feedback import effective_feedback

    found = run(effective_feedback(home(), settings()))[-limit:]
    if json:
        show.as_json([signal for signal, _ in found])
    else:
        rows = [
            (f"{f.given_at:%Y-%m-%d %H:%M}", f.role, f.kind, reply.text if reply else "", f.text or "")
            for f, reply in found
        ]
        show.table("feedback", ("given (UTC)", "by", "kind", "about", "better"), rows)


@feedback_app.command("export")
def feedback_export(
    path: Annotated[Path, typer.Argument(help="Where to write JSONL.")], json: AsJson = False
) -> None:
    """Preference data other trainers read: prompt, chosen and rejected, or prompt, completion and label."""
    from twin.feedback import export_feedback

    wrote(run(export_feedback(home(), settings(), path)), "rows", path, json)
