"""What is the model shown? Pure functions; training uses the very same ones as serving."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from brain.recalled import Recalled, asked, before, block, defused
from storage.records import ChatTurn, Prompt, stable_id

__all__ = ["Persona", "Recalled", "Turn", "asked", "compose", "prompt_hash"]


@dataclass(frozen=True, slots=True)
class Persona:
    """Who the twin speaks as. `facts` are short sentences about the owner that everybody may hear."""

    name: str
    facts: tuple[str, ...] = ()

    def card(self) -> str:
        head = f"You are the digital twin of {self.name}."
        return " ".join([head, *self.facts])


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said in a conversation, oldest first; `ours` marks the owner's or the twin's own words."""

    speaker: str
    text: str
    ours: bool


def compose(persona: Persona, turns: Sequence[Turn], recalled: Sequence[Recalled] = ()) -> list[ChatTurn]:
    """The card, then the conversation folded into Gemma's strict alternation, somebody else's words last.

    Gemma's template raises unless roles alternate and begin with the user, so neighbours on one side are
    joined by a newline, what the owner said before anybody else is dropped, and so is what follows the last
    words of the others. Where several people speak, each line carries its speaker's name. What is recalled
    stands right before those last words: all that is before it is the same for the next answer.
    Returns an empty list when nobody else has said anything.
    """
    others = {turn.speaker for turn in turns if not turn.ours}
    folded: list[dict[str, str]] = []
    for turn in turns:
        if not (text := defused(turn.text).strip()):
            continue
        if not turn.ours and len(others) > 1:
            text = f"{turn.speaker}: {text}"
        role = "assistant" if turn.ours else "user"
        if folded and folded[-1]["role"] == role:
            folded[-1]["content"] += f"\n{text}"
        elif folded or role == "user":
            folded.append({"role": role, "content": text})
    if folded and folded[-1]["role"] == "assistant":
        folded.pop()
    if folded:
        folded[-1]["content"] = before(block(recalled, persona.name), folded[-1]["content"])
    return [{"role": "system", "content": persona.card()}, *folded] if folded else []


def prompt_hash(prompt: Prompt) -> str:
    return stable_id(json.dumps([dict(turn) for turn in prompt], ensure_ascii=False, sort_keys=True))
