from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.prompt import Persona, Turn, compose, prompt_hash
from twin.build import persona
from twin.settings import Settings

SAM = Persona("Sam", ("Sam lives in Porto.",))


def test_a_conversation_folds_into_alternating_roles():
    turns = [
        Turn("Sam", "dropped: nobody asked", ours=True),
        Turn("Ana", "hi", ours=False),
        Turn("Ana", "are you there?", ours=False),
        Turn("Sam", "yes", ours=True),
        Turn("Ana", "dinner?", ours=False),
        Turn("Sam", "dropped: already answered", ours=True),
    ]
    assert compose(SAM, turns) == [
        {"role": "system", "content": "You are the digital twin of Sam. Sam lives in Porto."},
        {"role": "user", "content": "hi\nare you there?"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "dinner?"},
    ]


def test_in_a_group_everybody_else_is_named():
    turns = [Turn("Ana", "hi", ours=False), Turn("Ben", "hey", ours=False)]
    assert compose(SAM, turns)[-1]["content"] == "Ana: hi\nBen: hey"


def test_with_nothing_to_answer_there_is_no_prompt():
    assert compose(SAM, []) == []
    assert compose(SAM, [Turn("Sam", "me again", ours=True), Turn("Ana", "  ", ours=False)]) == []


@given(st.lists(st.builds(Turn, st.sampled_from(["Sam", "Ana", "Ben"]), st.text(), st.booleans())))
def test_whoever_speaks_roles_take_turns_and_the_last_word_is_somebody_elses(turns):
    roles = [turn["role"] for turn in compose(SAM, turns)]
    if any(not turn.ours and turn.text.strip() for turn in turns):
        assert roles[0] == "system"
        assert roles[1:] == ["user" if i % 2 == 0 else "assistant" for i in range(len(roles) - 1)]
        assert roles[-1] == "user"
    else:
        assert roles == []


@given(st.lists(st.text(), min_size=1))
def test_the_hash_tells_prompts_apart(texts):
    prompt = [{"role": "user", "content": text} for text in texts]
    assert prompt_hash(prompt) == prompt_hash([dict(turn) for turn in prompt])
    assert prompt_hash(prompt) != prompt_hash([*prompt, {"role": "user", "content": ""}])


@pytest.mark.parametrize(("base", "told"), [("google/gemma-3-12b-it", True), ("pocket", False)])
def test_the_owners_languages_are_on_the_card_of_a_model_that_understands_it(base, told):
    settings = Settings(owner={"name": "Sam Reed", "languages": ["pt", "de"]}, model={"base": base})
    card = persona(settings).card()
    assert ("You write in pt, de, whichever you are written to in." in card) == told
    prompt = compose(persona(settings), [Turn("Ana", "Wie geht es dir?", ours=False)])
    assert prompt[0] == {"role": "system", "content": card}
    silent = Settings(owner={"name": "Sam Reed"}, model={"base": base})
    assert "You write in" not in persona(silent).card()
