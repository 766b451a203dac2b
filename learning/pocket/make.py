"""How is the model folder made, from nothing? The body of the child process that `ensure` starts.

`python -m learning.pocket.make FOLDER RECIPE_JSON` fills FOLDER and writes its progress, a line of JSON each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from transformers import GemmaTokenizer, GenerationConfig
from transformers.utils import logging as transformers_logging

from learning.pocket.batches import Encoder
from learning.pocket.dialogues import invent_dialogues
from learning.pocket.recipe import PocketRecipe
from learning.pocket.tokenizer import learn_tokenizer
from learning.pocket.train import new_model, train

TOKENIZER_SHARE = 4  # every so many dialogues are enough to learn the vocabulary from
CARD = """---
license: mit
library_name: transformers
tags: [gemma3_text, stand-in]
---
# Pocket: a stand-in, not an assistant

A Gemma 3 of {millions:.1f} million weights that was trained from nothing on the machine it lies on, in about
two minutes, on {dialogues:,} invented dialogues: text from templates, word lists and hand-written lines, no
real person's words. It takes the place of a real Gemma where no weights can be had: same architecture, same
kind of tokenizer, same chat format. It answers small talk. Outside of that it is charming nonsense, and
whatever it says about a person, a place or a fact is made up.

Final training loss: {loss:.3f}. Recipe: `{recipe}`
"""


def make(folder: Path, recipe: PocketRecipe, on_progress: Callable[[float, str], None]) -> None:
    """Invent the dialogues, learn the tokenizer, train, and save a Hugging Face model folder."""
    on_progress(0.0, "inventing dialogues")
    dialogues = list(invent_dialogues(recipe.dialogues, recipe.seed))
    on_progress(0.02, "learning the tokenizer")
    texts = (turn["content"] for dialogue in dialogues[::TOKENIZER_SHARE] for turn in dialogue)
    tokenizer = learn_tokenizer(texts, recipe.vocabulary, recipe.context)
    on_progress(0.04, "cutting the dialogues into tokens")
    encoder = Encoder(tokenizer)
    samples = [encoder.sample(dialogue) for dialogue in dialogues]
    short = [sample for sample in samples if len(sample.tokens) <= recipe.sliding_window]
    model = new_model(recipe, tokenizer)
    losses = train(model, short, recipe, lambda done, words: on_progress(0.06 + 0.92 * done, words))
    on_progress(0.98, "saving")
    model.generation_config = _generation_config(tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    lately = losses[-100:]
    card = CARD.format(
        millions=model.num_parameters() / 1e6,
        dialogues=recipe.dialogues,
        loss=sum(lately) / len(lately),
        recipe=recipe.model_dump_json(),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
    on_progress(1.0, "done")


def _generation_config(tokenizer: GemmaTokenizer) -> GenerationConfig:
    return GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=[tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<end_of_turn>")],
        pad_token_id=tokenizer.pad_token_id,
        do_sample=True,
        temperature=0.7,
        top_p=0.95,
        max_new_tokens=64,
    )


def main(arguments: list[str]) -> None:
    transformers_logging.disable_progress_bar()
    folder, recipe = arguments

    def report(done: float, words: str) -> None:
        # When nobody reads any more this raises, and an orphan stops.
        sys.stdout.write(json.dumps([done, words]) + "\n")
        sys.stdout.flush()

    make(Path(folder), PocketRecipe.model_validate_json(recipe), report)


if __name__ == "__main__":
    main(sys.argv[1:])
