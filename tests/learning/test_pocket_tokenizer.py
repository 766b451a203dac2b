"""Does the pocket tokenizer behave like Gemma's, and is the template Gemma's format?"""

from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.exceptions import TemplateError
from transformers import AutoTokenizer, GemmaTokenizer

from brain.prompt import Persona, Turn, compose
from learning.pocket.batches import Encoder
from learning.pocket.dialogues import invent_dialogues
from learning.pocket.tokenizer import learn_tokenizer

TALK = [
    {"role": "system", "content": "You are the digital twin of Ana."},
    {"role": "user", "content": "Ben: hi all\nFinn: i lost my keys"},
    {"role": "assistant", "content": "oh no!\nwhen did you last have them? 😅"},
    {"role": "user", "content": "  yesterday "},
    {"role": "assistant", "content": "look under the bed"},
]
WRITTEN = (
    "<bos><start_of_turn>user\nYou are the digital twin of Ana.\n\n"
    "Ben: hi all\nFinn: i lost my keys<end_of_turn>\n"
    "<start_of_turn>model\noh no!\nwhen did you last have them? 😅<end_of_turn>\n"
    "<start_of_turn>user\nyesterday<end_of_turn>\n"
    "<start_of_turn>model\nlook under the bed<end_of_turn>\n"
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> GemmaTokenizer:
    """Saved and loaded again, as everybody else will get it."""
    texts = [turn["content"] for dialogue in invent_dialogues(800, seed=1) for turn in dialogue]
    folder = tmp_path_factory.mktemp("tokenizer")
    learn_tokenizer(texts, vocabulary=1_024, context=512).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def test_it_is_a_gemma_tokenizer_with_gemmas_ids(tokenizer: GemmaTokenizer) -> None:
    assert isinstance(tokenizer, GemmaTokenizer)
    assert len(tokenizer) == 1_024
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id) == (0, 1, 2)
    assert tokenizer.padding_side == "left"


def test_newline_runs_and_turn_words_are_single_tokens(tokenizer: GemmaTokenizer) -> None:
    for text in ["\n", "\n\n", "\n\n\n", "\n\n\n\n", "user", "model", "<start_of_turn>", "<end_of_turn>"]:
        assert len(tokenizer.encode(text, add_special_tokens=False)) == 1, repr(text)


# "▁" itself comes back as a space: Gemma's own tokenizer cannot tell the two apart either.
@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁")))
def test_any_text_decodes_to_itself(tokenizer: GemmaTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_the_template_writes_gemmas_format(tokenizer: GemmaTokenizer) -> None:
    assert tokenizer.apply_chat_template(TALK, tokenize=False) == WRITTEN
    asked = tokenizer.apply_chat_template(TALK[:2], tokenize=False, add_generation_prompt=True)
    assert asked == WRITTEN[: WRITTEN.index("oh no!")]


def test_the_template_agrees_with_the_trainers_gemma_template(tokenizer: GemmaTokenizer) -> None:
    theirs = files("trl").joinpath("chat_templates/gemma3_training.jinja").read_text()
    for dialogue in [TALK, *invent_dialogues(50, seed=3)]:
        ours = tokenizer.apply_chat_template(list(dialogue), tokenize=False)
        assert ours == tokenizer.apply_chat_template(list(dialogue), chat_template=theirs, tokenize=False)


def test_parts_of_text_and_images_are_written_too(tokenizer: GemmaTokenizer) -> None:
    parts = [{"type": "text", "text": " look: "}, {"type": "image"}]
    written = tokenizer.apply_chat_template([{"role": "user", "content": parts}], tokenize=False)
    assert written == "<bos><start_of_turn>user\nlook:<start_of_image><end_of_turn>\n"


def test_the_mask_covers_the_models_words_and_nothing_else(tokenizer: GemmaTokenizer) -> None:
    encoded = tokenizer.apply_chat_template(
        TALK, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    pairs = zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
    ours = tokenizer.decode([token for token, is_ours in pairs if is_ours])
    assert ours == "oh no!\nwhen did you last have them? 😅<end_of_turn>\nlook under the bed<end_of_turn>\n"


def test_two_turns_of_one_side_are_refused(tokenizer: GemmaTokenizer) -> None:
    with pytest.raises(TemplateError, match="must alternate"):
        tokenizer.apply_chat_template([TALK[1], TALK[1]], tokenize=False)


def test_the_quick_encoder_agrees_with_the_template(tokenizer: GemmaTokenizer) -> None:
    encoder = Encoder(tokenizer)
    for dialogue in invent_dialogues(100, seed=5):
        slow = tokenizer.apply_chat_template(
            dialogue, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        quick = encoder.sample(dialogue)
        assert quick.tokens == slow["input_ids"]
        assert [int(ours) for ours in quick.wanted] == slow["assistant_masks"]


def test_what_serving_composes_is_accepted(tokenizer: GemmaTokenizer) -> None:
    turns = [Turn("Ben", "hi", ours=False), Turn("Ana", "hey", ours=True), Turn("Ben", "when?", ours=False)]
    prompt = compose(Persona("Ana", ("Ana lives in Porto.",)), turns)
    written = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    assert "You are the digital twin of Ana. Ana lives in Porto.\n\nhi<end_of_turn>" in written


def test_the_template_is_in_the_package(tokenizer: GemmaTokenizer) -> None:
    template = files("learning").joinpath("gemma_template.jinja").read_text(encoding="utf-8")
    assert tokenizer.chat_template == template
    assert isinstance(tokenizer.name_or_path, str)
    assert (Path(tokenizer.name_or_path) / "chat_template.jinja").read_text(encoding="utf-8") == template
