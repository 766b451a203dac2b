"""What does /teach ask? Everyday situations, as a friend would write them; each at most 45 characters."""

from __future__ import annotations

KINDS = {
    "greeting": (
        "hey, what's up?",
        "good morning!",
        "long time no see, how have you been?",
        "you there?",
        "guess who's back in town",
    ),
    "plans": (
        "what are you doing this weekend?",
        "dinner on friday?",
        "when can you be here?",
        "sorry, can we move it to next week?",
        "what should we do for my birthday?",
    ),
    "comfort": (
        "i had the worst day",
        "i failed the exam",
        "we broke up",
        "i can't sleep again",
        "i think i messed up at work",
    ),
    "opinion": (
        "tea or coffee?",
        "have you seen anything good lately?",
        "should i quit my job?",
        "what do you think of that new place?",
        "is it ok to be late on purpose?",
    ),
    "help": (
        "my laptop won't start, any idea?",
        "how do i undo my last commit?",
        "the wifi is down again, what do i do?",
        "which phone should i get?",
        "can you explain what a vpn is?",
    ),
    "refusing": (
        "can you lend me 200 until monday?",
        "come on, one more drink",
        "could you do my homework for me?",
        "can you drive me at 5 in the morning?",
        "tell me what she said about me",
    ),
    "joking": (
        "tell me something funny",
        "you are so old",
        "i just ate a whole cake",
        "i am never leaving the house again",
        "your team lost, again",
    ),
    "everyday": (
        "thanks for yesterday!",
        "did you get home ok?",
        "look what the cat did",
        "happy birthday!!",
        "i got the job!",
    ),
}
LESSON = len(KINDS)  # questions in one sitting: one of each kind


def situation(number: int) -> str:
    """They go round; `LESSON` in a row are of as many kinds."""
    kinds = list(KINDS.values())
    kind = kinds[number % LESSON]
    return kind[number // LESSON % len(kind)]
