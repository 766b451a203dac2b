"""May this replica be asked? What its failures and its successes mean for that.

A server that refuses connections is out at once. One that answers with errors or falls silent is out after
three in a row: a single one may be the request's own fault. Out means until a probe finds it well again, and
longer each time it then fails without having given a single answer.
"""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = 3  # in a row
REST_SECONDS, LONGEST_REST = 1.0, 30.0


@dataclass
class Health:
    """One replica's. Times are seconds of a monotonic clock."""

    admitted: bool = False
    why: str = "it was not asked yet"  # while it is not admitted
    rests_until: float = 0.0
    failures: int = 0  # in a row
    ejections: int = 0  # in a row: no answer has gone well since
    failures_in_all: int = 0
    ejections_in_all: int = 0

    def answered(self) -> None:
        self.failures = self.ejections = 0

    def failed(self, why: str, now: float, *, at_once: bool = False) -> bool:
        """Whether it is out now, and was not before."""
        self.failures += 1
        self.failures_in_all += 1
        return (at_once or self.failures >= FAILURES) and self.eject(why, now)

    def eject(self, why: str, now: float) -> bool:
        """Whether it was admitted before."""
        was, self.admitted, self.why = self.admitted, False, why
        if was:
            self.rests_until = now + min(REST_SECONDS * 2**self.ejections, LONGEST_REST)
            self.ejections += 1
            self.ejections_in_all += 1
        return was

    def set_aside(self, why: str) -> None:
        """It did nothing wrong, and may return at any time."""
        self.admitted, self.why = False, why

    def may_return(self, now: float) -> bool:
        return not self.admitted and now >= self.rests_until

    def admit(self) -> None:
        self.admitted, self.failures, self.why = True, 0, ""
