from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from tiny_gemma import gemma_tokenizer
from tiny_mistral import mistral_tokenizer

from brain.budget import CUT, Budget
from brain.model_client import ModelUnavailable
from brain.prompt import Persona, Situation, Turn, compose
from learning.pocket.tokenizer import learn_tokenizer
from storage.cache import open_cache

TOKENIZERS = (gemma_tokenizer(), mistral_tokenizer(), learn_tokenizer(["hello there friend"] * 20, 400, 512))
CARD = "You are the digital twin of Sam."


class WordsAreTokens:
    """A server whose tokenizer has a token for each word."""

    def __init__(self, context: int | None) -> None:
        self.length = context
        self.asked: list[str] = []
        self.down = False

    async def context(self) -> int | None:
        return self.length

    async def count(self, text: str) -> int:
        if self.down:
            raise ModelUnavailable("away")
        self.asked.append(text)
        return len(text.split())


def talk(*lengths: int) -> list[Turn]:
    """Turns of so many words, of two people in turns; each word is a long one."""
    return [
        Turn("Sam" if n % 2 else "Ana", " ".join(f"{n}word{w}" * 8 for w in range(length)), ours=n % 2 == 1)
        for n, length in enumerate(lengths)
    ]


@given(st.text())
def test_no_text_has_more_tokens_than_bytes(text):
    for tokenizer in TOKENIZERS:
        assert len(tokenizer(text, add_special_tokens=False).input_ids) <= len(text.encode()) + 1


async def test_what_fits_by_its_bytes_is_not_counted():
    server = WordsAreTokens(2000)
    turns = talk(3, 3, 3)
    assert (await Budget(server, answer=100).fit(CARD, turns, ["a fact"])).turns == turns
    assert server.asked == []


async def test_the_oldest_turns_go_first_and_whole_and_the_question_stays():
    turns = talk(*[20] * 9)
    fitted = await Budget(WordsAreTokens(200), answer=30).fit(CARD, turns, ["a fact that is recalled"])
    assert fitted.turns == turns[-len(fitted.turns) :]
    assert 1 <= len(fitted.turns) < len(turns)


async def test_recent_turns_are_worth_more_than_what_is_recalled():
    turns, fact = talk(*[20] * 3), "word " * 90
    fitted = await Budget(WordsAreTokens(230), answer=50).fit(CARD, turns, [fact, "short"])
    assert fitted.turns == turns
    assert fitted.recalled == ("short",)


async def test_one_enormous_message_is_cut_in_its_middle():
    turns = talk(5, 5, 400)
    fitted = await Budget(WordsAreTokens(150), answer=30).fit(CARD, turns)
    last = fitted.turns[-1].text
    assert CUT in last
    assert last.startswith(turns[-1].text[:40])
    assert last.endswith(turns[-1].text[-10:])
    assert fitted.tokens <= 150 - 30


async def test_an_enormous_message_in_the_past_does_not_push_out_the_rest():
    turns = talk(5, 400, 5, 5, 5)
    fitted = await Budget(WordsAreTokens(300), answer=30).fit(CARD, turns)
    assert fitted.turns[-3:] == turns[-3:]


async def test_what_was_counted_is_not_counted_again():
    server, turns = WordsAreTokens(200), talk(*[20] * 9)
    budget = Budget(server, open_cache(None), answer=30)
    first = await budget.fit(CARD, turns)
    asked = len(server.asked)
    assert await budget.fit(CARD, turns) == first
    assert len(server.asked) == asked


async def test_a_server_that_cannot_count_costs_room_and_nothing_else():
    server, turns = WordsAreTokens(2000), talk(*[20] * 9)
    server.down = True
    fitted = await Budget(server, answer=30).fit(CARD, turns)
    assert fitted.turns == turns[-len(fitted.turns) :]


async def test_without_a_known_context_nothing_is_dropped():
    turns = talk(*[100] * 9)
    assert (await Budget(WordsAreTokens(None), answer=30).fit(CARD, turns)).turns == turns


async def test_a_growing_conversation_begins_alike_for_several_questions():
    turns = talk(*[12] * 60)
    budget = Budget(WordsAreTokens(400), answer=30)
    firsts = [(await budget.fit(CARD, turns[: n + 1])).turns[0].text for n in range(30, 60, 2)]
    assert len(set(firsts)) <= len(firsts) * 2 // 3


class OwnTokens(WordsAreTokens):
    """A server that counts with Gemma's kind of tokenizer."""

    async def count(self, text: str) -> int:
        self.asked.append(text)
        return len(TOKENIZERS[0](text, add_special_tokens=False).input_ids)


async def test_of_a_conversation_longer_than_128k_tokens_so_much_is_kept_as_fits_by_the_models_own_tokens():
    context, answer, tokenizer = 131_072, 1_024, TOKENIZERS[0]
    turns = [
        Turn("Sam" if n % 2 else "Ana", f"{n}: " + "the cat bakes éclairs at 7, quite so. " * 120, n % 2 == 1)
        for n in range(101)
    ]

    def whole(kept: list[Turn]) -> int:
        """As the model is shown it, template and all."""
        situation = Situation(datetime(2026, 5, 4, 12, tzinfo=UTC), True, "telegram")
        prompt = compose(Persona("Sam"), kept, situation=situation)
        return len(tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False))

    assert whole(turns) > 1.2 * context
    card = Persona("Sam").card()
    fitted = await Budget(OwnTokens(context), answer=answer).fit(card, turns, ["a fact that is recalled"])
    assert fitted.turns == turns[-len(fitted.turns) :]
    assert whole(fitted.turns) <= fitted.tokens <= context - answer
    # Not cut short without need: bytes would say that much less has room, and steps cost a few turns at most.
    assert whole(fitted.turns) > 0.75 * context
    assert sum(len(turn.text.encode()) for turn in fitted.turns) > context


@given(st.lists(st.integers(1, 120), min_size=1, max_size=12), st.integers(80, 400))
async def test_it_always_fits(lengths, context):
    turns = [*talk(*lengths), Turn("Ana", "and you?", ours=False)]
    fitted = await Budget(WordsAreTokens(context), answer=20).fit(CARD, turns)
    assert fitted.tokens <= context - 20
    assert fitted.turns[-1].text == "and you?"
