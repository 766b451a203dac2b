"""Does the pocket model make sense? Questions with one right word in the answer, and how many it gets."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from brain.prompt import Persona, Turn, compose
from learning.pocket.topics import catalogue
from learning.pocket.words import Words, column, made_up, tables
from storage.records import ChatTurn

EACH = 25  # probes of a kind, where the kind has no list of its own


@dataclass(frozen=True, slots=True)
class Probe:
    kind: str
    prompt: list[ChatTurn]
    expected: str  # right when the answer holds these words, whatever their case and punctuation


def probes(seed: int = 77) -> list[Probe]:
    chance = random.Random(seed)
    return [*_recall(chance), *_cards(chance), *_group(chance), *_facts(), *_small_talk(chance)]


def score(model_dir: Path) -> dict[str, float]:
    """Share of right answers for each kind of probe, and "all"; greedy decoding."""
    asked = probes()
    answers = answer(model_dir, [probe.prompt for probe in asked])
    right: dict[str, list[bool]] = {"all": []}
    for probe, given in zip(asked, answers, strict=True):
        is_right = _bare(probe.expected) in _bare(given)
        right.setdefault(probe.kind, []).append(is_right)
        right["all"].append(is_right)
    return {kind: sum(marks) / len(marks) for kind, marks in right.items()}


def answer(model_dir: Path, prompts: Sequence[list[ChatTurn]], batch_size: int = 64) -> list[str]:
    """The model's most likely answer to each prompt."""
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    model = AutoModelForCausalLM.from_pretrained(model_dir).eval()
    answers: list[str] = []
    for start in range(0, len(prompts), batch_size):
        asked = tokenizer.apply_chat_template(
            [list(prompt) for prompt in prompts[start : start + batch_size]],
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
            padding=True,
        )
        with torch.no_grad():
            written = model.generate(
                **asked, max_new_tokens=48, do_sample=False, top_p=None, temperature=None
            )
        new = written[:, asked["input_ids"].shape[1] :]
        answers += [text.strip() for text in tokenizer.batch_decode(new, skip_special_tokens=True)]
    return answers


def dialogue(*lines: str, card: str | None = None) -> list[ChatTurn]:
    """A friend and the model in turn, the friend first."""
    turns = [{"role": "assistant" if at % 2 else "user", "content": line} for at, line in enumerate(lines)]
    return [{"role": "system", "content": card}, *turns] if card else [*turns]


def _recall(chance: random.Random) -> Iterator[Probe]:
    for _ in range(EACH):
        for kind, name in (("known name", chance.choice(column("name"))), ("new name", made_up(chance))):
            hello = f"Nice to meet you, {name}! How are you?"
            yield Probe(kind, dialogue(f"my name is {name}", hello, "what's my name?"), name)
        for kind, name in (("known pet", chance.choice(column("petname"))), ("new pet", made_up(chance))):
            animal = chance.choice(column("animal"))
            told = f"my {animal} is called {name}", f"Aw, {name} is a lovely name for a {animal}!"
            joke = "tell me a joke", "Why can't a bike stand up? It is two tired!"
            yield Probe(kind, dialogue(*told, *joke, f"what is my {animal} called?"), name)
        city = chance.choice(column("city"))
        yield Probe("echo", dialogue(f"i'm going to {city} {chance.choice(['tomorrow', 'next week'])}"), city)


def _cards(chance: random.Random) -> Iterator[Probe]:
    for _ in range(EACH):
        words = Words(chance)
        name = words("name")
        facts = {
            "where do you live?": (f"{name} lives in {words('city')}.", words("city")),
            "what is your favourite food?": (f"{name} loves {words('food')}.", words("food")),
            "do you have a pet?": (
                f"{name} has a {words('animal')} called {words('petname')}.",
                words("petname"),
            ),
            "what do you do for work?": (f"{name} works as a {words('job')}.", words("job")),
        }
        card = Persona(name, tuple(fact for fact, _ in facts.values())).card()
        question = chance.choice(list(facts))
        yield Probe("card fact", dialogue(question, card=card), facts[question][1])
        yield Probe("card name", dialogue("who are you?", card=card), name)


def _group(chance: random.Random) -> Iterator[Probe]:
    """Several friends in one chat, composed as serving composes them."""
    for _ in range(EACH):
        first, second = chance.sample(column("name"), 2)
        city = chance.choice(column("city"))
        turns = [
            Turn(first, "hi all", ours=False),
            Turn(second, f"i'm flying to {city} next week", ours=False),
        ]
        yield Probe("group", compose(Persona(chance.choice(column("name"))), turns), city)


def _facts() -> Iterator[Probe]:
    for country, capital in tables()["country"].rows:
        yield Probe("capital", dialogue(f"what is the capital of {country}?"), capital)
    for word, contrary in tables()["opposite"].rows[::2]:
        yield Probe("opposite", dialogue(f"what is the opposite of {word}?"), contrary)


def _small_talk(chance: random.Random) -> Iterator[Probe]:
    for said, answer in catalogue().for_anyone[::4]:
        card = Persona(chance.choice(column("name"))).card() if chance.random() < 0.5 else None
        yield Probe("small talk", dialogue(said, card=card), answer)


def _bare(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9\s]", "", text.lower()).split())
