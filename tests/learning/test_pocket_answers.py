"""Does the trained pocket model make sense? Trains it first where it is not in the cache yet."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from brain.prompt import Persona, Turn, compose
from learning.pocket import default_cache_dir, ensure, is_pocket
from learning.pocket.probes import answer, dialogue, score

ANA = Persona("Ana", ("Ana lives in Porto.", "Ana likes climbing."))


@pytest.fixture(scope="module")
def pocket() -> Path:
    return ensure(default_cache_dir())


@pytest.fixture(scope="module")
def scores(pocket: Path) -> dict[str, float]:
    return score(pocket)


def test_most_probes_are_answered_right(scores: dict[str, float]) -> None:
    assert scores["all"] >= 0.7, scores


@pytest.mark.parametrize(
    ("kind", "floor"),
    [("small talk", 0.8), ("capital", 0.8), ("echo", 0.8), ("group", 0.8), ("card fact", 0.6)],
)
def test_each_skill_is_there(scores: dict[str, float], kind: str, floor: float) -> None:
    assert scores[kind] >= floor, scores


def test_a_few_friends_get_sensible_answers(pocket: Path) -> None:
    asked = {
        "i lost my keys": "keys",
        "i'm flying to Lisbon next week": "Lisbon",
        "what is the capital of Japan?": "Tokyo",
        "can we meet tomorrow at 7?": "7",
        "i feel sad because my dog is sick": "dog",
    }
    answers = answer(pocket, [dialogue(line) for line in asked])
    right = [word in given for word, given in zip(asked.values(), answers, strict=True)]
    assert sum(right) >= 4, answers


def test_it_speaks_as_whom_the_card_names(pocket: Path) -> None:
    def asked(line: str) -> list[dict[str, str]]:
        return [dict(turn) for turn in compose(ANA, [Turn("Ben", line, ours=False)])]

    who, where, bot = answer(
        pocket, [asked("who are you?"), asked("where do you live?"), asked("are you a bot?")]
    )
    assert "Ana" in who
    assert "Porto" in where
    assert "twin" in bot


def test_answers_end_by_themselves(pocket: Path) -> None:
    asked = [
        dialogue(line) for line in ("hey!", "tell me a joke", "zxcv qwerty 漢字?", "how do i make curry?")
    ]
    tokenizer = AutoTokenizer.from_pretrained(pocket)
    assert all(0 < len(tokenizer.encode(given)) < 48 for given in answer(pocket, asked))


def test_it_is_labelled_as_a_stand_in(pocket: Path) -> None:
    assert is_pocket(pocket)
    card = (pocket / "README.md").read_text(encoding="utf-8")
    assert "stand-in, not an assistant" in card
    assert "whatever it says" in card
