"""Are the invented dialogues well formed, varied and the same for a seed?"""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.pocket.card import InventedTwin
from learning.pocket.dialogues import invent_dialogue, invent_dialogues
from learning.pocket.grammar import expand, fill, sentence_case
from learning.pocket.style import PLAIN, Style, write
from learning.pocket.topics import Told, catalogue
from learning.pocket.words import Words, made_up, tables


def test_a_template_gives_each_of_its_alternatives() -> None:
    written = {expand("{hi|hey {you|there}}[ all]!", random.Random(seed)) for seed in range(60)}
    assert written == {"hi!", "hi all!", "hey you!", "hey you all!", "hey there!", "hey there all!"}


def test_an_open_bracket_is_said_to_be_one() -> None:
    with pytest.raises(ValueError, match="never closed"):
        expand("{hi|hey", random.Random(1))


def test_slots_take_articles_and_sides() -> None:
    words = {"animal": "owl", "person": "my sister", "planet": "Mars"}
    assert (
        fill("$animal.a, $person.your, $planet.a. $animal.", words.__getitem__)
        == "an owl, your sister, Mars. owl."
    )


def test_sentences_begin_with_a_capital() -> None:
    assert sentence_case("oh no! when? at 7. fine") == "Oh no! When? At 7. Fine"


def test_a_row_of_a_table_is_picked_as_a_whole() -> None:
    for seed in range(20):
        words = Words(random.Random(seed))
        assert (words("country"), words("capital")) in tables()["country"].rows


@given(st.integers(0, 10**6))
def test_every_dialogue_is_whole_and_turns_alternate(seed: int) -> None:
    dialogue = invent_dialogue(random.Random(seed))
    talk = [turn for turn in dialogue if turn["role"] != "system"]
    assert [turn["role"] for turn in talk] == ["user", "assistant"] * (len(talk) // 2)
    assert talk
    assert len(dialogue) - len(talk) == (dialogue[0]["role"] == "system")
    for turn in dialogue:
        assert turn["content"].strip() == turn["content"] != ""
        assert not re.search(r"[${}\[\]|]| [?!.,]", turn["content"])


def test_the_same_seed_gives_the_same_dialogues() -> None:
    first = list(invent_dialogues(200, seed=4))
    assert first == list(invent_dialogues(200, seed=4))
    assert first != list(invent_dialogues(200, seed=5))


def test_cards_have_the_wording_that_serving_uses() -> None:
    cards = [turns[0]["content"] for turns in invent_dialogues(400, seed=2) if turns[0]["role"] == "system"]
    assert 150 < len(cards) < 350
    assert all(re.match(r"You are the digital twin of \w+\.( |$)", card) for card in cards)


def test_what_a_card_is_asked_it_can_answer() -> None:
    """The answer's names and nouns stand on the card."""
    for seed in range(200):
        twin = InventedTwin(random.Random(seed))
        _, answer = twin.question()
        proper = [name for name in re.findall(r"\b[A-Z]\w+", answer[1:]) if name not in {"I", "And"}]
        assert all(name in twin.card for name in proper if len(name) > 2 and f". {name}" not in answer)


def test_what_was_told_is_asked_again_with_the_same_words() -> None:
    pet = next(topic for topic in catalogue().topics if topic.name == "pet")
    for seed in range(50):
        told = Told(random.Random(seed))
        ((said, _),) = told.turns(pet)
        ((question, answer),) = told.ask_again()
        if "my" in question and "don't know" not in answer and "what is my" in question:
            name = re.findall(r"[A-Z]\w+", answer.removeprefix("Your").removeprefix("Of"))[-1]
            assert name.removesuffix("s") in said or name in said


def test_groups_bursts_and_styles_are_all_there() -> None:
    dialogues = list(invent_dialogues(1_000, seed=6))
    said = [turn["content"] for turns in dialogues for turn in turns if turn["role"] == "user"]
    answers = [turn["content"] for turns in dialogues for turn in turns if turn["role"] == "assistant"]
    assert 0.05 < sum(bool(re.match(r"\w+: ", line)) for line in said) / len(said) < 0.3
    assert 0.02 < sum("\n" in line for line in answers) / len(answers) < 0.3
    assert 0.1 < sum(line == line.lower() for line in answers) / len(answers) < 0.5
    assert 0.03 < sum(not line.isascii() for line in answers) / len(answers) < 0.3


def test_a_style_shows_in_what_is_written() -> None:
    chance = random.Random(1)
    loud = Style(lower_case=True, no_full_stop=True, burst=1, emoji=1, emojis=("🔥",))
    assert re.fullmatch(
        "at seven\\?\nyes, that's fine 🔥+", write("At seven? Yes, that's fine.", loud, chance)
    )
    opened = Style(opener=1, openers=("well",), closer=1, closers=("mate",))
    assert write("That's fine.", opened, chance) in {"Well, that's fine, mate.", "Well that's fine, mate."}
    assert write("at seven? yes.", PLAIN, chance) == "At seven? Yes."


def test_the_hand_written_exchanges_have_no_question_twice() -> None:
    known = catalogue()
    for exchanges in (known.for_anyone + known.for_bare, known.for_anyone + known.for_twin):
        questions = [question for question, _ in exchanges]
        assert len(questions) == len(set(questions))
    assert len(known.for_anyone) > 300


def test_made_up_words_are_mostly_new() -> None:
    chance = random.Random(1)
    assert len({made_up(chance) for _ in range(300)}) > 250
