"""Which commands are there? One list; every chat app makes its menu and its completion from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """One argument. Where nothing else is left, the last word of a command takes the rest of the line."""

    name: str
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()
    completed: bool = False  # the twin knows what might be meant: `Ears.completions`


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    description: str  # at most 100 characters
    words: tuple[Word, ...] = ()
    owner_only: bool = False
    owner_words: bool = False  # others give it without words
    admins: bool = False  # people who may manage the chat there may use it, too
    about_reply: str = ""  # title of the entry in a message's menu; the message is Invocation.about


ELSEWHERE = Word("chat", "platform:id of another chat; in our private chat, and I ask when it is left out")

COMMANDS = (
    Command("help", "What I can do, and how to teach me"),
    Command("status", "Who answers, and what has been learned from"),
    Command("retrain", "Learn from the feedback now; the outcome is told here", owner_only=True),
    Command("schedule", "What I do next by myself, how it went, why I learn nothing now", owner_only=True),
    Command(
        "adapters",
        "What has been learned so far; promote one, or go back",
        (
            Word("action", "what to do with them", choices=("list", "promote", "rollback")),
            Word("version", "which one to promote", completed=True),
        ),
        owner_words=True,
    ),
    Command(
        "chat",
        "How I behave in this chat",
        (Word("mode", "when I speak here", choices=("show", "off", "mentions", "always")), ELSEWHERE),
        admins=True,
    ),
    Command("pause", "I keep quiet here until /resume", (Word("minutes", "for so long only"),), admins=True),
    Command("resume", "I speak here again", admins=True),
    Command(
        "draft",
        "I propose answers of this chat to the owner instead of sending them",
        (Word("state", "on or off", required=True, choices=("on", "off")), ELSEWHERE),
        owner_only=True,
    ),
    Command(
        "correct",
        "What I should have said, about my last answer or the one you reply to",
        (Word("text", "the better words"),),
        about_reply="Correct this",
    ),
    Command(
        "compare",
        "Two answers to choose from",
        (Word("prompt", "what to answer; without it, your last message"),),
    ),
    Command("teach", "A few questions to the owner; the answers show me how", owner_only=True),
    Command(
        "remember",
        "A fact that I may use from now on",
        (Word("fact", "one short sentence", required=True),),
        owner_only=True,
    ),
    Command(
        "forget",
        "Make me forget what you said here, or (owner) a fact or a person",
        (Word("what", "a fact, or platform:id of a person; without it: all you ever said to me"),),
        owner_words=True,
    ),
    Command(
        "privacy",
        "What I keep about you; agree or disagree that I learn from what you write",
        (Word("choice", "your choice", choices=("show", "agree", "disagree")),),
    ),
    Command(
        "optout",
        "I forget you and never answer or keep anything of yours",
        (Word("undo", "undo it", choices=("undo",)),),
    ),
    Command("mydata", "Everything I have of you, as a file"),
)

BY_NAME = {command.name: command for command in COMMANDS}


def parse(command: Command, line: str) -> dict[str, str]:
    """The words of a command typed as plain text: by position, the last one takes the rest."""
    words: dict[str, str] = {}
    rest = line.strip()
    for number, word in enumerate(command.words):
        if not rest:
            break
        if number == len(command.words) - 1:
            words[word.name] = rest
            break
        first, _, rest = rest.partition(" ")
        words[word.name], rest = first, rest.strip()
    return words
