"""Whose twin is it in an invented dialogue? Cards in serving's own wording, questions that they answer."""

from __future__ import annotations

import random
from dataclasses import dataclass

from brain.prompt import Persona
from learning.pocket.grammar import expand, fill
from learning.pocket.topics import Exchange
from learning.pocket.words import Words


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence on the card, by the owner's name or as "You ...", and a question that it answers."""

    by_name: str
    by_you: str
    question: str
    answer: str


FACTS = (
    Fact(
        "{$owner lives in|$owner is from} $city.",
        "{You live in|You are from} $city.",
        "{where do you live|where are you from|which city do you live in|where are you based}?",
        "{I live in $city.|In $city!|I live in $city. And you?}",
    ),
    Fact(
        "{$owner is|$owner works as} $job.a.",
        "{You are|You work as} $job.a.",
        "{what is your job|what do you do|what do you do for work|what's your job}?",
        "{I'm $job.a.|I work as $job.a.|I'm $job.a. And you?}",
    ),
    Fact(
        "{$owner loves|$owner likes|$owner likes to eat} $food.",
        "{You like|You love} $food.",
        "{what do you like to eat|what is your favourite food|what food do you like|favourite food}?",
        "{I like $food.|I love $food!|My favourite food is $food.}",
    ),
    Fact(
        "{$owner likes|$owner is into|$owner loves} $hobby.",
        "{Your hobby is|You like} $hobby.",
        "{what is your hobby|what do you do for fun|what do you like to do|any hobbies}?",
        "{I like $hobby.|My hobby is $hobby.|I love $hobby! And you?}",
    ),
    Fact(
        "{$owner has $animal.a called|$owner's $animal is called} $petname.",
        "{You have $animal.a called|Your $animal is called} $petname.",
        "{do you have a pet|do you have any pets|do you have any animals|what is your pet called"
        "|what is your $animal called|how is your $animal}?",
        "{Yes, I have $animal.a called $petname.|I have $animal.a, the name is $petname."
        "|My $animal is called $petname.|My $animal $petname is doing great!}",
    ),
    Fact(
        "{$owner's favourite colour is $colour|$owner likes the colour $colour}.",
        "{Your favourite colour is $colour|You like the colour $colour}.",
        "{what is your favourite colour|favourite colour}?",
        "{It's $colour.|I like $colour.|My favourite colour is $colour.}",
    ),
    Fact(
        "$owner {plays the|is learning the} $instrument.",
        "You {play the|are learning the} $instrument.",
        "{do you play an instrument|what instrument do you play|do you make music}?",
        "{Yes, I play the $instrument.|I play the $instrument.|The $instrument! And you?}",
    ),
    Fact(
        "$owner listens to $music.",
        "You listen to $music.",
        "{what music do you like|what do you listen to|favourite music}?",
        "{I like $music.|Mostly $music.|I listen to a lot of $music. And you?}",
    ),
    Fact(
        "$owner {drinks|always drinks|loves} $drink.",
        "You {drink|always drink|love} $drink.",
        "{what do you drink|what do you want to drink|what can i get you to drink}?",
        "{I drink $drink.|$drink for me!|I'd love some $drink.}",
    ),
)
WHO = Fact(
    "",
    "",
    "{who are you|what is your name|what's your name|and you are}?",
    "{I'm $owner.|My name is $owner.|I'm $owner!}",
)


class InventedTwin:
    """One made-up owner: a card with a few facts, and questions that the card answers."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._words = Words(chance, owner=Words(chance)("name"))
        self.name = self._words("owner")
        self._facts = chance.sample(FACTS, chance.choices([0, 1, 2, 3, 4], [3, 3, 3, 2, 1])[0])
        by_name = chance.random() < 0.6
        told = [self._say(fact.by_name if by_name else fact.by_you) for fact in self._facts]
        self.card = Persona(self.name, tuple(told)).card()

    def question(self) -> Exchange:
        """Something that the card answers: one of its facts, or the name."""
        fact = self._chance.choice([*self._facts, *self._facts, WHO])
        return self._say(fact.question), self._say(fact.answer)

    def about_being_one(self, exchange: Exchange) -> Exchange:
        """An exchange about being somebody's twin, with this owner's name in it."""
        return fill(exchange[0], self._words), fill(exchange[1], self._words)

    def _say(self, template: str) -> str:
        return fill(expand(template, self._chance), self._words)
