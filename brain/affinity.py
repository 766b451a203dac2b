"""Which replica gets this chat? Always the same one, so that its prompt and its adapter are warm there.

Rendezvous hashing (Thaler and Ravishankar 1998): every replica gets a number from its name and the chat's,
the highest is the chat's home. One that joins or leaves moves only the chats whose home it is, about 1/n.
Bounded loads (Mirrokni, Thorup, Zadimoghaddam 2016): a home with more than its share is passed over.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

SHARE_OF_LOAD = 1.25  # of the mean, before a replica is passed over
NEVER_TOO_MUCH = 4  # so few answers at once never make a replica slow; a warm cache saves more


def preferred(session: str, replicas: Sequence[str]) -> list[str]:
    """The replicas by name, the home of that chat first, then where it goes when the home cannot have it."""
    return sorted(replicas, key=lambda replica: unit_hash(replica, session), reverse=True)


def place(session: str | None, loads: Mapping[str, int]) -> str:
    """The replica for one more answer, from how many each is giving now; without a chat, the least loaded."""
    if session is None or len(loads) == 1:
        return min(loads, key=lambda replica: loads[replica])
    share = math.ceil(SHARE_OF_LOAD * (sum(loads.values()) + 1) / len(loads))
    bound = max(NEVER_TOO_MUCH, share)
    return next(one for one in preferred(session, list(loads)) if loads[one] < bound)


def unit_hash(*parts: str) -> float:
    """The same number from 0 to 1 in every process and for ever; unrelated parts, unrelated numbers."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
