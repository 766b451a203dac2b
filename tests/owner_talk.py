"""Where do the reward tests get an owner? Invented talk, answered in one invented manner."""

from __future__ import annotations

import random
from typing import Any

from learning.pocket.style import Style, type_fast, write
from learning.pocket.topics import Told, catalogue

MANNER = Style(
    lower_case=True,
    no_full_stop=True,
    burst=0.3,
    emoji=0.25,
    opener=0.25,
    closer=0.2,
    emojis=("😅", "🙃", "🌊"),
    openers=("haha", "ok so"),
    closers=("honestly tho", "i guess"),
)


def owner_talk(count: int, seed: int) -> list[dict[str, Any]]:
    """Rows of a corpus: short conversations of Mira's, in two threads."""
    chance = random.Random(seed)
    rows: list[dict[str, Any]] = []
    while len(rows) < count:
        told, known = Told(chance), catalogue()
        talk = (
            [chance.choice(known.for_anyone)]
            if chance.random() < 0.4
            else told.turns(chance.choice(known.topics))
        )
        turns = [{"role": "system", "content": "You are the digital twin of Mira."}]
        thread = chance.choice(["pier", "kitchen"])
        for question, answer in talk:
            turns = [*turns, {"role": "user", "content": type_fast(question, chance)}]
            said = {"role": "assistant", "content": write(answer, MANNER, chance)}
            rows.append(
                {
                    "id": f"talk-{seed}-{len(rows)}",
                    "kind": "answer",
                    "source": "telegram",
                    "thread": thread,
                    "prompt": turns,
                    "completion": [said],
                }
            )
            turns = [*turns, said]
    return rows[:count]
