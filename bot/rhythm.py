from dataclasses import dataclass


@dataclass(frozen=True)
class Rhythm:
    def pause_before(self, bubble: str, seed: int, speed: float = 1.0) -> float:
        return 0.6 * speed

    def reading_pause(self, question: str, answer: str, seed: int, speed: float = 1.0) -> float:
        return 0.3 * speed


def learn_rhythm(said):
    return Rhythm()
