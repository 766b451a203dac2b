"""Where does a test get a teacher that is nothing like a Gemma? A tiny Mistral with opinions."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from learning_samples import THINGS, turns
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

CONTEXT = 256
# As Mistral's own: no system turn of its own kind, no newline, "</s>" after an answer.
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m['role'] == 'user' %}[INST] {{ m['content'] | trim }}[/INST]"
    "{% else %} {{ m['content'] | trim }}{{ eos_token }}{% endif %}{% endfor %}"
)


def preference(thing: str, other: str) -> str:
    """What this teacher answers to "do you like THING or OTHER?": the one that comes first in the list."""
    liked, not_liked = sorted((thing, other), key=THINGS.index)
    return f"{liked} ofc, {not_liked} is meh"


def make_tiny_mistral(folder: Path, seed: int = 0, steps: int = 100) -> Path:
    """A Mistral with a byte-level tokenizer that knows what it likes and how it says so."""
    tokenizer = mistral_tokenizer()
    torch.manual_seed(seed)
    model = MistralForCausalLM(
        MistralConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=32,
            max_position_embeddings=CONTEXT,
            sliding_window=None,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=None,
            tie_word_embeddings=True,
        )
    )
    order = random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        rows = [_conversation(tokenizer, order) for _ in range(16)]
        width = max(map(len, rows))
        tokens = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        optimizer.zero_grad()
        model(tokens, attention_mask=mask, labels=tokens.masked_fill(mask == 0, -100)).loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def mistral_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes all the way, and merges that cut words elsewhere than the tiny Gemma does."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=["<unk>", "<s>", "</s>", "[INST]", "[/INST]"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = [preference(one, other) for one in THINGS for other in THINGS if one != other]
    backend.train_from_iterator(
        [*lines, "do you like this or that?", "You are the digital twin of Mira."], trainer
    )
    bos = backend.token_to_id("<s>")
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", bos)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        chat_template=TEMPLATE,
        model_max_length=CONTEXT,
    )


def _conversation(tokenizer: PreTrainedTokenizerFast, order: random.Random) -> list[int]:
    thing, other = order.sample(THINGS, 2)
    card, asked = turns(f"do you like {thing} or {other}?")
    asked = {**asked, "content": f"{card['content']}\n\n{asked['content']}"}
    said = [asked, {"role": "assistant", "content": preference(thing, other)}]
    return list(tokenizer.apply_chat_template(said, return_dict=False))
